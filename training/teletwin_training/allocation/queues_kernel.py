"""Sending and processing: first in, first out, part by part; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, RUF046, UP018
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import warp as wp  # noqa: TID253

from teletwin_training.allocation.cell_types_kernel import Cell, Rules
from teletwin_training.allocation.counts import Count
from teletwin_training.allocation.radio_kernel import is_here, rate

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_ZERO = wp.constant(wp.float64(0.0))
_ONE = wp.constant(wp.float64(1.0))
_SENT = wp.constant(int(Count.SENT_REQUESTS))
_DONE = wp.constant(int(Count.DONE_REQUESTS))
_DROPPED = wp.constant(int(Count.DROPPED_REQUESTS))
_BITS = wp.constant(int(Count.BITS))
_CLASS_BITS = wp.constant(int(Count.REQUEST_BITS))
_CYCLES = wp.constant(int(Count.CYCLES))
_AORI = wp.constant(int(Count.AORI))
_AOSI = wp.constant(int(Count.AOSI))
_AOI = wp.constant(int(Count.AOI))
_LATE = wp.constant(int(Count.LATE))
_IN_TIME = wp.constant(int(Count.IN_TIME))
_FRESH = wp.constant(int(Count.FRESH))
_UPDATE_DELAY = wp.constant(int(Count.UPDATE_DELAY))


@wp.func
def count(cell: Cell, e: wp.int32, column: wp.int32, amount: wp.float64):
    """Add to what is counted over the episode."""
    cell.totals[e, column] = cell.totals[e, column] + amount


@wp.func
def enqueue(rules: Rules, cell: Cell, e: wp.int32, d: wp.int32, job: wp.int32, kind: wp.int32):
    """A job has arrived at its base station; with admission it takes the place of the device's older one."""
    b = cell.station[e, d]
    count(cell, e, _SENT + kind, _ONE)
    work = wp.float64(cell.work[e, d, job])
    if rules.admits == 1:
        older = cell.newest[e, d]
        cell.newest[e, d] = job
        if older >= 0:
            b = cell.where[e, d]
            cell.pending[e, b, kind] = cell.pending[e, b, kind] + work - wp.float64(cell.work[e, d, older])
            count(cell, e, _DROPPED + kind, _ONE)
            return
        cell.where[e, d] = b
    node = d * rules.steps + job
    cell.pending[e, b, kind] = cell.pending[e, b, kind] + work
    if cell.length[e, b, kind] == 0:
        cell.queue[e, b, kind] = node
    else:
        last = cell.tail[e, b, kind]
        cell.next[e, last // rules.steps, last % rules.steps] = node
    cell.tail[e, b, kind] = node
    cell.length[e, b, kind] = cell.length[e, b, kind] + 1


@wp.func
def send(rules: Rules, cell: Cell, e: wp.int32, d: wp.int32, step: wp.int32, kind: wp.int32, budget: wp.float64):
    """Serve the oldest job; several may be finished in a step."""
    left = cell.left[e, d]
    head = cell.head[e, d]
    while budget > _ZERO and head <= step:
        if left == _ZERO:
            left = wp.float64(cell.data[e, d, head])
        if left <= budget:
            if left > _ZERO:
                budget = budget - left
                cell.waiting[e, d] = cell.waiting[e, d] - left
                count(cell, e, _BITS, left)
                count(cell, e, _CLASS_BITS + kind, left)
                enqueue(rules, cell, e, d, head, kind)
            left = _ZERO
            head = head + 1
        else:
            left = left - budget
            cell.waiting[e, d] = cell.waiting[e, d] - budget
            count(cell, e, _BITS, budget)
            count(cell, e, _CLASS_BITS + kind, budget)
            budget = _ZERO
    if head > step:
        cell.waiting[e, d] = _ZERO  # sums of parts leave traces
    cell.left[e, d] = left
    cell.head[e, d] = head


@wp.func
def weigh_needs(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32, first: wp.int32, last: wp.int32):
    """Sum over a station's devices of what waits over efficiency."""
    for b in range(rules.stations.shape[0]):
        cell.need[e, b] = _ZERO
    for d in range(first, last):
        b = cell.station[e, d]
        if b >= 0 and is_here(cell, e, d, rules.users, step) == 1:
            cell.need[e, b] = cell.need[e, b] + cell.waiting[e, d] / cell.efficiency[e, d]


@wp.func
def transmit(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32, kind: wp.int32, band: wp.float64):
    """All devices of a class."""
    first = wp.where(kind == 0, 0, rules.users)
    last = wp.where(kind == 0, rules.users, rules.users + rules.sensors)
    if rules.by_backlog == 1:
        weigh_needs(rules, cell, e, step, first, last)
    for d in range(first, last):
        b = cell.station[e, d]
        if b >= 0 and cell.waiting[e, d] > _ZERO and is_here(cell, e, d, rules.users, step) == 1:
            hertz = _ZERO
            if rules.by_backlog == 1:
                hertz = band * (cell.waiting[e, d] / cell.efficiency[e, d]) / cell.need[e, b]
            else:
                hertz = band / wp.float64(cell.links[e, b, kind])
            send(rules, cell, e, d, step, kind, rate(rules, cell, e, d, hertz))


@wp.func
def finish_request(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32, job: wp.int32, newest: wp.int32):
    """What a request that was answered counts for: its age, and how far its sensor's newest update is off."""
    aori = step - job
    aosi = wp.abs(newest - job)
    count(cell, e, _DONE, _ONE)
    count(cell, e, _AORI, wp.float64(aori))
    count(cell, e, _AOSI, wp.float64(aosi))
    count(cell, e, _AOI, wp.float64(step - newest))
    cell.histogram[e, aori] = cell.histogram[e, aori] + 1
    is_late = wp.float64(aori) > rules.late_steps
    reward = rules.base * wp.pow(rules.discount, wp.float64(aosi))
    if is_late:
        count(cell, e, _LATE, _ONE)
        reward = reward + rules.penalty
    if aori <= rules.deadline_steps:
        count(cell, e, _IN_TIME, _ONE)
    is_fresh = aori <= rules.deadline_steps and aosi <= rules.sync_steps
    if is_fresh:
        count(cell, e, _FRESH, _ONE)
    if rules.is_deadline == 1:
        reward = wp.where(is_fresh, rules.base, _ZERO)
    cell.reward[e] = cell.reward[e] + reward


@wp.func
def finish(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32, node: wp.int32, job: wp.int32, kind: wp.int32):
    """A job has been processed."""
    d = node // rules.steps
    if kind == 0:
        finish_request(rules, cell, e, step, job, cell.latest[e, cell.near[e, d, job]])
    else:
        s = d - rules.users
        cell.latest[e, s] = wp.max(cell.latest[e, s], job)
        count(cell, e, _DONE + 1, _ONE)
        count(cell, e, _UPDATE_DELAY, wp.float64(step - job))


@wp.func
def begin(rules: Rules, cell: Cell, e: wp.int32, b: wp.int32, kind: wp.int32):
    """Take up the first job of a queue; a request waits for the first update ever of its sensor. True if it runs."""
    node = cell.queue[e, b, kind]
    d = node // rules.steps
    job = node % rules.steps
    if rules.admits == 1:
        job = cell.newest[e, d]
    if kind == 0 and cell.latest[e, cell.near[e, d, job]] < 0:
        return int(0)
    cell.newest[e, d] = -1
    cell.serving[e, b, kind] = job
    cell.cycles[e, b, kind] = wp.float64(cell.work[e, d, job])
    return int(1)


@wp.func
def process(rules: Rules, cell: Cell, e: wp.int32, b: wp.int32, step: wp.int32, kind: wp.int32, budget: wp.float64):
    """Serve a station's queue."""
    runs = int(1)
    while budget > _ZERO and cell.length[e, b, kind] > 0 and runs == 1:
        if cell.serving[e, b, kind] < 0:
            runs = begin(rules, cell, e, b, kind)
        if runs == 1:
            used = wp.min(cell.cycles[e, b, kind], budget)
            budget = budget - used
            count(cell, e, _CYCLES, used)
            cell.pending[e, b, kind] = cell.pending[e, b, kind] - used
            cell.cycles[e, b, kind] = cell.cycles[e, b, kind] - used
            if cell.cycles[e, b, kind] <= _ZERO:
                node = cell.queue[e, b, kind]
                cell.queue[e, b, kind] = cell.next[e, node // rules.steps, node % rules.steps]
                cell.length[e, b, kind] = cell.length[e, b, kind] - 1
                job = cell.serving[e, b, kind]
                cell.serving[e, b, kind] = -1
                finish(rules, cell, e, step, node, job, kind)
    if cell.length[e, b, kind] == 0:
        cell.pending[e, b, kind] = _ZERO


@wp.func
def leave(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32):
    """Who leaves takes along what was not sent."""
    for d in range(rules.users):
        if cell.leaves[e, d] == step and cell.arrives[e, d] < step:
            for j in range(cell.head[e, d], step + 1):
                if cell.data[e, d, j] > 0.0:
                    count(cell, e, _DROPPED, _ONE)
            cell.head[e, d] = step + 1
            cell.left[e, d] = _ZERO
            cell.waiting[e, d] = _ZERO
