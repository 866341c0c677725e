"""Puts environments at the beginning of an episode; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin_training.horizon.motion_types_kernel import Loop, Path, Times, vec7
from teletwin_training.horizon.path_kernels import law_reset, smoothing_reset
from teletwin_training.horizon.target_kernels import rest_target

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_ZERO = wp.constant(wp.float64(0.0))


@wp.func
def path_reset(path: Path, e: wp.int32):
    """Stand still at the channels that path.q holds."""
    path.following[e] = 0
    rest_target(path, e)
    for c in range(path.q.shape[1]):
        path.qd[e, c] = _ZERO
    smoothing_reset(path, e)
    if path.q.shape[1] == 7:
        law_reset(path, e)


@wp.func
def first_picture(times: Times, e: wp.int32):
    """The first picture that is begun in the episode."""
    session = times.session[e]
    begun = 10 * times.first_slot_of[e]
    low = wp.int32(0)
    high = wp.int32(times.begun_ms.shape[1])
    while low < high:
        middle = (low + high) / 2
        if times.begun_ms[session, middle] < begun:
            low = middle + 1
        else:
            high = middle
    return low


@wp.kernel
def reset_loops(
    chosen: wp.array(dtype=wp.int32),
    times: Times,
    control: Path,
    render: Path,
    loop: Loop,
    start: wp.array2d(dtype=wp.float64),
    start_pose: wp.array(dtype=vec7),
    horizons: wp.array2d(dtype=wp.float64),
):
    """Reset the chosen environments: arm and shown arm at rest at start, packets under way with these horizons."""
    e = wp.tid()
    if chosen[e] == 0:
        return
    tick = 5 * times.first_slot_of[e]
    loop.slot[e] = 0
    loop.tick[e] = tick
    loop.arm_tick[e] = tick
    loop.frame[e] = first_picture(times, e)
    loop.was_held[e] = 0
    loop.tracked_tick[e] = tick
    loop.blend_start[e] = 0
    loop.blend_ticks[e] = _ZERO
    for k in range(loop.horizons.shape[1]):
        for i in range(6):
            loop.horizons[e, k, i] = horizons[e, i]
    for c in range(loop.arm.shape[1]):
        value = start[e, c]
        for k in range(loop.command_q.shape[1]):
            loop.command_q[e, k, c] = value
            loop.command_qd[e, k, c] = _ZERO
        for k in range(loop.set_point.shape[1]):
            loop.set_point[e, k, c] = value
        loop.wanted[e, c] = value
        loop.tracked[e, c] = value
        loop.tracked_rate[e, c] = _ZERO
        loop.blend_from[e, c] = value
        loop.arm[e, c] = value
    loop.tool[e] = start_pose[e]
    loop.shown[e] = start_pose[e]
    for k in range(loop.shown_ring.shape[1]):
        loop.shown_ring[e, k] = start_pose[e]
    for c in range(control.q.shape[1]):
        control.q[e, c] = start[e, c]
    for c in range(7):
        render.q[e, c] = start_pose[e][c]
    path_reset(control, e)
    path_reset(render, e)
