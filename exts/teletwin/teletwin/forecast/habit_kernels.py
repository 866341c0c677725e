"""What a person's motion adds to the weighed forecast: ridge regression of its misses. Only `combine_kernels` calls it.

For each trial, position and orientation apart, weights w minimize
sum_t f^(now - t) sum_axes |x(t + h) - x(t) - b(t) - sum_j w_j phi_j(t)|^2 + ridge sum_j (w_j - v_j)^2 |phi_j|^2
over the slots t that have fallen due. b is what the mixture forecast; v are the weights that earlier sessions taught of
the person, or 0. The features phi are displacements, so that one weight serves every axis and turning the hand's frame
turns the correction with it: the mean increments of eight stretches of the past second, seven of them once more times
how fast the hand is now against its second, and b.

What the correction brought in the last seconds, as forecast beforehand, says how far to follow it, 0 ... 1.

past (64, 35)     of each forecast: stretches, pace, b by trial, corrections by trial
sums (26, 36)     by trial and group: the features' products (upper half of 16 x 16), features times misses, weights
checks (26)       sums of squared corrections, of corrections times misses, of slots, of squared misses;
                  all but the slots over the motion that was on
counts (26)       slots that taught the sums, as far as they are not forgotten
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.candidate_kernels import Bounds, Candidates
from teletwin.forecast.habit_lanes import find_correction, find_features, learn_habit, remember_features, vec8f
from teletwin.forecast.kernels import bounded_pose, channels
from teletwin.forecast.lane_kernels import vec7, vec8
from teletwin.forecast.weighing_kernels import dot_group, square_sum

TRIALS = wp.constant(13)
RING = wp.constant(64)
"""Forecasts whose features are kept; more than fall due later than the newest."""
BASE_ROW = wp.constant(9)
CORRECTION_ROW = wp.constant(22)
TURN_SLOTS = wp.constant(wp.float64(4.0))
"""Sums learn from a forecast in so many slots: neighbors teach the same."""
ONE = wp.constant(wp.float64(1.0))
SQUARE_MAX = wp.constant(wp.float64(1.0e12))
FLOOR = wp.constant(wp.float64(1.0e-24))
ACTIVITY_FLOOR = wp.constant(wp.float64(1.0e-12))
"""[m^2], and the same of a quaternion: a micrometer."""
LARGER_MAX = wp.constant(wp.float64(6.0))
"""Squares of a correction over the mean of those that were checked: what is larger is an adventure."""
FIRST_SLOTS = wp.constant(wp.float64(100.0))
FIRST_SPANS = wp.constant(wp.float64(2.0))
ERROR_SHARE_MIN = wp.constant(wp.float64(0.05))


@wp.struct
class Habits:
    """What the hands do again and again.

    used: 0 leaves the mixture alone. lasting: 1 keeps what was learned when a window does not continue the one before:
    it is the same person's. memory: time constants of forgetting the sums, the checks [slots]. patience: slots, and
    horizons more, of average motion that the weights before are worth; known (26): slots besides, of a person who is
    known. start (26, 2): those weights. doubt: of `followed`. features (nook, 10).
    """

    used: int
    lasting: wp.array(dtype=wp.int32)
    memory: wp.vec2d
    patience: wp.vec2d
    doubt: wp.float64
    features: wp.array2d(dtype=vec8)
    past: wp.array3d(dtype=vec8f)
    start: wp.array3d(dtype=vec8)
    known: wp.array2d(dtype=wp.float64)
    sums: wp.array3d(dtype=vec8)
    checks: wp.array2d(dtype=wp.vec4d)
    counts: wp.array2d(dtype=wp.float64)


@wp.func
def row_of_past(habits: Habits, hand: int, kept: int, row: int) -> vec7:
    """A displacement from the past."""
    stored = habits.past[hand, kept, row]
    result = vec7()
    for lane in range(7):
        result[lane] = wp.float64(stored[lane])
    return result


@wp.func
def keep_row(habits: Habits, hand: int, kept: int, row: int, moved: vec7) -> None:
    """Put a displacement into the past."""
    stored = vec8f()
    for lane in range(7):
        stored[lane] = wp.float32(moved[lane])
    habits.past[hand, kept, row] = stored


@wp.func
def begin_habits(habits: Habits, hand: int) -> None:
    """A hand that nothing is known of, but where the person stays the same."""
    if habits.lasting[hand] > 0:
        return
    for pair in range(2 * TRIALS):
        for row in range(36):
            habits.sums[hand, pair, row] = vec8()
        habits.checks[hand, pair] = wp.vec4d()
        habits.counts[hand, pair] = wp.float64(0.0)


@wp.func
def followed(check: wp.vec4d, span: wp.float64, doubt: wp.float64) -> wp.float64:
    """How far to follow the corrections, 0 ... 1: least squares of the misses on them, towards 0 by a ridge of
    so many horizons (`doubt`).
    """
    ridge = doubt * span * check[0] / wp.max(check[2], wp.float64(1.0)) + FLOOR
    return wp.clamp(check[1] / (check[0] + ridge), wp.float64(0.0), wp.float64(1.0))


@wp.func
def checked_share(check: wp.vec4d, full: vec7, group: int, activity: wp.float64) -> wp.float64:
    """Share of a correction that is no larger than some times what was checked, in motion as lively as now's."""
    usual = check[0] / wp.max(check[2], ONE) * wp.sqrt(activity + ACTIVITY_FLOOR)
    square = square_sum(full, group)
    if square <= LARGER_MAX * usual:
        return ONE
    return wp.sqrt(LARGER_MAX * usual / square)


