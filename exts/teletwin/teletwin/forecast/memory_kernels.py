"""What hands have taught, and the forecasts that still wait for what comes. Functions of kernels.

A forecast that is made gets a number; `issued` has the time of each [slots]. Trial m lies 4 m + 2 slots ahead (20,
60, ... 500 ms) and keeps the last 4 m + 4 forecasts in the rows of `history` from 2 m (m + 1) on, so each is still
there when it falls due.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false
# pyright: reportReturnType=false

import warp as wp  # noqa: TID253

from teletwin.forecast.continuity_kernels import POSES_KEPT, hemisphere, slots_passed
from teletwin.forecast.kernels import channels
from teletwin.forecast.lane_kernels import vec7, vec7f, vec8
from teletwin.forecast.weighing_kernels import Moments, Shares, Weights, vec4d

wp.set_module_options({"enable_backward": False, "fast_math": False})

ISSUED = wp.constant(64)
"""Ring of the times at which forecasts were made; more than are made in the longest horizon."""
DENSITY_SLOTS = wp.constant(wp.float64(1.999))
"""Two forecasts are kept in so many slots, however often they are made."""
SOON = wp.constant(wp.float64(1.0e-6))
SLOTS_TAUGHT_MAX = wp.constant(wp.float64(10.0))
"""What one forecast that fell due can stand for [slots]."""


@wp.struct
class Memory:
    """By hand, then by trial and group (position, orientation).

    before: newest poses of the window before. clocks [slots], counts (forecasts kept), signs (hemisphere): since the
    hand began. scored: the newest forecast that fell due. history: displacements forecast, by candidate, of the
    learned mixture and of what was said. moments, products: sums of the candidates' products and of what came.
    scores: slots; squared error of what was said, of holding; squared activity. faults: squared errors of late, by
    single candidate, of holding, of the prior mixture and the learned one; evidence: of how many slots.
    """

    before: wp.array2d(dtype=vec7)
    clocks: wp.array(dtype=wp.float64)
    counts: wp.array(dtype=wp.int32)
    signs: wp.array(dtype=wp.float64)
    issued: wp.array2d(dtype=wp.float64)
    scored: wp.array2d(dtype=wp.int32)
    history: wp.array3d(dtype=vec7f)
    moments: wp.array3d(dtype=Moments)
    products: wp.array3d(dtype=Weights)
    scores: wp.array3d(dtype=vec4d)
    faults: wp.array3d(dtype=Shares)
    evidence: wp.array3d(dtype=wp.float64)


@wp.func
def begin_slot(window: wp.array2d(dtype=vec7), hand: int, memory: Memory) -> wp.float64:
    """Find this window's place in time; return the slots that passed, -1 for a new hand."""
    last = window.shape[1] - 1
    sign = hemisphere(memory.before[hand, 0], window[hand, last])
    passed = wp.float64(-1.0)
    if memory.counts[hand] >= 0:
        passed = slots_passed(window, memory.before, hand, sign)
    if passed < wp.float64(0.0):
        memory.clocks[hand] = wp.float64(0.0)
        memory.counts[hand] = 0
        memory.signs[hand] = wp.float64(1.0)
        for trial in range(memory.scored.shape[1]):
            memory.scored[hand, trial] = -1
    else:
        memory.clocks[hand] = memory.clocks[hand] + passed
        memory.signs[hand] = memory.signs[hand] * sign
    for j in range(POSES_KEPT):
        memory.before[hand, j] = window[hand, last - j]
    return passed


@wp.func
def issue(memory: Memory, hand: int, passed: wp.float64) -> int:
    """The number under which this slot's forecast is kept; -1 where the last ones lie too near."""
    count = memory.counts[hand]
    clock = memory.clocks[hand]
    if passed == wp.float64(0.0) and count > 0:
        return -1
    if count > 1 and clock - memory.issued[hand, (count - 2) % ISSUED] < DENSITY_SLOTS:
        return -1
    memory.issued[hand, count % ISSUED] = clock
    memory.counts[hand] = count + 1
    return count


@wp.func
def row_of(trial: int, number: int) -> int:
    """Where a trial keeps the forecast of this number."""
    return 2 * trial * (trial + 1) + number % (4 * trial + 4)


@wp.func
def newest_due(memory: Memory, hand: int, trial: int) -> int:
    """Number of the newest forecast that fell due since the last one that did; -1 for none."""
    count = memory.counts[hand]
    span = wp.float64(4 * trial + 2)
    due = memory.clocks[hand] + SOON - span
    found = int(-1)  # noqa: UP018, RUF046 - a variable, not a constant of the kernel
    number = wp.max(memory.scored[hand, trial] + 1, count - (4 * trial + 4))
    while number < count and memory.issued[hand, number % ISSUED] <= due:
        found = number
        number += 1
    return found


@wp.func
def slots_taught(memory: Memory, hand: int, trial: int, number: int) -> wp.float64:
    """Slots that a forecast stands for: those since the one that fell due before it. Counts it as due."""
    before = memory.scored[hand, trial]
    memory.scored[hand, trial] = number
    if before < 0 or number - before >= ISSUED:
        return wp.float64(1.0)
    slots = memory.issued[hand, number % ISSUED] - memory.issued[hand, before % ISSUED]
    return wp.min(slots, SLOTS_TAUGHT_MAX)


@wp.func
def way_back(ways: wp.array2d(dtype=vec8), nook: int, last: int, slots: wp.float64) -> vec7:
    """Where the hand was so many slots before the newest pose, between two poses too; slots <= last."""
    whole = int(wp.floor(slots))
    part = slots - wp.float64(whole)
    newer = ways[nook, last - whole]
    older = ways[nook, wp.max(last - whole - 1, 0)]
    return channels(newer + part * (older - newer))


@wp.func
def past(memory: Memory, hand: int, row: int, which: int) -> vec7:
    """A displacement from the history."""
    stored = memory.history[hand, row, which]
    result = vec7()
    for lane in range(7):
        result[lane] = wp.float64(stored[lane])
    return result


@wp.func
def keep(memory: Memory, hand: int, row: int, which: int, moved: vec7) -> None:
    """Put a displacement into the history."""
    stored = vec7f()
    for lane in range(7):
        stored[lane] = wp.float32(moved[lane])
    memory.history[hand, row, which] = stored
