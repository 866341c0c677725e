"""The kernel that weighs forecasters by how their earlier forecasts came out. Only `combined` imports this.

One thread serves one hand. All that a hand has taught lies in `Memory`, indexed by the hand first:

history (338, 5)      displacements forecast earlier, by candidate, the combination last. Trial m lies 4 m + 2 slots
                      ahead and owns the 4 m + 2 rows from 2 m^2 on: a row is read, exactly when its forecast falls
                      due, and then written anew.
moments (13, 2)       sums of the candidates' products, by trial and group (position, orientation)
products (13, 2)      sums of the candidates times what came
scores (13, 2)        effective count; squared error of the combination, of holding; squared activity

Every other knot is a trial (20, 60, ... 500 ms); the knots between take the mean of their neighbours' weights.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.kernels import bounded_pose, fastest_increment, vec7
from teletwin.forecast.weighing_kernels import (
    dot_group,
    expected_errors,
    mat44d,
    mix,
    second_moments,
    square_sum,
    vec4d,
    weigh,
)

wp.set_module_options({"enable_backward": False, "fast_math": False})

vec7f = wp.types.vector(length=7, dtype=wp.float32)

TRIALS = wp.constant(13)
STEPS_PER_KNOT = wp.constant(2)
ISSUED_SLOTS = wp.constant(64)
"""Ring of the numbers of slots in which a forecast was made; longer than the longest horizon."""
SLOTS_MISSED_MAX = wp.constant(8)
ORIGIN_STRIDE = wp.constant(8)
NO_SLOT = wp.constant(-1000000)
SLOTS_WRAP = wp.constant(1000000)
SQUARE_MAX = wp.constant(wp.float64(1.0e12))


@wp.struct
class Memory:
    """What the hands have taught."""

    before: wp.array2d(dtype=vec7)
    slots: wp.array(dtype=wp.int32)
    signs: wp.array(dtype=wp.float64)
    issued: wp.array2d(dtype=wp.int32)
    history: wp.array3d(dtype=vec7f)
    moments: wp.array3d(dtype=mat44d)
    products: wp.array3d(dtype=vec4d)
    scores: wp.array3d(dtype=vec4d)


@wp.struct
class Candidates:
    """Curves (hands, knots) that are mixed, and the weights to start from (trials, 2)."""

    curve_0: wp.array2d(dtype=vec7)
    curve_1: wp.array2d(dtype=vec7)
    curve_2: wp.array2d(dtype=vec7)
    curve_3: wp.array2d(dtype=vec7)
    prior: wp.array2d(dtype=vec4d)


@wp.struct
class Mixture:
    """Weights for position and orientation, and the errors to expect [m], [rad]."""

    place: vec4d
    turn: vec4d
    errors: wp.vec2d


@wp.func
def gap(a: vec7, b: vec7) -> wp.float64:
    """Squared distance of two poses, a radian counting as 50 mm; q and -q are one orientation."""
    place = wp.float64(0.0)
    same = wp.float64(0.0)
    opposite = wp.float64(0.0)
    for lane in range(3):
        place += (a[lane] - b[lane]) * (a[lane] - b[lane])
    for lane in range(3, 7):
        same += (a[lane] - b[lane]) * (a[lane] - b[lane])
        opposite += (a[lane] + b[lane]) * (a[lane] + b[lane])
    return place + wp.float64(0.01) * wp.min(same, opposite)


@wp.func
def slots_passed(
    window: wp.array2d(dtype=vec7),
    increments: wp.array2d(dtype=vec7),
    before: wp.array2d(dtype=vec7),
    hand: int,
) -> int:
    """Slots since the window before this one: 0 if it is the same, -1 if this window does not continue it."""
    last = window.shape[1] - 1
    exact = wp.float64(1.0e-18)
    if gap(before[hand, 0], window[hand, last - 1]) <= exact:
        return 1
    if gap(before[hand, 0], window[hand, last]) <= exact:
        return 0
    fastest = wp.float64(0.0)
    nearest = wp.float64(1.0e30)
    passed = int(-1)  # noqa: UP018, RUF046 - a variable, not a constant of the kernel
    for s in range(1, wp.min(SLOTS_MISSED_MAX, last - 1) + 1):
        step = increments[hand, last - s]
        fastest = wp.max(fastest, gap(step, vec7()))
        apart = gap(before[hand, 0], window[hand, last - s]) + gap(before[hand, 1], window[hand, last - s - 1])
        if apart < nearest:
            nearest = apart
            passed = s
    if nearest <= wp.float64(0.5) * fastest:
        return passed
    return -1


@wp.func
def past(history: wp.array3d(dtype=vec7f), hand: int, row: int, candidate: int) -> vec7:
    """A displacement from the history."""
    stored = history[hand, row, candidate]
    result = vec7()
    for lane in range(7):
        result[lane] = wp.float64(stored[lane])
    return result


@wp.func
def keep(history: wp.array3d(dtype=vec7f), hand: int, row: int, candidate: int, moved: vec7) -> None:
    """Put a displacement into the history."""
    stored = vec7f()
    for lane in range(7):
        stored[lane] = wp.float32(moved[lane])
    history[hand, row, candidate] = stored


@wp.func
def liveliness(ways: wp.array2d(dtype=vec7), hand: int, last: int, span: int) -> wp.vec2d:
    """Mean squared displacement over `span` slots in the window, position and orientation."""
    place = wp.float64(0.0)
    turn = wp.float64(0.0)
    origins = wp.float64(0.0)
    t = last
    while t - span >= 0:
        moved = ways[hand, t] - ways[hand, t - span]
        place += square_sum(moved, 0)
        turn += square_sum(moved, 1)
        origins += wp.float64(1.0)
        t -= ORIGIN_STRIDE
    origins = wp.max(origins, wp.float64(1.0))
    return wp.vec2d(place / origins, turn / origins)


@wp.func
def add_up(increments: wp.array2d(dtype=vec7), ways: wp.array2d(dtype=vec7), hand: int, last: int) -> None:
    """The way from the oldest pose of the window to each."""
    way = vec7()
    ways[hand, 0] = way
    for t in range(last):
        way += increments[hand, t]
        ways[hand, t + 1] = way


@wp.func
def kept_share(forgetting: wp.float64, passed: int) -> wp.float64:
    """Share of what was learned that outlives the slots passed; nothing does with a new hand."""
    if passed < 0:
        return wp.float64(0.0)
    kept = wp.float64(1.0)
    for _ in range(passed):
        kept *= forgetting
    return kept


@wp.func
def begin_slot(window: wp.array2d(dtype=vec7), increments: wp.array2d(dtype=vec7), hand: int, memory: Memory) -> int:
    """Find this window's place in time and number its slot; return the slots that passed, -1 for a new hand."""
    last = window.shape[1] - 1
    passed = int(-1)  # noqa: UP018, RUF046 - a variable, not a constant of the kernel
    if memory.slots[hand] >= 0:
        passed = slots_passed(window, increments, memory.before, hand)
    if passed < 0:
        for slot in range(ISSUED_SLOTS):
            memory.issued[hand, slot] = NO_SLOT
        memory.slots[hand] = 0
        memory.signs[hand] = wp.float64(1.0)
    else:
        memory.slots[hand] = (memory.slots[hand] + passed) % SLOTS_WRAP
        if dot_group(memory.before[hand, 0], window[hand, last - passed], 1) < wp.float64(0.0):
            memory.signs[hand] = -memory.signs[hand]  # this window is in the other hemisphere
    memory.before[hand, 0] = window[hand, last]
    memory.before[hand, 1] = window[hand, last - 1]
    return passed


