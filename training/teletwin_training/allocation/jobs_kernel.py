"""How jobs are made, and what is dropped when newer ones come; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import warp as wp  # noqa: TID253

from teletwin_training.allocation.cell_types_kernel import Cell, Replay, Rules
from teletwin_training.allocation.counts import Count
from teletwin_training.allocation.poisson import BINS
from teletwin_training.allocation.radio_kernel import is_here, nearest_sensor, rate

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_BINS = wp.constant(BINS)
_ZERO = wp.constant(wp.float64(0.0))
_MADE, _DROPPED = wp.constant(int(Count.MADE_REQUESTS)), wp.constant(int(Count.DROPPED_REQUESTS))


@wp.func
def poisson(rules: Rules, row: wp.int32, u: wp.float32):
    """One Poisson number for one uniform number."""
    scaled = u * wp.float32(_BINS)
    chosen = wp.min(int(scaled), _BINS - 1)
    if scaled - wp.float32(chosen) >= rules.kept[row, chosen]:
        chosen = rules.alias[row, chosen]
    return rules.first[row] + rules.bin_width[row] * wp.float32(chosen)


@wp.func
def enter_phase(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32):
    """Another level at the start of each phase."""
    if rules.levels > 1 and step % rules.phase_steps == 0:
        if rules.is_random == 1:
            state = wp.rand_init(cell.key[e], 1 << 28 | step)
            cell.level[e] = wp.min(int(wp.randf(state) * wp.float32(rules.levels)), rules.levels - 1)
        else:
            cell.level[e] = (step // rules.phase_steps) % rules.levels


@wp.func
def drop_superseded(rules: Rules, cell: Cell, e: wp.int32, d: wp.int32, step: wp.int32, kind: wp.int32):
    """Of a device's jobs to be sent only one that has begun stays."""
    first = cell.head[e, d]
    if cell.left[e, d] > _ZERO:
        first = first + 1
    for j in range(first, step):
        size = cell.data[e, d, j]
        if size > 0.0:
            cell.waiting[e, d] = cell.waiting[e, d] - wp.float64(size)
            cell.data[e, d, j] = 0.0
            cell.totals[e, _DROPPED + kind] = cell.totals[e, _DROPPED + kind] + wp.float64(1.0)


@wp.func
def keep_job(rules: Rules, cell: Cell, e: wp.int32, d: wp.int32, step: wp.int32, data: wp.float64, work: wp.float64):
    """Put a new job behind those that wait to be sent."""
    kind = wp.where(d < rules.users, 0, 1)
    if rules.admits == 1:
        drop_superseded(rules, cell, e, d, step, kind)
    cell.data[e, d, step] = wp.float32(data)
    cell.work[e, d, step] = wp.float32(work)
    cell.waiting[e, d] = cell.waiting[e, d] + wp.float64(wp.float32(data))
    if kind == 0:
        cell.near[e, d, step] = nearest_sensor(rules, cell, e, d)
    cell.totals[e, _MADE + kind] = cell.totals[e, _MADE + kind] + wp.float64(1.0)
    if cell.station[e, d] >= 0:
        whole = rate(rules, cell, e, d, rules.bandwidth)
        cell.made[e, kind] = cell.made[e, kind] + data / whole
    cell.made[e, 2 + kind] = cell.made[e, 2 + kind] + work / rules.compute


@wp.func
def draw_job(rules: Rules, cell: Cell, replay: Replay, e: wp.int32, d: wp.int32, step: wp.int32):
    """Bernoulli for requests, one update every step; sizes are Poisson."""
    if rules.is_replayed == 1:
        if replay.jobs[e, step, d, 0] > _ZERO:
            keep_job(rules, cell, e, d, step, replay.jobs[e, step, d, 0], replay.jobs[e, step, d, 1])
        return
    level = cell.level[e]
    kind = wp.where(d < rules.users, 0, 1)
    state = wp.rand_init(cell.key[e], step * 8192 + d)
    chance = wp.randf(state)
    if kind == 1 or wp.float64(chance) < rules.probability[level]:
        row = 4 * level + 2 * kind
        data = rules.unit[0] * wp.float64(poisson(rules, row, wp.randf(state)))
        work = rules.unit[1] * wp.float64(poisson(rules, row + 1, wp.randf(state)))
        keep_job(rules, cell, e, d, step, data, work)


@wp.func
def make_jobs(rules: Rules, cell: Cell, replay: Replay, e: wp.int32, step: wp.int32):
    """New jobs of all devices that are here, by their numbers."""
    for k in range(4):
        cell.made[e, k] = _ZERO
    for d in range(rules.users + rules.sensors):
        if is_here(cell, e, d, rules.users, step) == 1:
            draw_job(rules, cell, replay, e, d, step)
    for k in range(4):
        mixed = rules.smoothing * cell.made[e, k] + (wp.float64(1.0) - rules.smoothing) * cell.load[e, k]
        cell.load[e, k] = wp.where(step == 0, cell.made[e, k], mixed)
