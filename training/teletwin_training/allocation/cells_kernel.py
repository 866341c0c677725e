"""One step of many cells in the order of the official simulator, a thread a cell; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, RUF046, UP018
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import warp as wp  # noqa: TID253

from teletwin_training.allocation.cell_types_kernel import Cell, Replay, Rules
from teletwin_training.allocation.counts import Count
from teletwin_training.allocation.jobs_kernel import enter_phase, make_jobs
from teletwin_training.allocation.queues_kernel import count, leave, process, transmit
from teletwin_training.allocation.radio_kernel import count_links, first_place, link, move
from teletwin_training.allocation.seen_kernel import see

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_ZERO = wp.constant(wp.float64(0.0))
_ONE = wp.constant(wp.float64(1.0))
_COUNTS = wp.constant(len(Count))
_REWARD = wp.constant(int(Count.REWARD))


@wp.func
def stay(rules: Rules, cell: Cell, e: wp.int32, d: wp.int32):
    """When a user device comes and goes."""
    cell.arrives[e, d] = 0
    cell.leaves[e, d] = 1 << 30
    if rules.arrives == 1:
        state = wp.rand_init(cell.key[e], 1 << 27 | d)
        part = rules.window[0] + (rules.window[1] - rules.window[0]) * wp.float64(wp.randf(state))
        mean = rules.stay
        if rules.crowd[2] > _ZERO and d % 2 == 1:
            part = rules.crowd[0] + rules.crowd[1] * wp.float64(wp.randn(state))
            mean = rules.crowd[2]
        come = wp.clamp(int(part * wp.float64(rules.steps)), 0, rules.steps - 1)
        length = -mean * wp.log(_ONE - wp.float64(wp.randf(state)))
        cell.arrives[e, d] = come
        cell.leaves[e, d] = come + wp.max(int(length), 1)


@wp.func
def start_device(rules: Rules, cell: Cell, e: wp.int32, d: wp.int32):
    """Place a device and empty its queue."""
    if rules.is_replayed == 0:
        cell.position[e, d] = first_place(rules, cell, e, d)
    cell.has_waypoint[e, d] = 0
    cell.head[e, d] = 0
    cell.left[e, d] = _ZERO
    cell.waiting[e, d] = _ZERO
    cell.newest[e, d] = -1
    for j in range(rules.steps):
        cell.data[e, d, j] = 0.0
    link(rules, cell, e, d)


@wp.kernel
def reset(rules: Rules, cell: Cell, replay: Replay):
    """Begin an episode in every cell that is done."""
    e = wp.tid()
    if cell.done[e] == 0:
        return
    cell.step[e] = 0
    cell.level[e] = 0
    cell.end[e] = rules.steps
    last = int(0)
    for d in range(rules.users):
        stay(rules, cell, e, d)
        last = wp.max(last, cell.leaves[e, d])
    cell.end[e] = wp.min(rules.steps, last)
    for d in range(rules.users + rules.sensors):
        start_device(rules, cell, e, d)
    for s in range(rules.sensors):
        cell.latest[e, s] = -1
    for b in range(rules.stations.shape[0]):
        for kind in range(2):
            cell.length[e, b, kind] = 0
            cell.serving[e, b, kind] = -1
            cell.pending[e, b, kind] = _ZERO
    for k in range(_COUNTS):
        cell.totals[e, k] = _ZERO
    for k in range(rules.steps + 1):
        cell.histogram[e, k] = 0
    for k in range(4):
        cell.load[e, k] = _ZERO
    replay.used[e, 0] = 0
    replay.used[e, 1] = 0
    cell.shares[e, 0] = wp.float64(0.5)
    cell.shares[e, 1] = wp.float64(0.5)
    enter_phase(rules, cell, e, 0)
    see(rules, cell, e, -1)


@wp.kernel
def advance(rules: Rules, cell: Cell, replay: Replay):
    """One step of every cell."""
    e = wp.tid()
    step = cell.step[e]
    if step >= rules.steps:
        return
    enter_phase(rules, cell, e, step)
    level = cell.level[e]
    count_links(rules, cell, e, step)
    band = rules.bandwidth * rules.bandwidth_factor[level]
    cycles = rules.compute * rules.compute_factor[level]
    cell.reward[e] = _ZERO
    make_jobs(rules, cell, replay, e, step)
    transmit(rules, cell, e, step, 0, cell.shares[e, 0] * band)
    transmit(rules, cell, e, step, 1, (_ONE - cell.shares[e, 0]) * band)
    for b in range(rules.stations.shape[0]):
        process(rules, cell, e, b, step, 0, cell.shares[e, 1] * cycles)
        process(rules, cell, e, b, step, 1, (_ONE - cell.shares[e, 1]) * cycles)
    count(cell, e, _REWARD, cell.reward[e])
    move(rules, cell, replay, e, step)
    if rules.arrives == 1:
        leave(rules, cell, e, step)
    see(rules, cell, e, step)
    cell.step[e] = step + 1
    cell.done[e] = wp.where(step + 1 >= cell.end[e], 1, 0)
