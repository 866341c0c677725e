"""What the limiter's kernel works on: the arm, its limits, its state, the tool's place; import it lazily."""

# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, SIM108
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

ZERO = wp.constant(wp.float64(0.0))
HALF = wp.constant(wp.float64(0.5))
ONE = wp.constant(wp.float64(1.0))
TWO = wp.constant(wp.float64(2.0))
DT_MIN_S = wp.constant(wp.float64(1.0e-6))
SPEED_MIN = wp.constant(wp.float64(1.0e-12))
DT_MAX_S = wp.constant(wp.float64(0.02))
BORDER_SLACK_M = wp.constant(wp.float64(1.0e-9))
"""Kept from the workspace's border, so that rounding never crosses it."""
RANGE_SLACK = wp.constant(wp.float64(1.0e-12))
TARGET_SLACK_M = wp.constant(wp.float64(1.0e-4))
"""Targets outside are pulled this far inside, so that sliding along the border has room for its margins."""
SAMPLE_MARGIN_M = wp.constant(wp.float64(1.0e-4))
"""Samples are added, up to MAX_SAMPLES, until four times the chord error is below this."""
MAX_SAMPLES = wp.constant(8)
GRADIENT_MIN = wp.constant(wp.float64(1.0e-4))
"""Squared length below which a constraint cannot be moved by the joints [m^2/rad^2]."""
PULL_STEP_MAX = wp.constant(wp.float64(0.2))
"""Longest step of a target that is pulled back into the workspace [rad]."""

PULL_NEAR_M = wp.constant(wp.float64(0.02))
"""Targets further out than this first come nearer to the arm, so that they keep to its elbow's side."""
PULL_STEPS = wp.constant(12)
SLIDE_STEPS = wp.constant(4)
PULL_HOME_SHARE = wp.constant(wp.float64(0.25))
EDGE_SHARE = wp.constant(wp.float64(0.05))
"""A joint with less room than this share of its acceleration limit counts as braking fully."""
BEND_SHARE = wp.constant(wp.float64(1.2))
"""How much more than linear theory asks a candidate is turned, so that curvature does not refuse it again."""

FLAG_SPEED = wp.constant(1)
FLAG_ACCELERATION = wp.constant(2)
FLAG_RANGE = wp.constant(4)
FLAG_WORKSPACE = wp.constant(8)
FLAG_INPUT = wp.constant(16)
FLAG_HOLD = wp.constant(32)


@wp.struct
class LimiterModel:
    """The arm and its limits; joints in path order from the root to the tool where a path is meant."""

    path: wp.array(dtype=wp.int32)
    prismatic: wp.array(dtype=wp.int32)
    translation: wp.array(dtype=wp.vec3d)
    rotation: wp.array(dtype=wp.mat33d)
    axis: wp.array(dtype=wp.vec3d)
    reach: wp.array(dtype=wp.float64)
    tool: wp.vec3d
    lower: wp.array(dtype=wp.float64)
    upper: wp.array(dtype=wp.float64)
    speed: wp.array(dtype=wp.float64)
    acceleration: wp.array(dtype=wp.float64)
    center: wp.vec3d
    border: wp.array(dtype=wp.float64)
    """Radius and least height of the workspace [m]; an array, as a session may tighten them."""


@wp.struct
class LimiterState:
    """What a tick reads and writes; arrays (batch, n) unless noted."""

    q: wp.array2d(dtype=wp.float64)
    v: wp.array2d(dtype=wp.float64)
    desired: wp.array2d(dtype=wp.float64)
    desired_v: wp.array2d(dtype=wp.float64)
    has_velocity: wp.array(dtype=wp.int32)
    hold: wp.array(dtype=wp.int32)
    dt: wp.array(dtype=wp.float64)
    speed_scale: wp.array(dtype=wp.float64)
    speed_cap: wp.array(dtype=wp.float64)
    flags: wp.array(dtype=wp.int32)
    target: wp.array2d(dtype=wp.float64)
    target_before: wp.array2d(dtype=wp.float64)
    candidate: wp.array2d(dtype=wp.float64)
    trial: wp.array2d(dtype=wp.float64)
    gradient: wp.array2d(dtype=wp.float64)
    joint_origin: wp.array2d(dtype=wp.vec3d)
    joint_axis: wp.array2d(dtype=wp.vec3d)


@wp.func
def rotated(axis: wp.vec3d, angle: wp.float64, point: wp.vec3d):
    """Turn a point about a unit axis (Rodrigues)."""
    c = wp.cos(angle)
    return point * c + wp.cross(axis, point) * wp.sin(angle) + axis * (wp.dot(axis, point) * (ONE - c))


@wp.func
def tool_position(
    m: LimiterModel, e: int, q: wp.array2d(dtype=wp.float64), v: wp.array2d(dtype=wp.float64), ahead_s: wp.float64
):
    """Tool position at q + v ahead_s, from the tool towards the root."""
    p = m.tool
    count = m.path.shape[0]
    for i in range(count):
        k = count - 1 - i
        j = m.path[k]
        angle = q[e, j] + v[e, j] * ahead_s
        if m.prismatic[k] != 0:
            p = p + m.axis[k] * angle
        else:
            p = rotated(m.axis[k], angle, p)
        p = m.translation[k] + m.rotation[k] * p
    return p


@wp.func
def border_gradient(m: LimiterModel, s: LimiterState, e: int, q: wp.array2d(dtype=wp.float64), of_height: bool):
    """Write d(distance from the shoulder)/dq, or d(-height)/dq, at q; return its squared length."""
    rotation = wp.identity(n=3, dtype=wp.float64)
    origin = wp.vec3d()
    count = m.path.shape[0]
    for k in range(count):
        j = m.path[k]
        origin = origin + rotation * m.translation[k]
        rotation = rotation * m.rotation[k]
        axis = rotation * m.axis[k]
        s.joint_axis[e, k] = axis
        if m.prismatic[k] != 0:
            origin = origin + axis * q[e, j]
        else:
            rotation = rotation * wp.quat_to_matrix(wp.quat_from_axis_angle(m.axis[k], q[e, j]))
        s.joint_origin[e, k] = origin
    p = origin + rotation * m.tool
    outward = wp.vec3d(ZERO, ZERO, -ONE)
    if not of_height:
        outward = wp.normalize(p - m.center)
    for j in range(m.lower.shape[0]):
        s.gradient[e, j] = ZERO
    square = ZERO
    for k in range(count):
        slope = wp.dot(outward, s.joint_axis[e, k])
        if m.prismatic[k] == 0:
            slope = wp.dot(outward, wp.cross(s.joint_axis[e, k], p - s.joint_origin[e, k]))
        s.gradient[e, m.path[k]] = slope
        square = square + slope * slope
    return square


@wp.func
def stop_time(m: LimiterModel, e: int, v: wp.array2d(dtype=wp.float64)):
    """Time T in which all joints brake to rest together [s]."""
    longest = ZERO
    for j in range(m.lower.shape[0]):
        longest = wp.max(longest, wp.abs(v[e, j]) / m.acceleration[j])
    return longest
