"""Kernels that run one stage of the training loop over given inputs, tick by tick, one thread an environment."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: TID253

import warp as wp

from teletwin_training.horizon.arm_kernels import keep_command, servo, want
from teletwin_training.horizon.lag_kernel import control_horizon, control_target
from teletwin_training.horizon.motion_types_kernel import SERVO_RING, Loop, Motion, Params, Path, Times
from teletwin_training.horizon.path_kernels import smooth_at, smooth_is_due, smooth_update, smoothing_reset
from teletwin_training.horizon.target_kernels import packet_is_late, refer, rest_target

_TICK_S = wp.constant(wp.float64(0.002))
_SERVO = wp.constant(SERVO_RING)

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})


@wp.kernel
def bind_targets(
    motion: Motion,
    times: Times,
    params: Params,
    path: Path,
    loop: Loop,
    first_tick: wp.int32,
    poses: wp.array3d(dtype=wp.float64),
    velocities: wp.array3d(dtype=wp.float64),
    turns: wp.array3d(dtype=wp.float64),
):
    """What the control function's policy follows: poses (N, ticks, 7) and the velocities fed forward."""
    e = wp.tid()
    rest_target(path, e)
    for i in range(poses.shape[1]):
        pose = control_target(motion, times, params, loop, e, first_tick + i)
        ahead = control_horizon(times, params, loop, e, first_tick + i)
        is_late = packet_is_late(times, loop, e, times.packet[times.session[e], first_tick + i])
        refer(path, params, e, pose, ahead, is_late, _TICK_S)
        for c in range(7):
            poses[e, i, c] = path.reference[e][c]
        for c in range(3):
            velocities[e, i, c] = path.velocity[e][c]
            turns[e, i, c] = path.turn[e][c]


@wp.kernel
def smooth_outputs(
    path: Path,
    now_s: wp.array(dtype=wp.float64),
    q: wp.array3d(dtype=wp.float64),
    out_q: wp.array3d(dtype=wp.float64),
    out_qd: wp.array3d(dtype=wp.float64),
):
    """Smoothed channels (N, ticks, 7) and rates of a policy's outputs at the times now_s."""
    e = wp.tid()
    for c in range(7):
        path.q[e, c] = wp.float64(0.0)
    smoothing_reset(path, e)
    for i in range(q.shape[1]):
        if smooth_is_due(path, e, now_s[i]):
            for c in range(7):
                smooth_update(path, e, now_s[i], c, q[e, i, c])
            path.start_s[e] = now_s[i]
        for c in range(7):
            at, rate = smooth_at(path, e, c, now_s[i] - path.start_s[e])
            out_q[e, i, c] = at
            out_qd[e, i, c] = rate


@wp.kernel
def play_commands(
    times: Times,
    params: Params,
    path: Path,
    loop: Loop,
    q: wp.array3d(dtype=wp.float64),
    qd: wp.array3d(dtype=wp.float64),
    wanted: wp.array3d(dtype=wp.float64),
    rates: wp.array3d(dtype=wp.float64),
    arm: wp.array3d(dtype=wp.float64),
):
    """What the arm is asked for (N, ticks, 7), its rate and where the arm then is, for commands q and qd."""
    e = wp.tid()
    loop.tracked_tick[e] = -1
    for tick in range(q.shape[1]):
        for c in range(7):
            path.q[e, c] = q[e, tick, c]
            path.qd[e, c] = qd[e, tick, c]
        keep_command(path, loop, e, tick)
        servo(loop, params, e, tick)
        want(times, loop, e, tick, 1)
        for c in range(7):
            loop.set_point[e, tick % _SERVO, c] = loop.wanted[e, c]
            wanted[e, tick, c] = loop.wanted[e, c]
            rates[e, tick, c] = loop.wanted_rate[e, c]
            arm[e, tick, c] = loop.arm[e, c]
