"""The kernel that weighs forecasters by how their earlier forecasts came out. Only `combined` imports this.

One thread serves one hand. Every other knot is a trial (20, 60, ... 500 ms); the knots between take the mean of their
neighbors' weights. `candidate_kernels` forecasts, `memory_kernels` keeps what hands taught, `weighing_kernels`
regresses, `choice_kernels` decides whom to trust.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.candidate_kernels import Bounds, Candidates, bounds_of, forecast_candidates, moved_by
from teletwin.forecast.choice_kernels import HELD, LEARNED, PRIOR, Trust, chosen, leads_of, shared_leads
from teletwin.forecast.habit_kernels import Habits, begin_habits, refine, teach_habits
from teletwin.forecast.kernels import bounded_pose
from teletwin.forecast.lane_kernels import lively_lanes, read_lanes, vec7
from teletwin.forecast.memory_kernels import (
    ISSUED,
    Memory,
    begin_slot,
    issue,
    keep,
    newest_due,
    past,
    row_of,
    slots_taught,
    way_back,
)
from teletwin.forecast.weighing_kernels import (
    CANDIDATES,
    Weights,
    dot_group,
    expected_errors,
    square_sum,
    vec4d,
    weigh,
)

wp.set_module_options({"enable_backward": False, "fast_math": False})

SQUARE_MAX = wp.constant(wp.float64(1.0e12))
LEARNED_ROW = CANDIDATES
SAID_ROW = wp.constant(int(CANDIDATES) + 1)


@wp.struct
class Mixture:
    """Weights for position and orientation, the learned ones too, and the errors to expect [m], [rad]."""

    place: Weights
    turn: Weights
    place_learned: Weights
    turn_learned: Weights
    errors: wp.vec2d


@wp.func
def fade(memory: Memory, hand: int, passed: wp.float64, trust: Trust) -> None:
    """Let what was learned lose weight over the slots passed; nothing outlives a new hand."""
    kept = wp.float64(0.0)
    kept_choice = wp.float64(0.0)
    if passed == wp.float64(0.0):
        return
    if passed > wp.float64(0.0):
        kept = wp.exp(-passed / trust.memory)
        kept_choice = wp.exp(-passed / trust.choice_memory)
    for trial in range(memory.evidence.shape[1]):
        for group in range(2):
            memory.moments[hand, trial, group] = memory.moments[hand, trial, group] * kept
            memory.products[hand, trial, group] = memory.products[hand, trial, group] * kept
            memory.scores[hand, trial, group] = memory.scores[hand, trial, group] * kept
            memory.faults[hand, trial, group] = memory.faults[hand, trial, group] * kept_choice
            memory.evidence[hand, trial, group] = memory.evidence[hand, trial, group] * kept_choice


@wp.func
def learn(
    memory: Memory,
    hand: int,
    trial: int,
    group: int,
    row: int,
    slots: wp.float64,
    came: vec7,
    activity: wp.float64,
    prior: Weights,
) -> None:
    """Score the forecasts that fell due, for one group: they stand for so many slots."""
    held = square_sum(came, group)
    if not (held < SQUARE_MAX):
        return
    moments = memory.moments[hand, trial, group]
    products = memory.products[hand, trial, group]
    faults = memory.faults[hand, trial, group]
    mixed = vec7()
    for i in range(CANDIDATES):
        a = past(memory, hand, row, i)
        mixed += prior[i] * a
        products[i] = products[i] + slots * dot_group(a, came, group)
        faults[i] = faults[i] + slots * square_sum(came - a, group)
        for j in range(i + 1):
            product = slots * dot_group(a, past(memory, hand, row, j), group)
            moments[i, j] = moments[i, j] + product
    faults[HELD] = faults[HELD] + slots * held
    faults[PRIOR] = faults[PRIOR] + slots * square_sum(came - mixed, group)
    faults[LEARNED] = faults[LEARNED] + slots * square_sum(came - past(memory, hand, row, LEARNED_ROW), group)
    error = square_sum(came - past(memory, hand, row, SAID_ROW), group)
    score = slots * vec4d(wp.float64(1.0), error, held, wp.min(activity, SQUARE_MAX))
    memory.moments[hand, trial, group] = moments
    memory.products[hand, trial, group] = products
    memory.faults[hand, trial, group] = faults
    memory.evidence[hand, trial, group] = memory.evidence[hand, trial, group] + slots
    memory.scores[hand, trial, group] = memory.scores[hand, trial, group] + score


@wp.func
def learn_from_due(
    memory: Memory, habits: Habits, candidates: Candidates, hand: int, nook: int, trial: int, last: int, faced: vec7
) -> None:
    """Compare the newest forecast of a trial that fell due with what came."""
    number = newest_due(memory, hand, trial)
    if number < 0:
        return
    slots = slots_taught(memory, hand, trial, number)
    age = memory.clocks[hand] - memory.issued[hand, number % ISSUED]
    if age > wp.float64(last):
        return
    late = wp.max(age - wp.float64(4 * trial + 2), wp.float64(0.0))
    moved = way_back(candidates.ways, nook, last, late) - way_back(candidates.ways, nook, last, age)
    came = wp.cw_mul(faced, moved)
    row = row_of(trial, number)
    lively = candidates.ways[nook, last + 1 + trial]
    if habits.used > 0:
        teach_habits(habits, hand, trial, number, slots, came, lively)
    for group in range(2):
        learn(memory, hand, trial, group, row, slots, came, lively[group], candidates.prior[trial, group])


@wp.func
def group_weights(
    memory: Memory, candidates: Candidates, trust: Trust, hand: int, nook: int, trial: int, group: int
) -> Weights:
    """Learned weights of the candidates at one trial."""
    now = Weights()
    for i in range(CANDIDATES):
        now[i] = square_sum(moved_by(candidates, nook, 2 * trial + 1, i), group)
    return weigh(
        memory.moments[hand, trial, group],
        memory.products[hand, trial, group],
        now,
        memory.scores[hand, trial, group][0],
        candidates.prior[trial, group],
        trust.patience,
        trust.surprise[group],
    )


@wp.func
def mixed(candidates: Candidates, nook: int, knot: int, place: Weights, turn: Weights) -> vec7:
    """Weighted sum of the candidates' displacements to a knot."""
    moved = vec7()
    for i in range(CANDIDATES):
        a = moved_by(candidates, nook, knot, i)
        p = place[i]
        t = turn[i]
        moved += wp.cw_mul(vec7(p, p, p, t, t, t, t), a)
    for lane in range(7):
        if not wp.isfinite(moved[lane]):
            moved[lane] = wp.float64(0.0)
    return moved


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


