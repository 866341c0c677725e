"""Commands played out at the arm, and the arm behind its set-points; importing this loads warp.

As `arm.resample` and `arm.servo_law` do it, with the commands that each servo tick plays looked up.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin.arm.resample import TRACKED_SHARE
from teletwin.session.build import RESAMPLING
from teletwin_training.horizon.hands import FUTURE_SLOTS
from teletwin_training.horizon.motion_types_kernel import (
    COMMAND_RING,
    SERVO_RING,
    Loop,
    Motion,
    Params,
    Path,
    Times,
    vec7,
)
from teletwin_training.horizon.target_kernels import hand_row
from teletwin_training.horizon.timing import FOLLOW, HOLD, RESUME

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_RING = wp.constant(COMMAND_RING)
_SERVO = wp.constant(SERVO_RING)
_FUTURE = wp.constant(FUTURE_SLOTS)
_FOLLOW, _HOLD, _RESUME = wp.constant(FOLLOW), wp.constant(HOLD), wp.constant(RESUME)
_FREE = wp.constant(wp.float64(RESAMPLING.extrapolation_s))
_BRAKE = wp.constant(wp.float64(RESAMPLING.brake_rad_s2))
_SPEED = wp.constant(wp.float64(RESAMPLING.speed_max_rad_s))
_SPEED_BACK = wp.constant(wp.float64(-RESAMPLING.speed_max_rad_s))
_RESUME_S = wp.constant(wp.float64(RESAMPLING.resume_s))
_RESUME_SPEED = wp.constant(wp.float64(RESAMPLING.resume_speed_rad_s))
_TRACKING = wp.constant(wp.float64(1.0 / RESAMPLING.tracking_s))
_TRACKED_MOST = wp.constant(wp.float64(TRACKED_SHARE * RESAMPLING.tracking_s))
_SHORT_S = wp.constant(wp.float64(0.1))
_LONG_GAP = wp.constant(wp.float64(0.05))
_AT_HAND = wp.constant(wp.float64(1.0e-6))
_TICK_S = wp.constant(wp.float64(0.002))
_ZERO = wp.constant(wp.float64(0.0))
_HALF = wp.constant(wp.float64(0.5))
_ONE = wp.constant(wp.float64(1.0))
_TWO = wp.constant(wp.float64(2.0))
_THREE = wp.constant(wp.float64(3.0))


@wp.func
def keep_command(path: Path, loop: Loop, e: wp.int32, tick: wp.int32):
    """The command of a twin tick, as the resampler keeps it."""
    place = tick % _RING
    for c in range(path.q.shape[1]):
        loop.command_q[e, place, c] = path.q[e, c]
        loop.command_qd[e, place, c] = wp.clamp(path.qd[e, c], _SPEED_BACK, _SPEED)


@wp.func
def played(loop: Loop, e: wp.int32, c: wp.int32, left: wp.int32, right: wp.int32, ahead: wp.float64, span: wp.float64):
    """One channel of the commands at a servo tick, and its rate."""
    q = loop.command_q[e, left, c]
    d = loop.command_qd[e, left, c]
    if left == right:
        free = wp.min(ahead, _FREE)
        brake = wp.min(ahead - free, wp.abs(d) / _BRAKE)
        slowed = d - wp.sign(d) * _BRAKE * brake
        return q + d * free + _HALF * (d + slowed) * brake, slowed
    s = ahead / span
    way = loop.command_q[e, right, c] - q
    if span > _LONG_GAP:
        return q + s * way, way / span
    start = span * d
    end = span * loop.command_qd[e, right, c]
    a = start + end - _TWO * way
    b = _THREE * way - _TWO * start - end
    return q + s * (start + s * (b + s * a)), (start + s * (_TWO * b + _THREE * s * a)) / span


@wp.func
def begin_blend(loop: Loop, e: wp.int32, tick: wp.int32, right: wp.int32, shortest: wp.float64):
    """Go over to the commands from where the arm was held."""
    way = _ZERO
    for c in range(loop.wanted.shape[1]):
        loop.blend_from[e, c] = loop.wanted[e, c]
        way = wp.max(way, wp.abs(loop.command_q[e, right, c] - loop.wanted[e, c]))
    loop.blend_start[e] = tick
    duration = wp.max(shortest, way / _RESUME_SPEED)
    if way < _AT_HAND:
        duration = _ZERO
    loop.blend_ticks[e] = duration / _TICK_S


@wp.func
def blend_share(loop: Loop, e: wp.int32, tick: wp.int32):
    """How far the arm has gone over to the commands, 0 ... 1, and that share's rate [1/s]."""
    elapsed = wp.float64(tick - loop.blend_start[e])
    if elapsed >= loop.blend_ticks[e]:
        return _ONE, _ZERO
    s = elapsed / loop.blend_ticks[e]
    share = s * s * s * (wp.float64(10.0) + s * (wp.float64(6.0) * s - wp.float64(15.0)))
    rate = wp.float64(30.0) * s * s * (_ONE - s) * (_ONE - s) / (loop.blend_ticks[e] * _TICK_S)
    return share, rate


