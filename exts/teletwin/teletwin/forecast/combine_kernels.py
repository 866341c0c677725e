"""The kernel that weighs forecasters by how their earlier forecasts came out. Only `combined` imports this.

One thread serves one hand. All that a hand has taught lies in `Memory`, indexed by the hand first:

history (338, 6)      displacements forecast earlier: by candidate, of the combination, and what the learned weights
                      add to the prior's. Trial m lies 4 m + 2 slots ahead and owns the 4 m + 2 rows from 2 m^2 on: a
                      row is read, exactly when its forecast falls due, and then written anew.
moments (13, 2)       sums of the candidates' products, by trial and group (position, orientation)
products (13, 2)      sums of the candidates times what came
scores (13, 2)        effective count; squared error of the combination, of holding; squared activity
checks (13, 2)        did learning pay of late: the sums of `checked`

Every other knot is a trial (20, 60, ... 500 ms); the knots between take the mean of their neighbours' weights.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.candidate_kernels import Bounds, Candidates, bounds_of, forecast_candidates, moved_by
from teletwin.forecast.kernels import bounded_pose, channels
from teletwin.forecast.lane_kernels import fetch_early, lively_lanes, read_lanes, vec7, vec7f, vec8
from teletwin.forecast.weighing_kernels import (
    Trust,
    checked,
    dot_group,
    expected_errors,
    mat44d,
    mix,
    second_moments,
    sobered,
    square_sum,
    vec4d,
    weigh,
)

wp.set_module_options({"enable_backward": False, "fast_math": False})

TRIALS = wp.constant(13)
STEPS_PER_KNOT = wp.constant(2)
ISSUED_SLOTS = wp.constant(64)
"""Ring of the numbers of slots in which a forecast was made; longer than the longest horizon."""
SLOTS_MISSED_MAX = wp.constant(8)
SQUARE_CHORD_M2 = wp.constant(wp.float64(0.01))
"""What a chord of 1 between quaternions, about 2 rad, counts as [m^2]."""
SAME_GAP_MAX = wp.constant(wp.float64(1.0e-18))
FAR = wp.constant(wp.float64(1.0e30))
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
    checks: wp.array3d(dtype=wp.vec3d)


@wp.struct
class Mixture:
    """Weights for position and orientation, the learned ones less the prior, and the errors to expect [m], [rad]."""

    place: vec4d
    turn: vec4d
    place_learned: vec4d
    turn_learned: vec4d
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
    return place + SQUARE_CHORD_M2 * wp.min(same, opposite)


@wp.func
def slots_passed(
    window: wp.array2d(dtype=vec7),
    increments: wp.array2d(dtype=vec8),
    nook: int,
    before: wp.array2d(dtype=vec7),
    hand: int,
) -> int:
    """Slots since the window before this one: 0 if it is the same, -1 if this window does not continue it."""
    last = window.shape[1] - 1
    if gap(before[hand, 0], window[hand, last - 1]) <= SAME_GAP_MAX:
        return 1
    if gap(before[hand, 0], window[hand, last]) <= SAME_GAP_MAX:
        return 0
    fastest = wp.float64(0.0)
    nearest = FAR
    passed = int(-1)  # noqa: UP018, RUF046 - a variable, not a constant of the kernel
    for s in range(1, wp.min(SLOTS_MISSED_MAX, last - 1) + 1):
        step = channels(increments[nook, last - s])
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
def kept_share(forgetting: wp.float64, passed: int) -> wp.float64:
    """Share of what was learned that outlives the slots passed; nothing does with a new hand."""
    if passed < 0:
        return wp.float64(0.0)
    kept = wp.float64(1.0)
    for _ in range(passed):
        kept *= forgetting
    return kept


@wp.func
def begin_slot(
    window: wp.array2d(dtype=vec7), increments: wp.array2d(dtype=vec8), nook: int, hand: int, memory: Memory
) -> int:
    """Find this window's place in time and number its slot; return the slots that passed, -1 for a new hand."""
    last = window.shape[1] - 1
    passed = int(-1)  # noqa: UP018, RUF046 - a variable, not a constant of the kernel
    if memory.slots[hand] >= 0:
        passed = slots_passed(window, increments, nook, memory.before, hand)
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
def learn(
    hand: int,
    trial: int,
    group: int,
    row: int,
    kept: wp.vec2d,
    due: bool,
    came: vec7,
    activity: wp.float64,
    prior: vec4d,
    memory: Memory,
) -> None:
    """Fade what one trial was taught; score the forecasts that fall due."""
    moment = mat44d()
    product = vec4d()
    score = vec4d()
    check = wp.vec3d()
    if kept[0] > wp.float64(0.0):
        moment = memory.moments[hand, trial, group] * kept[0]
        product = memory.products[hand, trial, group] * kept[0]
        score = memory.scores[hand, trial, group] * kept[0]
        check = memory.checks[hand, trial, group] * kept[1]
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
        learned = past(memory.history, hand, row, 5)
        missed = came - mix(a, b, c, d, prior, prior)
        check += wp.vec3d(square_sum(learned, group), dot_group(learned, missed, group), wp.float64(1.0))
    memory.moments[hand, trial, group] = moment
    memory.products[hand, trial, group] = product
    memory.scores[hand, trial, group] = score
    memory.checks[hand, trial, group] = check


