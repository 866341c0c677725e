"""What an allocator sees of a cell, columns as in teletwin.allocation.features.Feature; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, RUF046, UP018
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import warp as wp  # noqa: TID253

from teletwin.allocation.features import Feature
from teletwin_training.allocation.cell_types_kernel import Cell, Rules
from teletwin_training.allocation.radio_kernel import is_here

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_ZERO = wp.constant(wp.float64(0.0))
_QUEUE = wp.constant(int(Feature.REQUEST_QUEUE))
_LINK = wp.constant(int(Feature.LINK_REQUESTS))
_WORST = wp.constant(int(Feature.LINK_WORST_REQUESTS))
_COMPUTE = wp.constant(int(Feature.COMPUTE_REQUESTS))
_LINK_LOAD = wp.constant(int(Feature.LINK_LOAD_REQUESTS))
_COMPUTE_LOAD = wp.constant(int(Feature.COMPUTE_LOAD_REQUESTS))
_SHARE = wp.constant(int(Feature.LINK_SHARE))
_REQUEST_AGE = wp.constant(int(Feature.REQUEST_AGE))
_UPDATE_AGE = wp.constant(int(Feature.UPDATE_AGE))


@wp.func
def link_backlog(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32, kind: wp.int32, band: wp.float64):
    """What a class waits for [ticks of the whole link]: the sum, and until the last device is empty; station means."""
    first = wp.where(kind == 0, 0, rules.users)
    last = wp.where(kind == 0, rules.users, rules.users + rules.sensors)
    stations = rules.stations.shape[0]
    total = _ZERO
    worst = _ZERO
    for b in range(stations):
        most = _ZERO
        sharing = int(0)
        for d in range(first, last):
            if cell.station[e, d] == b and is_here(cell, e, d, rules.users, step + 1) == 1:
                sharing = sharing + 1
                if cell.waiting[e, d] > _ZERO:
                    ticks = cell.waiting[e, d] / (band * cell.efficiency[e, d] * rules.mbit_per_hz)
                    total = total + ticks
                    most = wp.max(most, ticks)
        worst = worst + most * wp.float64(sharing)
    return wp.vec2d(total / wp.float64(stations), worst / wp.float64(stations))


@wp.func
def oldest_request(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32):
    """Step of the oldest request that is unfinished; step + 1 without any."""
    oldest = step + 1
    for d in range(rules.users):
        if cell.waiting[e, d] > _ZERO:
            j = cell.head[e, d]
            while j < step and cell.data[e, d, j] == 0.0:
                j = j + 1
            cell.head[e, d] = j  # empty places are not looked at again
            oldest = wp.min(oldest, j)
    for b in range(rules.stations.shape[0]):
        if cell.length[e, b, 0] > 0:
            job = cell.serving[e, b, 0]
            if job < 0:
                node = cell.queue[e, b, 0]
                job = node % rules.steps
                if rules.admits == 1:
                    job = cell.newest[e, node // rules.steps]
            oldest = wp.min(oldest, job)
    return oldest


@wp.func
def oldest_update(rules: Rules, cell: Cell, e: wp.int32):
    """Newest update of the sensor where it is oldest."""
    oldest = cell.latest[e, 0]
    for s in range(1, rules.sensors):
        oldest = wp.min(oldest, cell.latest[e, s])
    return oldest


@wp.func
def see(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32):
    """Write the features of the moment after a step; -1 before the first."""
    level = cell.level[e]
    stations = wp.float64(rules.stations.shape[0])
    band = rules.bandwidth * rules.bandwidth_factor[level]
    cycles = rules.compute * rules.compute_factor[level]
    for kind in range(2):
        waits = link_backlog(rules, cell, e, step, kind, band)
        queued = int(0)
        pending = _ZERO
        for b in range(rules.stations.shape[0]):
            queued = queued + cell.length[e, b, kind]
            pending = pending + cell.pending[e, b, kind]
        cell.seen[e, _QUEUE + kind] = wp.float64(queued)
        cell.seen[e, _LINK + kind] = waits[0]
        cell.seen[e, _WORST + kind] = waits[1]
        cell.seen[e, _COMPUTE + kind] = pending / cycles / stations
        cell.seen[e, _LINK_LOAD + kind] = cell.load[e, kind] / rules.bandwidth_factor[level] / stations
        cell.seen[e, _COMPUTE_LOAD + kind] = cell.load[e, 2 + kind] / rules.compute_factor[level] / stations
        cell.seen[e, _SHARE + kind] = cell.shares[e, kind]
    late = step - oldest_request(rules, cell, e, step)
    cell.seen[e, _REQUEST_AGE] = wp.float64(wp.max(late, 0)) / wp.float64(wp.max(rules.deadline_steps, 1))
    age = step - oldest_update(rules, cell, e)
    cell.seen[e, _UPDATE_AGE] = wp.float64(age) / wp.float64(wp.max(rules.sync_steps, 1))