@wp.func
def moved_by(candidates: Candidates, hand: int, knot: int, which: int) -> vec7:
    """Displacement that a candidate forecasts to a knot."""
    start = candidates.curve_0[hand, 0]
    if which == 0:
        return candidates.curve_0[hand, knot] - start
    if which == 1:
        return candidates.curve_1[hand, knot] - start
    if which == 2:
        return candidates.curve_2[hand, knot] - start
    return candidates.curve_3[hand, knot] - start


@wp.func
def learn(
    hand: int,
    trial: int,
    group: int,
    row: int,
    kept: wp.float64,
    due: bool,
    came: vec7,
    activity: wp.float64,
    memory: Memory,
) -> None:
    """Fade what one trial was taught; score the forecasts that fall due."""
    moment = mat44d()
    product = vec4d()
    score = vec4d()
    if kept > wp.float64(0.0):
        moment = memory.moments[hand, trial, group] * kept
        product = memory.products[hand, trial, group] * kept
        score = memory.scores[hand, trial, group] * kept
    held = square_sum(came, group)
    if due and held < SQUARE_MAX:
        a = past(memory.history, hand, row, 0)
        b = past(memory.history, hand, row, 1)
        c = past(memory.history, hand, row, 2)
        d = past(memory.history, hand, row, 3)
        error = square_sum(came - past(memory.history, hand, row, 4), group)
        moment += second_moments(a, b, c, d, group)
        product += vec4d(
            dot_group(a, came, group), dot_group(b, came, group), dot_group(c, came, group), dot_group(d, came, group)
        )
        score += vec4d(wp.float64(1.0), error, held, wp.min(activity, SQUARE_MAX))
    memory.moments[hand, trial, group] = moment
    memory.products[hand, trial, group] = product
    memory.scores[hand, trial, group] = score


