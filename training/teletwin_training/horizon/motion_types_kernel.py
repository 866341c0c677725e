"""What the motion kernels work on; importing this loads warp.

Channels are the 7 of a pose (position [m], quaternion wxyz) where the arm is a lag, or the joints [rad] where RMPflow
moves it. Everything is float64, one row an environment.
"""
# pyright: reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

vec7 = wp.types.vector(length=7, dtype=wp.float64)

COMMAND_RING = 256
"""Commands kept (512 ms): none is under way for longer."""
ACTION_RING = 128
"""Packets' horizons kept (1.28 s)."""
SERVO_RING = 64
"""Set-points under way to the joints (128 ms)."""
FRAME_RING = 32
"""Shown poses kept (about 1 s)."""


@wp.struct
class Motion:
    """Hands and their forecasts; rows of all recordings one after the other."""

    poses: wp.array(dtype=vec7)
    """(rows,) hand at a slot."""
    seen: wp.array(dtype=vec7)
    """(rows,) newest sample that has come by then."""
    curves: wp.array2d(dtype=vec7)
    """(rows, CURVE_KNOTS) the forecast from that sample on."""
    first_row: wp.array(dtype=wp.int32)
    """(N,) row of the environment's slot 0."""
    ring: wp.int32
    """Rows after which an environment starts over at its first row; larger than any session for recorded hands."""


@wp.struct
class Times:
    """Timing and Pictures of many sessions, one row each; an environment plays a stretch of one."""

    packet: wp.array2d(dtype=wp.int32)
    fresh: wp.array2d(dtype=wp.int32)
    downstream: wp.array2d(dtype=wp.float64)
    arm_mode: wp.array2d(dtype=wp.int32)
    left: wp.array2d(dtype=wp.int32)
    right: wp.array2d(dtype=wp.int32)
    ahead: wp.array2d(dtype=wp.float64)
    span: wp.array2d(dtype=wp.float64)
    begun_ms: wp.array2d(dtype=wp.int32)
    frame_packet: wp.array2d(dtype=wp.int32)
    first_tick_ms: wp.array2d(dtype=wp.int32)
    tick_count: wp.array2d(dtype=wp.int32)
    way: wp.array2d(dtype=wp.float64)
    first_slot: wp.array2d(dtype=wp.int32)
    last_slot: wp.array2d(dtype=wp.int32)
    screen: wp.array2d(dtype=wp.int32)
    sample_age: wp.array(dtype=wp.float64)
    """(rows,) age of a hand's newest sample at a slot [s]; (1,) where hands move as the loop runs: none has any."""
    first_row: wp.array(dtype=wp.int32)
    """(N,) row of the environment's slot 0, as in Motion."""
    session: wp.array(dtype=wp.int32)
    """(N,) session that the environment plays."""
    first_slot_of: wp.array(dtype=wp.int32)
    """(N,) slot of that session which is the environment's slot 0."""


@wp.struct
class Params:
    """How each environment's twin and arm are."""

    feed_forward: wp.array(dtype=wp.int32)
    """Whether the policy follows a reference, its motion fed forward; else the targets, with the paper's smoothing."""
    policy_lag: wp.array(dtype=wp.float64)
    """What the twin adds for its motion policy under late binding [s]."""
    turn_lag: wp.array(dtype=wp.float64)
    """The same for orientation, on top [s]."""
    servo_guess: wp.array(dtype=wp.float64)
    """What the twin believes of the arm's lag [s]."""
    servo_cycles: wp.array(dtype=wp.int32)
    """Pure delay from set-point to motion [2 ms]."""
    servo_blend: wp.array(dtype=wp.float64)
    """Share of the way to the delayed set-point that the arm goes in a cycle."""
    is_causal: wp.int32
    """1: nothing later than the present slot is computed or looked at; 0: each packet's whole effect at once."""


@wp.struct
class Path:
    """State of one path (control or rendering) of each environment."""

    following: wp.array(dtype=wp.int32)
    has_last: wp.array(dtype=wp.int32)
    """1 with a target before, 2 with two."""
    last: wp.array(dtype=vec7)
    """Target before."""
    step_v: wp.array(dtype=wp.vec3d)
    """By how much that had moved, and turned as the next."""
    step_w: wp.array(dtype=wp.vec3d)
    entry: wp.array(dtype=vec7)
    """Targets after the reference's entry; see twin.reference."""
    reference: wp.array(dtype=vec7)
    """Pose of the reference, or the target itself without one."""
    reference_v: wp.array(dtype=wp.vec3d)
    reference_w: wp.array(dtype=wp.vec3d)
    horizon: wp.array(dtype=wp.float64)
    """Average horizon [s]."""
    doubts: wp.array2d(dtype=wp.float64)
    """(N, 4) averages of jumps and motion: position, then orientation."""
    velocity: wp.array(dtype=wp.vec3d)
    """Fed forward, as the next."""
    turn: wp.array(dtype=wp.vec3d)
    q: wp.array2d(dtype=wp.float64)
    """(N, channels) let through last."""
    qd: wp.array2d(dtype=wp.float64)
    law_x: wp.array(dtype=wp.vec3d)
    """State of the lag's law: position, velocity, orientation, angular velocity."""
    law_v: wp.array(dtype=wp.vec3d)
    law_q: wp.array(dtype=wp.quatd)
    law_w: wp.array(dtype=wp.vec3d)
    start_s: wp.array(dtype=wp.float64)
    """When the smoothing's interval began [s]; negative before the first update."""
    blend: wp.array3d(dtype=wp.float64)
    """(N, 2, channels) smoothing: where the interval began, and what it goes to."""


@wp.struct
class Loop:
    """State of each environment's loop."""

    slot: wp.array(dtype=wp.int32)
    """Slots since the episode's start."""
    tick: wp.array(dtype=wp.int32)
    """Next twin tick, from the session's start."""
    arm_tick: wp.array(dtype=wp.int32)
    frame: wp.array(dtype=wp.int32)
    """Next picture."""
    horizons: wp.array3d(dtype=wp.float64)
    """(N, ACTION_RING, 6): control, render, control orientation, render orientation [s], gain, late binding."""
    command_q: wp.array3d(dtype=wp.float64)
    """(N, COMMAND_RING, channels)."""
    command_qd: wp.array3d(dtype=wp.float64)
    set_point: wp.array3d(dtype=wp.float64)
    """(N, SERVO_RING, channels)."""
    wanted: wp.array2d(dtype=wp.float64)
    """(N, channels) what the arm was asked for last."""
    wanted_rate: wp.array2d(dtype=wp.float64)
    tracked: wp.array2d(dtype=wp.float64)
    """(N, channels) the resampler's last set-point, and its rate."""
    tracked_rate: wp.array2d(dtype=wp.float64)
    tracked_tick: wp.array(dtype=wp.int32)
    """When that was; negative: never."""
    blend_from: wp.array2d(dtype=wp.float64)
    blend_start: wp.array(dtype=wp.int32)
    blend_ticks: wp.array(dtype=wp.float64)
    was_held: wp.array(dtype=wp.int32)
    arm: wp.array2d(dtype=wp.float64)
    """(N, channels) joints, or pose, of the arm."""
    tool: wp.array(dtype=vec7)
    shown_ring: wp.array2d(dtype=vec7)
    """(N, FRAME_RING) shown poses by picture."""
    shown: wp.array(dtype=vec7)
    """On the screen at the newest slot."""
    errors: wp.array2d(dtype=wp.float64)
    """(N, 6) of this step: sums of squares [m^2], [rad^2] and count; control, then display."""
