"""Where devices are, how they move and what their links carry; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, RUF046, UP018
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import warp as wp  # noqa: TID253

from teletwin_training.allocation.cell_types_kernel import Cell, Replay, Rules

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_ZERO = wp.constant(wp.float64(0.0))
_LEAST_KM = wp.constant(wp.float64(1.0e-16))
_ONE = wp.constant(wp.float64(1.0))


@wp.func
def somewhere(rules: Rules, state: wp.uint32):
    """Uniform on the ground."""
    x = rules.width * wp.float64(wp.randf(state))
    y = rules.height * wp.float64(wp.randf(state))
    return wp.vec2d(x, y)


@wp.func
def is_here(cell: Cell, e: wp.int32, device: wp.int32, users: wp.int32, step: wp.int32):
    """Whether a device takes part: who comes in a step acts from the next one on."""
    if device >= users:
        return int(1)
    before = wp.max(step - 1, 0)
    if cell.arrives[e, device] <= before and before < cell.leaves[e, device]:
        return int(1)
    return int(0)


@wp.func
def link(rules: Rules, cell: Cell, e: wp.int32, device: wp.int32):
    """Closest base station and spectral efficiency."""
    place = cell.position[e, device]
    chosen = int(0)
    distance = wp.length(place - rules.stations[0])
    for b in range(1, rules.stations.shape[0]):
        other = wp.length(place - rules.stations[b])
        if other < distance:
            distance = other
            chosen = b
    km = distance / wp.float64(1000.0) + _LEAST_KM
    snr = wp.pow(wp.float64(2.0), rules.snr_at_km - rules.snr_slope * wp.log2(km))
    if snr <= rules.least_snr:
        cell.station[e, device] = -1
        cell.efficiency[e, device] = _ZERO
    else:
        cell.station[e, device] = chosen
        cell.efficiency[e, device] = wp.log2(_ONE + snr)


@wp.func
def nearest_sensor(rules: Rules, cell: Cell, e: wp.int32, device: wp.int32):
    """The lowest of the closest sensors."""
    place = cell.position[e, device]
    chosen = int(0)
    distance = wp.length_sq(place - cell.position[e, rules.users])
    for s in range(1, rules.sensors):
        other = wp.length_sq(place - cell.position[e, rules.users + s])
        if other < distance:
            distance = other
            chosen = s
    return chosen


@wp.func
def count_links(rules: Rules, cell: Cell, e: wp.int32, step: wp.int32):
    """How many devices share each station, by class."""
    for b in range(rules.stations.shape[0]):
        cell.links[e, b, 0] = 0
        cell.links[e, b, 1] = 0
    for d in range(rules.users + rules.sensors):
        b = cell.station[e, d]
        if b >= 0 and is_here(cell, e, d, rules.users, step) == 1:
            kind = wp.where(d < rules.users, 0, 1)
            cell.links[e, b, kind] = cell.links[e, b, kind] + 1


@wp.func
def rate(rules: Rules, cell: Cell, e: wp.int32, device: wp.int32, hertz: wp.float64):
    """What a device sends in a step with so much of the band [Mbit]."""
    return hertz * cell.efficiency[e, device] * rules.mbit_per_hz


@wp.func
def first_place(rules: Rules, cell: Cell, e: wp.int32, device: wp.int32):
    """Where a device stands when an episode begins."""
    return somewhere(rules, wp.rand_init(cell.key[e], 1 << 26 | device))


@wp.func
def new_waypoint(rules: Rules, cell: Cell, replay: Replay, e: wp.int32, kind: wp.int32, state: wp.uint32):
    """The next one of the recorded stream, or a new one.

    In the official simulator positions and the waypoints of each class are the same stream: the first waypoints are
    where devices started. Users first go where they stand, then to the sensors, by number.
    """
    k = replay.used[e, kind]
    replay.used[e, kind] = k + 1
    if rules.is_replayed == 1:
        return wp.vec2d(rules.width * replay.waypoints[e, kind, k, 0], rules.height * replay.waypoints[e, kind, k, 1])
    if k < rules.users + rules.sensors:
        return first_place(rules, cell, e, k)
    return somewhere(rules, state)


@wp.func
def move(rules: Rules, cell: Cell, replay: Replay, e: wp.int32, step: wp.int32):
    """Random waypoint without pauses: one that is within reach is jumped on, the next one drawn a step later."""
    for d in range(rules.users + rules.sensors):
        kind = wp.where(d < rules.users, 0, 1)
        speed = wp.where(kind == 0, rules.user_speed, rules.sensor_speed)
        if speed > _ZERO and is_here(cell, e, d, rules.users, step) == 1:
            if cell.has_waypoint[e, d] == 0:
                state = wp.rand_init(cell.key[e], (step * 2 + 1) * 4096 + d)
                cell.waypoint[e, d] = new_waypoint(rules, cell, replay, e, kind, state)
                cell.has_waypoint[e, d] = 1
            way = cell.waypoint[e, d] - cell.position[e, d]
            distance = wp.length(way)
            if distance <= speed:
                cell.position[e, d] = cell.waypoint[e, d]
                cell.has_waypoint[e, d] = 0
            else:
                cell.position[e, d] = cell.position[e, d] + way * (speed / distance)
            link(rules, cell, e, d)