@wp.func
def group_weights(
    hand: int, trial: int, group: int, knot: int, patience: wp.vec2d, candidates: Candidates, memory: Memory
) -> vec4d:
    """Weights of the candidates at one trial."""
    now = second_moments(
        moved_by(candidates, hand, knot, 0),
        moved_by(candidates, hand, knot, 1),
        moved_by(candidates, hand, knot, 2),
        moved_by(candidates, hand, knot, 3),
        group,
    )
    return weigh(
        memory.moments[hand, trial, group],
        memory.products[hand, trial, group],
        now,
        memory.scores[hand, trial, group],
        candidates.prior[trial, group],
        patience,
    )


@wp.func
def write_knot(
    hand: int,
    knot: int,
    mixture: Mixture,
    bounds: wp.vec3d,
    candidates: Candidates,
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> None:
    """Write the weighed pose at one knot; bounds: speed [m/s], turn rate [rad/s], knot spacing [s]."""
    moved = mix(
        moved_by(candidates, hand, knot, 0),
        moved_by(candidates, hand, knot, 1),
        moved_by(candidates, hand, knot, 2),
        moved_by(candidates, hand, knot, 3),
        mixture.place,
        mixture.turn,
    )
    horizon = wp.float64(knot) * bounds[2]
    curve[hand, knot] = bounded_pose(candidates.curve_0[hand, 0], moved, horizon, bounds[0], bounds[1])
    expected[hand, knot] = mixture.errors


@wp.func
def midway(a: Mixture, b: Mixture) -> Mixture:
    """The mean of two mixtures."""
    half = wp.float64(0.5)
    mean = Mixture()
    mean.place = half * (a.place + b.place)
    mean.turn = half * (a.turn + b.turn)
    mean.errors = half * (a.errors + b.errors)
    return mean


@wp.kernel
def combine(
    window: wp.array2d(dtype=vec7),
    increments: wp.array2d(dtype=vec7),
    candidates: Candidates,
    limits: wp.vec4d,
    fading: wp.vec3d,
    ways: wp.array2d(dtype=vec7),
    memory: Memory,
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> None:
    """Weigh four forecast curves, trial by trial, position and orientation apart.

    increments: Those of the window, without what is not finite. fading: share kept from slot to slot, and the
    two numbers of `weigh`. expected (26): error to expect [m], [rad].
    """
    hand = wp.tid()
    last = window.shape[1] - 1
    passed = begin_slot(window, increments, hand, memory)
    kept = kept_share(fading[0], passed)
    patience = wp.vec2d(fading[1], fading[2])
    sign = memory.signs[hand]
    slot = memory.slots[hand]
    add_up(increments, ways, hand, last)
    fastest = fastest_increment(increments, hand, last)
    speed = wp.min(limits[0], limits[3] * fastest[0] / limits[2])
    turn_rate = wp.min(limits[1], limits[3] * fastest[1] / limits[2])
    bounds = wp.vec3d(speed, turn_rate, wp.float64(2.0) * limits[2])
    start = candidates.curve_0[hand, 0]
    curve[hand, 0] = start
    expected[hand, 0] = wp.vec2d()
    before = Mixture()
    faced = vec7(wp.float64(1.0), wp.float64(1.0), wp.float64(1.0), sign, sign, sign, sign)
    for trial in range(TRIALS):
        knot = 2 * trial + 1
        span = STEPS_PER_KNOT * knot
        row = 2 * trial * trial + slot % span
        activity = liveliness(ways, hand, last, span)
        came = vec7()
        due = passed > 0 and last >= span and memory.issued[hand, (slot - span) & (ISSUED_SLOTS - 1)] == slot - span
        if due:
            came = wp.cw_mul(faced, ways[hand, last] - ways[hand, last - span])
        for group in range(2):
            learn(hand, trial, group, row, kept, due, came, activity[group], memory)
        mixture = Mixture()
        mixture.place = group_weights(hand, trial, 0, knot, patience, candidates, memory)
        mixture.turn = group_weights(hand, trial, 1, knot, patience, candidates, memory)
        horizon_share = wp.float64(trial + 1) / wp.float64(13.0)
        mixture.errors = expected_errors(
            memory.scores[hand, trial, 0], memory.scores[hand, trial, 1], activity, horizon_share
        )
        write_knot(hand, knot, mixture, bounds, candidates, curve, expected)
        if trial > 0:
            write_knot(hand, knot - 1, midway(before, mixture), bounds, candidates, curve, expected)
        before = mixture
        if passed != 0:
            for which in range(4):
                keep(memory.history, hand, row, which, wp.cw_mul(faced, moved_by(candidates, hand, knot, which)))
            keep(memory.history, hand, row, 4, wp.cw_mul(faced, curve[hand, knot] - start))
    memory.issued[hand, slot & (ISSUED_SLOTS - 1)] = slot