@wp.func
def settled(habits: Habits, hand: int, pair: int, span: wp.float64) -> wp.float64:
    """0 while one movement has taught everything, which it cannot foretell the end of; 1 after several seconds."""
    slots = habits.counts[hand, pair] + habits.known[hand, pair]
    return wp.clamp(slots / (FIRST_SLOTS + FIRST_SPANS * span) - ONE, wp.float64(0.0), ONE)


@wp.func
def error_left(check: wp.vec4d, share: wp.float64) -> wp.float64:
    """Root mean square error with a share of the corrections, over that without."""
    less = share * (wp.float64(2.0) * check[1] - share * check[0])
    return wp.sqrt(wp.clamp(wp.float64(1.0) - less / (check[3] + FLOOR), ERROR_SHARE_MIN, wp.float64(1.0)))


@wp.func
def teach_habits(
    habits: Habits, hand: int, trial: int, number: int, slots: wp.float64, came: vec7, lively: vec8
) -> None:
    """Take in what came after forecast `number`, as one trial foresaw it; it stands for so many slots.

    lively: mean squared displacement over as many slots in the window, of position and orientation.
    """
    row = number % RING
    missed = came - row_of_past(habits, hand, row, BASE_ROW + trial)
    corrected = row_of_past(habits, hand, row, CORRECTION_ROW + trial)
    stride = wp.clamp(int(TURN_SLOTS / slots), 1, int(TURN_SLOTS))
    spent = wp.float64(stride) * slots
    for group in range(2):
        pair = 2 * trial + group
        most = square_sum(came, group) + square_sum(missed, group) + square_sum(corrected, group)
        if most < SQUARE_MAX:
            evened = wp.float64(1.0) / wp.sqrt(lively[group] + ACTIVITY_FLOOR)  # what is slow counts too
            worth = wp.vec4d(
                evened * square_sum(corrected, group),
                evened * dot_group(corrected, missed, group),
                ONE,
                evened * square_sum(missed, group),
            )
            faded = habits.checks[hand, pair] * wp.exp(-slots / habits.memory[1])
            habits.checks[hand, pair] = faded + slots * worth
            if (number + trial) % stride == 0:
                kept = wp.exp(-spent / habits.memory[0])
                count = habits.counts[hand, pair] * kept + spent
                patience = (
                    habits.patience[0] + habits.patience[1] * wp.float64(4 * trial + 2) + habits.known[hand, pair]
                )
                habits.counts[hand, pair] = count
                learn_habit(habits.past, habits.sums, habits.start, hand, row, pair, came, kept, patience / count)


@wp.func
def follow(hand: int, knot: int, added: vec7, bounds: Bounds, curve: wp.array2d(dtype=vec7)) -> None:
    """Move one knot of the curve, within the bounds."""
    horizon = wp.float64(knot) * bounds.knot_s
    moved = curve[hand, knot] - bounds.begin + added
    curve[hand, knot] = bounded_pose(bounds.begin, bounds.start, moved, horizon, bounds.speed, bounds.turn_rate)


@wp.func
def refine_trial(
    habits: Habits,
    hand: int,
    nook: int,
    trial: int,
    number: int,
    faced: vec7,
    lively: vec8,
    bounds: Bounds,
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> vec7:
    """Correct one trial's knot as far as corrections have paid, and its expected error; return what was added.

    lively: as in `teach_habits`.
    """
    knot = 2 * trial + 1
    base = curve[hand, knot] - bounds.begin
    find_correction(habits.features, nook, habits.sums, hand, trial, base)
    full = channels(habits.features[nook, 9])
    if number >= 0:
        keep_row(habits, hand, number % RING, BASE_ROW + trial, wp.cw_mul(faced, base))
        keep_row(habits, hand, number % RING, CORRECTION_ROW + trial, wp.cw_mul(faced, full))
    place_check = habits.checks[hand, 2 * trial]
    turn_check = habits.checks[hand, 2 * trial + 1]
    span = wp.float64(4 * trial + 2)
    place = followed(place_check, span, habits.doubt)
    turn = followed(turn_check, span, habits.doubt)
    place *= checked_share(place_check, full, 0, lively[0]) * settled(habits, hand, 2 * trial, span)
    turn *= checked_share(turn_check, full, 1, lively[1]) * settled(habits, hand, 2 * trial + 1, span)
    errors = expected[hand, knot]
    expected[hand, knot] = wp.vec2d(
        errors[0] * error_left(place_check, place), errors[1] * error_left(turn_check, turn)
    )
    added = wp.cw_mul(vec7(place, place, place, turn, turn, turn, turn), full)
    follow(hand, knot, added, bounds, curve)
    return added


@wp.func
def refine(
    habits: Habits,
    hand: int,
    number: int,
    sign: wp.float64,
    bounds: Bounds,
    candidates: Candidates,
    last: int,
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> None:
    """Correct the curve that the mixture wrote, and keep what that rests on until it falls due.

    number: of this forecast; -1 for one that is not kept. sign: -1 where the window's orientations are in the other
    hemisphere than the first one's. last: of the window.
    """
    nook = hand % candidates.increments.shape[0]
    find_features(candidates.increments, candidates.ways, habits.features, nook, last)
    if number >= 0:
        remember_features(habits.features, nook, habits.past, hand, number % RING, sign)
    faced = vec7(ONE, ONE, ONE, sign, sign, sign, sign)
    half = wp.float64(0.5)
    before = vec7()
    for trial in range(TRIALS):
        lively = candidates.ways[nook, last + 1 + trial]
        added = refine_trial(habits, hand, nook, trial, number, faced, lively, bounds, curve, expected)
        if trial > 0:
            follow(hand, 2 * trial, half * (before + added), bounds, curve)
            expected[hand, 2 * trial] = half * (expected[hand, 2 * trial - 1] + expected[hand, 2 * trial + 1])
        before = added