@wp.func
def group_weights(
    hand: int,
    nook: int,
    trial: int,
    group: int,
    knot: int,
    trust: Trust,
    candidates: Candidates,
    memory: Memory,
) -> vec4d:
    """Learned weights of the candidates at one trial, less the prior."""
    prior = candidates.prior[trial, group]
    score = memory.scores[hand, trial, group]
    now = second_moments(
        moved_by(candidates, nook, knot, 0),
        moved_by(candidates, nook, knot, 1),
        moved_by(candidates, nook, knot, 2),
        moved_by(candidates, nook, knot, 3),
        group,
    )
    learned = weigh(
        memory.moments[hand, trial, group],
        memory.products[hand, trial, group],
        now,
        score[0],
        prior,
        trust.patience,
        trust.surprise[group],
    )
    return sobered(learned, score) - prior


@wp.func
def trusted(
    learned: vec4d, hand: int, trial: int, group: int, trust: Trust, candidates: Candidates, memory: Memory
) -> vec4d:
    """Weights between the prior and the learned ones, as far as learning has paid."""
    span = wp.float64(4 * trial + 2)
    share = checked(memory.checks[hand, trial, group], span, trust.check_horizons)
    return candidates.prior[trial, group] + share * learned


@wp.func
def mixed(candidates: Candidates, nook: int, knot: int, place: vec4d, turn: vec4d) -> vec7:
    """Weighted sum of the candidates' displacements to a knot."""
    return mix(
        moved_by(candidates, nook, knot, 0),
        moved_by(candidates, nook, knot, 1),
        moved_by(candidates, nook, knot, 2),
        moved_by(candidates, nook, knot, 3),
        place,
        turn,
    )


@wp.func
def write_knot(
    hand: int,
    nook: int,
    knot: int,
    mixture: Mixture,
    bounds: Bounds,
    candidates: Candidates,
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> None:
    """Write the weighed pose at one knot."""
    moved = mixed(candidates, nook, knot, mixture.place, mixture.turn)
    horizon = wp.float64(knot) * bounds.knot_s
    curve[hand, knot] = bounded_pose(bounds.begin, bounds.start, moved, horizon, bounds.speed, bounds.turn_rate)
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
    candidates: Candidates,
    limits: wp.vec4d,
    trust: Trust,
    memory: Memory,
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> None:
    """Forecast four ways and weigh the displacements, trial by trial, position and orientation apart.

    expected (26): error to expect [m], [rad].
    """
    hand = wp.tid()
    last = window.shape[1] - 1
    nook = hand % candidates.increments.shape[0]
    read_lanes(window, candidates.increments, hand, nook)
    passed = begin_slot(window, candidates.increments, nook, hand, memory)
    kept = wp.vec2d(kept_share(trust.kept, passed), kept_share(trust.kept_check, passed))
    sign = memory.signs[hand]
    slot = memory.slots[hand]
    fetch_early(memory.history, hand, slot)
    bounds = bounds_of(candidates.increments, nook, limits)
    lively_lanes(candidates.increments, candidates.ways, nook, last)
    forecast_candidates(candidates, nook, last, bounds)
    start = bounds.begin
    curve[hand, 0] = start
    expected[hand, 0] = wp.vec2d()
    before = Mixture()
    faced = vec7(wp.float64(1.0), wp.float64(1.0), wp.float64(1.0), sign, sign, sign, sign)
    for trial in range(TRIALS):
        knot = 2 * trial + 1
        span = STEPS_PER_KNOT * knot
        row = 2 * trial * trial + slot % span
        lively = candidates.ways[nook, last + 2 + 2 * trial]
        activity = wp.vec2d(lively[0], lively[1])
        came = vec7()
        due = passed > 0 and last >= span and memory.issued[hand, (slot - span) & (ISSUED_SLOTS - 1)] == slot - span
        if due:
            came = wp.cw_mul(faced, channels(candidates.ways[nook, last + 1 + 2 * trial]))
        for group in range(2):
            learn(hand, trial, group, row, kept, due, came, activity[group], candidates.prior[trial, group], memory)
        mixture = Mixture()
        mixture.place_learned = group_weights(hand, nook, trial, 0, knot, trust, candidates, memory)
        mixture.turn_learned = group_weights(hand, nook, trial, 1, knot, trust, candidates, memory)
        mixture.place = trusted(mixture.place_learned, hand, trial, 0, trust, candidates, memory)
        mixture.turn = trusted(mixture.turn_learned, hand, trial, 1, trust, candidates, memory)
        horizon_share = wp.float64(trial + 1) / wp.float64(13.0)
        mixture.errors = expected_errors(
            memory.scores[hand, trial, 0], memory.scores[hand, trial, 1], activity, horizon_share
        )
        write_knot(hand, nook, knot, mixture, bounds, candidates, curve, expected)
        if trial > 0:
            write_knot(hand, nook, knot - 1, midway(before, mixture), bounds, candidates, curve, expected)
        before = mixture
        if passed != 0:
            for which in range(4):
                keep(memory.history, hand, row, which, wp.cw_mul(faced, moved_by(candidates, nook, knot, which)))
            keep(memory.history, hand, row, 4, wp.cw_mul(faced, curve[hand, knot] - start))
            added = mixed(candidates, nook, knot, mixture.place_learned, mixture.turn_learned)
            keep(memory.history, hand, row, 5, wp.cw_mul(faced, added))
    memory.issued[hand, slot & (ISSUED_SLOTS - 1)] = slot