@wp.func
def mixture_at(
    memory: Memory, candidates: Candidates, trust: Trust, hand: int, nook: int, trial: int, last: int
) -> Mixture:
    """What one trial's forecast is mixed of."""
    mixture = Mixture()
    mixture.place_learned = group_weights(memory, candidates, trust, hand, nook, trial, 0)
    mixture.turn_learned = group_weights(memory, candidates, trust, hand, nook, trial, 1)
    place = shared_leads(candidates.leads, nook, trial, 0, trust)
    turn = shared_leads(candidates.leads, nook, trial, 1, trust)
    mixture.place = chosen(place, candidates.prior[trial, 0], mixture.place_learned)
    mixture.turn = chosen(turn, candidates.prior[trial, 1], mixture.turn_learned)
    lively = candidates.ways[nook, last + 1 + trial]
    mixture.errors = expected_errors(
        memory.scores[hand, trial, 0],
        memory.scores[hand, trial, 1],
        wp.vec2d(lively[0], lively[1]),
        wp.float64(trial + 1) / wp.float64(13.0),
    )
    return mixture


@wp.func
def keep_trial(
    memory: Memory,
    candidates: Candidates,
    bounds: Bounds,
    hand: int,
    nook: int,
    trial: int,
    row: int,
    faced: vec7,
    mixture: Mixture,
) -> None:
    """Keep what the candidates and the learned mixture forecast, until it falls due."""
    knot = 2 * trial + 1
    for i in range(CANDIDATES):
        keep(memory, hand, row, i, wp.cw_mul(faced, moved_by(candidates, nook, knot, i)))
    learned = mixed(candidates, nook, knot, mixture.place_learned, mixture.turn_learned)
    horizon = wp.float64(knot) * bounds.knot_s
    pose = bounded_pose(bounds.begin, bounds.start, learned, horizon, bounds.speed, bounds.turn_rate)
    keep(memory, hand, row, LEARNED_ROW, wp.cw_mul(faced, pose - bounds.begin))


@wp.kernel
def combine(
    window: wp.array2d(dtype=vec7),
    candidates: Candidates,
    limits: wp.vec4d,
    trust: Trust,
    memory: Memory,
    habits: Habits,
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> None:
    """Forecast with every candidate and weigh the displacements, trial by trial, position and orientation apart.

    expected (26): error to expect [m], [rad].
    """
    hand = wp.tid()
    last = window.shape[1] - 1
    nook = hand % candidates.increments.shape[0]
    read_lanes(window, candidates.increments, hand, nook)
    passed = begin_slot(window, hand, memory)
    fade(memory, hand, passed, trust)
    if habits.used > 0 and passed < wp.float64(0.0):
        begin_habits(habits, hand)
    bounds = bounds_of(candidates.increments, nook, limits)
    lively_lanes(candidates.increments, candidates.ways, nook, last)
    forecast_candidates(candidates, nook, last, bounds)
    sign = memory.signs[hand]
    faced = vec7(wp.float64(1.0), wp.float64(1.0), wp.float64(1.0), sign, sign, sign, sign)
    for trial in range(candidates.prior.shape[0]):
        learn_from_due(memory, habits, candidates, hand, nook, trial, last, faced)
        span = wp.float64(4 * trial + 2)
        for group in range(2):
            candidates.leads[nook, 2 * trial + group] = leads_of(
                memory.faults[hand, trial, group], memory.evidence[hand, trial, group], span, trust.evidence
            )
    number = issue(memory, hand, passed)
    curve[hand, 0] = bounds.begin
    expected[hand, 0] = wp.vec2d()
    before = Mixture()
    for trial in range(candidates.prior.shape[0]):
        knot = 2 * trial + 1
        mixture = mixture_at(memory, candidates, trust, hand, nook, trial, last)
        write_knot(hand, nook, knot, mixture, bounds, candidates, curve, expected)
        if trial > 0:
            write_knot(hand, nook, knot - 1, midway(before, mixture), bounds, candidates, curve, expected)
        before = mixture
        if number >= 0:
            row = row_of(trial, number)
            keep_trial(memory, candidates, bounds, hand, nook, trial, row, faced, mixture)
            keep(memory, hand, row, SAID_ROW, wp.cw_mul(faced, curve[hand, knot] - bounds.begin))
    if habits.used > 0:
        refine(habits, hand, number, sign, bounds, candidates, last, curve, expected)
