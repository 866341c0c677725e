"""The control path and the arm in joint space, around RMPflow's and the limits' own launches; loads warp.

A tick is: joint_target, RMPflow, joint_smooth, limits, joint_arm, limits, joint_set_point.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, SIM109
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin.safety import REDUCED_SPEED_M_S, MotionLimits
from teletwin.session.arm import ARRIVED_RAD
from teletwin.twin.limits.model import limits_types
from teletwin_training.horizon.arm_kernels import blend_share, judge_control, judge_display, keep_command, servo, want
from teletwin_training.horizon.lag_kernel import control_horizon, control_target, keep_horizons, render_due
from teletwin_training.horizon.motion_types_kernel import SERVO_RING, Loop, Motion, Params, Path, Times, vec7
from teletwin_training.horizon.path_kernels import smooth_at, smooth_is_due, smooth_update, smoothing_reset
from teletwin_training.horizon.target_kernels import packet_is_late, refer, rest_target
from teletwin_training.horizon.timing import FOLLOW, RESUME

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

LimitsState = limits_types(6).State
_SERVO = wp.constant(SERVO_RING)
_FOLLOW, _RESUME = wp.constant(FOLLOW), wp.constant(RESUME)
_TICK_S = wp.constant(wp.float64(0.002))
_ZERO, _ONE = (wp.constant(wp.float64(value)) for value in (0.0, 1.0))
_APPROACH_M_S, _ARRIVED_RAD = (wp.constant(wp.float64(value)) for value in (REDUCED_SPEED_M_S, ARRIVED_RAD))
_BODY_M_S = wp.constant(wp.float64(MotionLimits().max_body_speed_m_s))
_TOOL_M_S = wp.constant(wp.float64(MotionLimits().max_tool_speed_m_s))


@wp.kernel
def joint_begin(motion: Motion, loop: Loop, horizons: wp.array2d(dtype=wp.float64)):
    """A slot begins: its packet's horizons, and the error of what is on the screen."""
    e = wp.tid()
    slot = loop.slot[e]
    keep_horizons(loop, e, slot, horizons)
    judge_display(motion, loop, e, slot, loop.shown[e])


@wp.kernel
def joint_target(
    motion: Motion,
    times: Times,
    params: Params,
    control: Path,
    loop: Loop,
    pose: wp.array3d(dtype=wp.float64),
    velocity: wp.array2d(dtype=wp.vec3d),
    turning: wp.array2d(dtype=wp.vec3d),
    q: wp.array2d(dtype=wp.float64),
    qd: wp.array2d(dtype=wp.float64),
):
    """RMPflow's target of this tick; where the path was held, RMPflow starts from what was let through."""
    e = wp.tid()
    tick = loop.tick[e]
    if times.fresh[times.session[e], tick] == 0:
        control.following[e] = 0
        rest_target(control, e)
        return
    target = control_target(motion, times, params, loop, e, tick)
    ahead = control_horizon(times, params, loop, e, tick)
    is_late = packet_is_late(times, loop, e, times.packet[times.session[e], tick])
    refer(control, params, e, target, ahead, is_late, _TICK_S)
    for c in range(7):
        pose[e, 0, c] = control.reference[e][c]
    velocity[e, 0] = control.velocity[e]
    turning[e, 0] = control.turn[e]
    if control.following[e] == 0:
        control.following[e] = 1
        smoothing_reset(control, e)
        for c in range(q.shape[1]):
            q[e, c] = control.q[e, c]
            qd[e, c] = control.qd[e, c]


@wp.kernel
def joint_smooth(
    params: Params,
    control: Path,
    loop: Loop,
    q: wp.array2d(dtype=wp.float64),
    qd: wp.array2d(dtype=wp.float64),
    limits: LimitsState,
):
    """Smoothing of RMPflow's joints into what is desired of the limits; a held path brakes."""
    e = wp.tid()
    limits.hold[e] = 1 - control.following[e]
    if control.following[e] == 0:
        return
    now = wp.float64(loop.tick[e]) * _TICK_S
    is_smooth = params.feed_forward[e]
    if is_smooth == 0 and smooth_is_due(control, e, now):
        for c in range(q.shape[1]):
            smooth_update(control, e, now, c, q[e, c])
        control.start_s[e] = now
    for c in range(q.shape[1]):
        at = q[e, c]
        rate = qd[e, c]
        if is_smooth == 0:
            at, rate = smooth_at(control, e, c, now - control.start_s[e])
        limits.desired[e, c] = at
        limits.desired_v[e, c] = rate


@wp.kernel
def joint_arm(times: Times, params: Params, control: Path, loop: Loop, limits: LimitsState, arm_limits: LimitsState):
    """The command as limited, the arm's cycle, and what the arm's host asks of its own limits."""
    e = wp.tid()
    tick = loop.tick[e]
    for c in range(control.q.shape[1]):
        control.q[e, c] = limits.command[e, c]
        control.qd[e, c] = limits.command_v[e, c]
    keep_command(control, loop, e, tick)
    servo(loop, params, e, tick)
    want(times, loop, e, tick, 1)
    mode = times.arm_mode[times.session[e], tick]
    arm_limits.hold[e] = wp.where(mode == _FOLLOW or mode == _RESUME, 0, 1)
    if mode == _RESUME:  # comes back slowly, as the arm's host has it
        arm_limits.body_speed_cap[e] = _APPROACH_M_S
        arm_limits.tool_speed_cap[e] = _APPROACH_M_S
    for c in range(control.q.shape[1]):
        arm_limits.desired[e, c] = loop.wanted[e, c]
        arm_limits.desired_v[e, c] = loop.wanted_rate[e, c]


@wp.kernel
def joint_set_point(loop: Loop, arm_limits: LimitsState):
    """The set-point as limited; the tick ends."""
    e = wp.tid()
    tick = loop.tick[e]
    off = _ZERO
    for c in range(loop.arm.shape[1]):
        off = wp.max(off, wp.abs(arm_limits.command[e, c] - loop.wanted[e, c]))
        loop.set_point[e, tick % _SERVO, c] = arm_limits.command[e, c]
        loop.wanted[e, c] = arm_limits.command[e, c]
    share, _rate = blend_share(loop, e, tick)
    if arm_limits.hold[e] == 0 and share >= _ONE and (arm_limits.flags[e] == 0 or off < _ARRIVED_RAD):
        arm_limits.body_speed_cap[e] = _BODY_M_S
        arm_limits.tool_speed_cap[e] = _TOOL_M_S
    loop.tick[e] = tick + 1


@wp.kernel
def joint_judge(motion: Motion, times: Times, loop: Loop, tools: wp.array2d(dtype=wp.float64)):
    """The tool's error at the slot's beginning."""
    e = wp.tid()
    pose = vec7()
    for c in range(7):
        pose[c] = tools[e, c]
    loop.tool[e] = pose
    judge_control(motion, times, loop, e, loop.tick[e])


@wp.kernel
def joint_end(motion: Motion, times: Times, params: Params, render: Path, loop: Loop):
    """Pictures that were begun in this slot; the slot ends."""
    e = wp.tid()
    slot = loop.slot[e]
    render_due(motion, times, params, render, loop, e, slot)
    loop.slot[e] = slot + 1
