"""One slot of the whole delayed loop with the arm as a lag: one launch, one thread an environment.

Importing this loads warp.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, UP018
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin_training.horizon.arm_kernels import judge_control, judge_display, keep_command, servo, want
from teletwin_training.horizon.motion_types_kernel import (
    ACTION_RING,
    FRAME_RING,
    SERVO_RING,
    Loop,
    Motion,
    Params,
    Path,
    Times,
    vec7,
)
from teletwin_training.horizon.path_kernels import lag_path_tick
from teletwin_training.horizon.target_kernels import packet_horizon, packet_is_late, packet_target, rest_target

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_ACTIONS, _FRAMES, _SERVO = wp.constant(ACTION_RING), wp.constant(FRAME_RING), wp.constant(SERVO_RING)
_TICK_S = wp.constant(wp.float64(0.002))
_MS = wp.constant(wp.float64(0.001))
_ZERO = wp.constant(wp.float64(0.0))


@wp.func
def keep_horizons(loop: Loop, e: wp.int32, slot: wp.int32, horizons: wp.array2d(dtype=wp.float64)):
    """Remember what was chosen for the packet of this slot; the errors of the step start from zero."""
    place = slot % _ACTIONS
    for i in range(6):
        loop.horizons[e, place, i] = horizons[e, i]
        loop.errors[e, i] = _ZERO


@wp.func
def control_target(motion: Motion, times: Times, params: Params, loop: Loop, e: wp.int32, tick: wp.int32):
    """Target of the control function at a tick, the rest of the way in it."""
    session = times.session[e]
    way = times.downstream[session, tick] + params.servo_guess[e] + params.policy_lag[e]
    now = wp.float64(tick) * _TICK_S
    return packet_target(motion, times, loop, e, times.packet[session, tick], 0, now, way, params.turn_lag[e])


@wp.func
def control_horizon(times: Times, params: Params, loop: Loop, e: wp.int32, tick: wp.int32):
    """How far ahead that target is looked up [s]."""
    session = times.session[e]
    way = times.downstream[session, tick] + params.servo_guess[e] + params.policy_lag[e]
    return packet_horizon(times, loop, e, times.packet[session, tick], 0, wp.float64(tick) * _TICK_S, way)


@wp.func
def after_picture(times: Times, session: wp.int32, frame: wp.int32):
    """Time of the shown world's tick that follows a picture [ms]."""
    return times.first_tick_ms[session, frame] + 4 * times.tick_count[session, frame]


@wp.func
def render_frame(motion: Motion, times: Times, params: Params, render: Path, loop: Loop, e: wp.int32, frame: wp.int32):
    """Advance the shown world to the picture's beginning; return the shown pose."""
    session = times.session[e]
    way = times.way[session, frame] + params.policy_lag[e]
    packet = times.frame_packet[session, frame]
    if frame > 0 and times.first_tick_ms[session, frame] != after_picture(times, session, frame - 1):
        rest_target(render, e)  # ticks were skipped: no motion can be told from what was before
    for i in range(times.tick_count[session, frame]):
        now = wp.float64(times.first_tick_ms[session, frame] + 4 * i) * _MS
        pose = packet_target(motion, times, loop, e, packet, 1, now, way, params.turn_lag[e])
        ahead = packet_horizon(times, loop, e, packet, 1, now, way)
        is_late = packet_is_late(times, loop, e, packet)
        lag_path_tick(render, params, e, pose, ahead, is_late, 1, now, 2)
    out = vec7()
    for c in range(7):
        out[c] = render.q[e, c]
    return out


@wp.func
def render_due(motion: Motion, times: Times, params: Params, render: Path, loop: Loop, e: wp.int32, slot: wp.int32):
    """Every picture that this slot's packet makes possible (or that is begun in this slot); what is on the screen."""
    session = times.session[e]
    first = times.first_slot_of[e]
    frame = loop.frame[e]
    going = bool(True)
    while going:
        going = frame < times.begun_ms.shape[1]
        if going:
            begun = times.begun_ms[session, frame]
            if params.is_causal != 0:
                going = begun < 10 * (first + slot + 1)
            else:
                going = times.frame_packet[session, frame] <= first + slot
        if going:
            shown = render_frame(motion, times, params, render, loop, e, frame)
            loop.shown_ring[e, frame % _FRAMES] = shown
            if params.is_causal == 0:
                for seen in range(times.first_slot[session, frame], times.last_slot[session, frame]):
                    judge_display(motion, loop, e, seen - first, shown)
            frame = frame + 1
    loop.frame[e] = frame
    on_screen = times.screen[session, first + slot + 1]
    if params.is_causal != 0 and on_screen >= 0 and on_screen < frame:
        loop.shown[e] = loop.shown_ring[e, on_screen % _FRAMES]


@wp.func
def lag_arm_tick(motion: Motion, times: Times, params: Params, loop: Loop, e: wp.int32, tick: wp.int32):
    """The arm at one servo tick; at a slot's beginning its error."""
    servo(loop, params, e, tick)
    if tick % 5 == 0:
        pose = vec7()
        square = _ZERO
        for c in range(7):
            pose[c] = loop.arm[e, c]
            if c > 2:
                square = square + pose[c] * pose[c]
        for c in range(3, 7):
            pose[c] = pose[c] / wp.sqrt(square)
        loop.tool[e] = pose
        judge_control(motion, times, loop, e, tick)
    want(times, loop, e, tick, 0)
    for c in range(7):
        loop.set_point[e, tick % _SERVO, c] = loop.wanted[e, c]


@wp.kernel
def lag_slot(
    motion: Motion,
    times: Times,
    params: Params,
    control: Path,
    render: Path,
    loop: Loop,
    horizons: wp.array2d(dtype=wp.float64),
):
    """One slot of every environment.

    Not causal, it runs until the next packet takes over: the errors of the step are then those of this slot's packet.
    """
    e = wp.tid()
    slot = loop.slot[e]
    keep_horizons(loop, e, slot, horizons)
    session = times.session[e]
    newest = times.first_slot_of[e] + slot
    end = times.packet.shape[1]
    if params.is_causal != 0:
        end = 5 * (newest + 1)
        judge_display(motion, loop, e, slot, loop.shown[e])
    tick = loop.tick[e]
    arm_tick = loop.arm_tick[e]
    while tick < end and (params.is_causal != 0 or times.packet[session, tick] <= newest):
        pose = control_target(motion, times, params, loop, e, tick)
        now = wp.float64(tick) * _TICK_S
        ahead = control_horizon(times, params, loop, e, tick)
        is_late = packet_is_late(times, loop, e, times.packet[session, tick])
        lag_path_tick(control, params, e, pose, ahead, is_late, times.fresh[session, tick], now, 1)
        keep_command(control, loop, e, tick)
        tick = tick + 1
        while arm_tick < end and times.right[session, arm_tick] < tick:  # close behind: commands are kept for a while
            lag_arm_tick(motion, times, params, loop, e, arm_tick)
            arm_tick = arm_tick + 1
    loop.tick[e] = tick
    loop.arm_tick[e] = arm_tick
    render_due(motion, times, params, render, loop, e, slot)
    loop.slot[e] = slot + 1
