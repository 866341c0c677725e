"""Motion policy as a lag, smoothing, and one tick of a path; importing this loads warp.

The lag is the target law of RMPflow in task space with the UR3e's gains (a = 80 e/(|e| + 0.075) - 120 (v - v_target),
orientation 200 and 40), which the joint-space policy follows closely away from limits and singularities.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin_training.horizon.motion_types_kernel import Params, Path, vec7
from teletwin_training.horizon.target_kernels import refer, rest_target, turn_between

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_P, _D, _EPS = (wp.constant(wp.float64(v)) for v in (80.0, 120.0, 0.075))
_TURN_P, _TURN_D = (wp.constant(wp.float64(v)) for v in (200.0, 40.0))
_INTERVAL = wp.constant(wp.float64(0.01))
_PER_SQUARE = wp.constant(wp.float64(1.0e4))
_PAPER_SLOT = wp.constant(wp.float64(0.999 * 0.01 - 1e-9))
_STEP = wp.constant(wp.float64(0.002))
_BRAKE_TIME = wp.constant(wp.float64(0.03))
_ANGLE_MIN = wp.constant(wp.float64(1.0e-9))
_ZERO = wp.constant(wp.float64(0.0))
_HALF = wp.constant(wp.float64(0.5))
_ONE = wp.constant(wp.float64(1.0))
_NEVER_S = wp.constant(wp.float64(-1.0))
_TWO = wp.constant(wp.float64(2.0))


@wp.func
def law_step(path: Path, e: wp.int32, pose: vec7):
    """One explicit Euler step of 2 ms towards a target, its measured velocity fed forward."""
    x = path.law_x[e]
    v = path.law_v[e]
    q = path.law_q[e]
    w = path.law_w[e]
    error = wp.vec3d(pose[0], pose[1], pose[2]) - x
    a = _P * error / (wp.length(error) + _EPS) - _D * (v - path.velocity[e])
    here = vec7(x[0], x[1], x[2], q[3], q[0], q[1], q[2])
    aw = _TURN_P * turn_between(here, pose) - _TURN_D * (w - path.turn[e])
    path.law_x[e] = x + _STEP * v
    path.law_v[e] = v + _STEP * a
    half = _HALF * _STEP * w
    angle = wp.length(half)
    sinc = _ONE
    if angle > _ANGLE_MIN:
        sinc = wp.sin(angle) / angle
    path.law_q[e] = wp.normalize(wp.quatd(half[0] * sinc, half[1] * sinc, half[2] * sinc, wp.cos(angle)) * q)
    path.law_w[e] = w + _STEP * aw


@wp.func
def law_output(path: Path, e: wp.int32):
    """Channels (7,) of the law's state and their rates."""
    x = path.law_x[e]
    v = path.law_v[e]
    q = path.law_q[e]
    w = path.law_w[e]
    r = wp.quatd(w[0], w[1], w[2], _ZERO) * q
    where = vec7(x[0], x[1], x[2], q[3], q[0], q[1], q[2])
    rate = vec7(v[0], v[1], v[2], _HALF * r[3], _HALF * r[0], _HALF * r[1], _HALF * r[2])
    return where, rate


@wp.func
def law_reset(path: Path, e: wp.int32):
    """Start the law from the channels that were let through last."""
    path.law_x[e] = wp.vec3d(path.q[e, 0], path.q[e, 1], path.q[e, 2])
    path.law_v[e] = wp.vec3d(path.qd[e, 0], path.qd[e, 1], path.qd[e, 2])
    path.law_q[e] = wp.normalize(wp.quatd(path.q[e, 4], path.q[e, 5], path.q[e, 6], path.q[e, 3]))
    path.law_w[e] = wp.vec3d()


@wp.func
def smoothing_reset(path: Path, e: wp.int32):
    """Stand at the channels that were let through last until the next update."""
    path.start_s[e] = _NEVER_S
    for c in range(path.q.shape[1]):
        path.blend[e, 0, c] = path.q[e, c]
        path.blend[e, 1, c] = path.q[e, c]


@wp.func
def smooth_at(path: Path, e: wp.int32, c: wp.int32, tau: wp.float64):
    """Smoothed channel and its rate, tau [s] after the interval's start; see twin.smoothing, reading 'paper'."""
    if path.start_s[e] < _ZERO:
        return path.blend[e, 1, c], _ZERO
    old = path.blend[e, 0, c]
    way = path.blend[e, 1, c] - old
    if tau < _INTERVAL:
        return old + way * tau * tau * _PER_SQUARE, _TWO * tau * way * _PER_SQUARE
    return path.blend[e, 1, c], _ZERO


@wp.func
def smooth_update(path: Path, e: wp.int32, now: wp.float64, c: wp.int32, q: wp.float64):
    """Take one channel of the policy's output that holds at now [s]; the interval's start is set by the caller."""
    at, _rate = smooth_at(path, e, c, wp.max(now - path.start_s[e], _ZERO))
    path.blend[e, 0, c] = at
    path.blend[e, 1, c] = q


@wp.func
def smooth_is_due(path: Path, e: wp.int32, now: wp.float64):
    """Whether an update at now [s] starts a new interval."""
    return path.start_s[e] < _ZERO or now >= path.start_s[e] + _PAPER_SLOT


@wp.func
def lag_follow(path: Path, params: Params, e: wp.int32, pose: vec7, now: wp.float64, substeps: wp.int32):
    """One tick of a path towards a target: law, smoothing; the result is in path.q and path.qd."""
    if path.following[e] == 0:
        law_reset(path, e)
        smoothing_reset(path, e)
        path.following[e] = 1
    for _i in range(substeps):
        law_step(path, e, pose)
    where, rate = law_output(path, e)
    if params.feed_forward[e] != 0:  # follows a reference, which is smooth already
        for c in range(7):
            path.q[e, c] = where[c]
            path.qd[e, c] = rate[c]
        return
    if smooth_is_due(path, e, now):
        for c in range(7):
            smooth_update(path, e, now, c, where[c])
        path.start_s[e] = now
    for c in range(7):
        q, d = smooth_at(path, e, c, now - path.start_s[e])
        path.q[e, c] = q
        path.qd[e, c] = d


@wp.func
def lag_hold(path: Path, e: wp.int32, dt: wp.float64):
    """Brake and stay."""
    path.following[e] = 0
    rest_target(path, e)
    keep = wp.max(_ONE - dt / _BRAKE_TIME, _ZERO)
    for c in range(7):
        path.qd[e, c] = path.qd[e, c] * keep
        path.q[e, c] = path.q[e, c] + dt * path.qd[e, c]


@wp.func
def lag_path_tick(
    path: Path,
    params: Params,
    e: wp.int32,
    pose: vec7,
    ahead: wp.float64,
    is_late: wp.bool,
    is_fresh: wp.int32,
    now: wp.float64,
    substeps: wp.int32,
):
    """Follow a fresh target that was looked up ahead [s], or hold."""
    dt = wp.float64(substeps) * _STEP
    if is_fresh == 0:
        lag_hold(path, e, dt)
    else:
        refer(path, params, e, pose, ahead, is_late, dt)
        lag_follow(path, params, e, path.reference[e], now, substeps)