@wp.func
def track(loop: Loop, e: wp.int32, c: wp.int32, tick: wp.int32, q: wp.float64, d: wp.float64):
    """The set-point of one channel on its way to what is played, and its rate."""
    if loop.tracked_tick[e] < 0:
        return q, d
    last = loop.tracked[e, c]
    rate = loop.tracked_rate[e, c]
    dt = wp.min(wp.float64(tick - loop.tracked_tick[e]) * _TICK_S, _TRACKED_MOST)
    change = _TRACKING * (_TRACKING * (q - last - dt * rate) + _TWO * (d - rate))
    rate = rate + dt * change
    return last + dt * rate, rate


@wp.func
def want(times: Times, loop: Loop, e: wp.int32, tick: wp.int32, has_limits: wp.int32):
    """What the arm is asked for at a servo tick, into loop.wanted and loop.wanted_rate."""
    session = times.session[e]
    mode = times.arm_mode[session, tick]
    if mode != _FOLLOW and mode != _RESUME:
        loop.was_held[e] = 1
        return
    left = times.left[session, tick] % _RING
    right = times.right[session, tick] % _RING
    if mode == _RESUME:
        begin_blend(loop, e, tick, right, _RESUME_S)
    elif loop.was_held[e] != 0 and has_limits == 0:
        begin_blend(loop, e, tick, right, _SHORT_S)  # stands for the limits' way back after a short silence
    if loop.was_held[e] != 0 and loop.tracked_tick[e] >= 0:  # from where the limits have brought the arm to rest
        for c in range(loop.wanted.shape[1]):
            loop.tracked[e, c] = loop.wanted[e, c]
            loop.tracked_rate[e, c] = _ZERO
    loop.was_held[e] = 0
    share, rate = blend_share(loop, e, tick)
    for c in range(loop.wanted.shape[1]):
        q, d = played(loop, e, c, left, right, times.ahead[session, tick], times.span[session, tick])
        away = q - loop.blend_from[e, c]
        if share < _ONE:
            q = loop.blend_from[e, c] + share * away
            d = share * d + rate * away
        q, d = track(loop, e, c, tick, q, d)
        loop.tracked[e, c] = q
        loop.tracked_rate[e, c] = d
        loop.wanted[e, c] = q
        loop.wanted_rate[e, c] = d
    loop.tracked_tick[e] = tick


@wp.func
def servo(loop: Loop, params: Params, e: wp.int32, tick: wp.int32):
    """The arm's cycle at this tick, by the set-points that have come through by now."""
    place = (tick + _SERVO - params.servo_cycles[e]) % _SERVO
    for c in range(loop.arm.shape[1]):
        loop.arm[e, c] = loop.arm[e, c] + params.servo_blend[e] * (loop.set_point[e, place, c] - loop.arm[e, c])


@wp.func
def pose_error(a: vec7, b: vec7):
    """Squares of the distance [m^2] and of the angle [rad^2] between two poses."""
    square = _ZERO
    for i in range(3):
        square = square + (a[i] - b[i]) * (a[i] - b[i])
    near = _ZERO
    far = _ZERO
    for i in range(3, 7):
        near = near + (a[i] - b[i]) * (a[i] - b[i])
        far = far + (a[i] + b[i]) * (a[i] + b[i])
    angle = wp.float64(4.0) * wp.asin(wp.min(_HALF * wp.sqrt(wp.min(near, far)), _ONE))
    return square, angle * angle


@wp.func
def judge_control(motion: Motion, times: Times, loop: Loop, e: wp.int32, tick: wp.int32):
    """Add the tool's error at a slot's beginning."""
    slot = tick / 5 - times.first_slot_of[e]
    if slot > loop.slot[e] + _FUTURE:  # the recording may be at its end
        return
    position, turn = pose_error(motion.poses[hand_row(motion, e, slot)], loop.tool[e])
    loop.errors[e, 0] = loop.errors[e, 0] + position
    loop.errors[e, 1] = loop.errors[e, 1] + turn
    loop.errors[e, 2] = loop.errors[e, 2] + _ONE


@wp.func
def judge_display(motion: Motion, loop: Loop, e: wp.int32, slot: wp.int32, shown: vec7):
    """Add the shown tool's error at a slot of the episode."""
    if slot > loop.slot[e] + _FUTURE:
        return
    position, turn = pose_error(motion.poses[hand_row(motion, e, slot)], shown)
    loop.errors[e, 3] = loop.errors[e, 3] + position
    loop.errors[e, 4] = loop.errors[e, 4] + turn
    loop.errors[e, 5] = loop.errors[e, 5] + _ONE
