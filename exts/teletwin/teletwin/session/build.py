"""From settings to the parts of the loop; the only place that knows which part stands where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from teletwin.arm import VIRTUAL_WATCHDOG_S, WATCHDOG_S, Arm, ClearableArm, arm_of
from teletwin.arm.resample import CommandResampler, ResamplerCfg
from teletwin.arm.simulated import SimulatedArm, SimulatedArmCfg
from teletwin.assets import SCENES, scene_path
from teletwin.clock import Clock
from teletwin.geometry import Array, quat_from_matrix
from teletwin.hand import load_hand
from teletwin.hand.clutch import ClutchCfg
from teletwin.hand.devices import device_of
from teletwin.hand.devices.choose import build_device
from teletwin.hand.devices.feed import DeviceFeed
from teletwin.hand.recording import still_hand
from teletwin.hand.source import HandSwitch
from teletwin.horizon.rule import STOCK_ORIENTATION_LAG_S, STOCK_POSITION_LAG_S
from teletwin.link import Link
from teletwin.messages import NO_PREDICTION, SHADOWS, Message
from teletwin.robot.fast import FastKinematics
from teletwin.robot.obstacles import Obstacle, load_obstacles
from teletwin.robot.ur3e import HOME_Q, load_ur3e, tool_pose_in_ur_base
from teletwin.session.arm import ArmLoop
from teletwin.session.arm_commands import CommandsCfg
from teletwin.session.config import SessionCfg
from teletwin.session.in_force import in_force_of
from teletwin.session.shadow_arm import ShadowArm
from teletwin.session.trail import Audit, no_audit
from teletwin.sim import World
from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg
from teletwin.telemetry import TickStats
from teletwin.twin import MotionPolicy
from teletwin.twin.control import ControlCfg, ControlFunction
from teletwin.twin.limits import CommandLimiter
from teletwin.twin.path import MotionPath
from teletwin.twin.reference import ReferenceCfg
from teletwin.twin.rendering import RenderingCfg, RenderingFunction
from teletwin.twin.rmpflow import RmpFlowPolicy
from teletwin.twin.self_test import require_sound_kernels
from teletwin.twin.smoothing import Smoothing
from teletwin.twin.target import PathCfg
from teletwin.view.camera import Camera

FED_LAG_S = 0.0
"""Lag with the target's motion fed forward, smoothing included [s]: with it `arm_lag_ms` of a report is near zero."""
FED_TURN_LAG_S = 0.004
"""The same for orientation [s]."""
_MEASURED_LAG_S, _MEASURED_TURN_LAG_S = 0.012, 0.030
"""The same without a reference, with the velocity measured on the targets [s]."""
SERVO_LAG_S = 0.034
"""First guess of a UR's lag behind servoj set-points, RTDE included [s]."""

RESAMPLING = ResamplerCfg(extrapolation_s=0.03, tracking_s=0.016)
"""Late commands are continued for three standard deviations of a 10 ms jitter."""
_PLAIN_RESAMPLING = ResamplerCfg(extrapolation_s=0.03)
"""The same at their own velocity, as they come."""


def fast_tool_pose() -> Callable[[Array], Array]:
    """Compiled tool pose (7,) in the UR base of joints (6,) [rad]."""
    return FastKinematics(load_ur3e().chain).tool


def build_limiter(session: SessionCfg) -> CommandLimiter:
    """The last stage before an arm: its own limits, and what stands around it in the session's scene.

    Raises:
        RobotError: The scene cannot be read.
    """
    return CommandLimiter(obstacles=obstacles_of(session))


def obstacles_of(session: SessionCfg) -> tuple[Obstacle, ...]:
    """What stands around the arm in a session's scene, UR base frame.

    Raises:
        RobotError: The scene cannot be read.
    """
    return _obstacles(session.scene)


@cache
def _obstacles(scene: str) -> tuple[Obstacle, ...]:
    """What the table's plane does not cover; the built-in scenes hold no such thing, and need no MuJoCo here."""
    return () if scene in SCENES else load_obstacles(scene_path(scene))


def build_path(
    session: SessionCfg,
    function: str,
    *,
    shadow: str = "",
    policy: Callable[[], MotionPolicy] | None = None,
) -> MotionPath:
    """One path with a state of its own, or one of SHADOWS.

    Without another policy it is RMPflow, which keeps clear of what the limiter enforces.

    Raises:
        RobotError: The compiled kernels compute something else than they should.
    """
    require_sound_kernels()
    plain = shadow == NO_PREDICTION or (session.paper_mode and not shadow)
    path = MotionPath(
        PathCfg(
            function=function,
            predict=not shadow,
            feed_forward=not plain,
            reference=ReferenceCfg() if session.smooth else None,
        ),
        policy=policy() if policy else RmpFlowPolicy(obstacles=obstacles_of(session)),
        smoothing=_build_smoothing(session, plain=plain),
        limiter=build_limiter(session),
        tool_pose=fast_tool_pose(),
    )
    path.limit_to(session.limits())
    return path


def _build_shadows(session: SessionCfg, function: str) -> list[MotionPath]:
    """What a path is judged by, in the order of SHADOWS."""
    return [build_path(session, function, shadow=name) for name in SHADOWS]


def _build_smoothing(session: SessionCfg, *, plain: bool) -> Smoothing | None:
    """The paper's in its plain form; none where the policy follows a reference, which is smooth already."""
    if session.smooth and not plain:
        return None
    return Smoothing(interval_s=1e-3 * session.slot_ms, reading="paper" if plain else "moving")


def _policy_lags_s(session: SessionCfg) -> tuple[float, float]:
    """Lag of motion policy and smoothing [s]: position, orientation."""
    if session.paper_mode:
        return STOCK_POSITION_LAG_S, STOCK_ORIENTATION_LAG_S
    return (FED_LAG_S, FED_TURN_LAG_S) if session.smooth else (_MEASURED_LAG_S, _MEASURED_TURN_LAG_S)


def build_control(session: SessionCfg, *, policy: Callable[[], MotionPolicy] | None = None) -> ControlFunction:
    """The control function with its shadows, which keep our policy."""
    lag_s, turn_lag_s = _policy_lags_s(session)
    return ControlFunction(
        ControlCfg(
            period_s=1.0 / session.control_rate_hz,
            silence_s=1e-3 * session.silence_ms,
            restart_after_ms=session.restart_after_ms,
            needs_enabling=session.needs_enabling,
            policy_lag_s=lag_s,
            orientation_lag_s=turn_lag_s - lag_s,
            servo_lag_s=SERVO_LAG_S,
            limits=session.limits(),
        ),
        path=build_path(session, "control", policy=policy),
        shadows=_build_shadows(session, "control"),
        joint_count=len(HOME_Q),
    )


def build_rendering(session: SessionCfg) -> tuple[RenderingFunction, MujocoWorld]:
    """The rendering function with its shadows, and its embedded world."""
    world = MujocoWorld(MujocoWorldCfg(scene=session.scene))
    return build_rendering_in(world, session), world


def build_rendering_in(
    world: World, session: SessionCfg, *, policy: Callable[[], MotionPolicy] | None = None, tick_s: float = 0.004
) -> RenderingFunction:
    """The rendering function with its shadows, in a world that the host simulates."""
    lag_s, turn_lag_s = _policy_lags_s(session)
    return RenderingFunction(
        RenderingCfg(tick_s=tick_s, policy_lag_s=lag_s, orientation_lag_s=turn_lag_s - lag_s),
        path=build_path(session, "render", policy=policy),
        shadows=_build_shadows(session, "render"),
        world=world,
        tool_pose=fast_tool_pose(),
        home=HOME_Q,
    )


def build_arm(session: SessionCfg, *, controller_host: str, clock: Clock) -> ClearableArm:
    """The arm that the session drives, not yet entered."""
    if session.arm_name == "simulated":
        return live_arm(session, clock)
    if session.arm_name == "ros2":
        from teletwin.arm.ros2 import Ros2Arm, Ros2ArmCfg
        from teletwin.arm.ros2_controllers import DEFAULT_CONTROLLER

        cfg = Ros2ArmCfg(controller=arm_of(session.robot)[1] or DEFAULT_CONTROLLER, ros2=session.ros2)
        return Ros2Arm(cfg, clock=clock)
    from teletwin.arm.rtde import RtdeArm, RtdeArmCfg

    cfg = RtdeArmCfg(
        host=controller_host,
        rate_hz=session.servo_rate_hz,
        gain=session.servo_gain,
        lookahead_s=session.servo_lookahead_s,
        # The virtual controller brakes at the first missing set-point; its program outlives a busy computer.
        watchdog_s=VIRTUAL_WATCHDOG_S if session.starts_controller else WATCHDOG_S,
        recovers=session.starts_controller,
    )
    return RtdeArm(cfg, clock=clock)


def simulated_arm(session: SessionCfg) -> SimulatedArmCfg:
    """An arm in process that answers to the session's servoJ."""
    return SimulatedArmCfg(
        gain=session.servo_gain,
        lookahead_s=session.servo_lookahead_s,
        period_s=1.0 / session.servo_rate_hz,
        scene=session.scene,
    )


def live_arm(session: SessionCfg, clock: Clock) -> SimulatedArm:
    """An arm in process whose time is the clock's; it stands still with its role, so that no watchdog is between."""
    return SimulatedArm(clock, replace(simulated_arm(session), watchdog_s=0.0, follows_clock=True))


def build_arm_loop(
    session: SessionCfg,
    *,
    clock: Clock,
    link: Link,
    arm: Arm,
    ticks: TickStats,
    log: Callable[[str, Message, int, int], None] | None = None,
    audit: Audit = no_audit,
) -> ArmLoop:
    """The arm role's loop around an arm.

    Raises:
        RobotError: The compiled kernels compute something else than they should.
    """
    require_sound_kernels()
    resampling = RESAMPLING if session.smooth else _PLAIN_RESAMPLING
    return ArmLoop(
        clock=clock,
        link=link,
        arm=arm,
        resampler=CommandResampler(resampling),
        limiter=build_limiter(session),
        shadows=[_build_shadow_arm(session, clock, resampling) for _ in SHADOWS],
        ticks=ticks,
        commands=CommandsCfg(
            silence_s=1e-3 * session.silence_ms,
            restart_after_ms=session.restart_after_ms,
            command_age_max_s=1e-3 * session.command_age_max_ms,
            needs_enabling=session.needs_enabling,
        ),
        in_force=in_force_of("arm", session),
        audit=audit,
        period_s=1.0 / session.servo_rate_hz,
        limits=session.limits(),
        on_message=log,
    )


def _build_shadow_arm(session: SessionCfg, clock: Clock, resampling: ResamplerCfg) -> ShadowArm:
    """A shadow is measured, not shown: what it would run into does not matter."""
    physical = SimulatedArm(clock, replace(simulated_arm(session), scene="bare", watchdog_s=0.0))
    shadow = ShadowArm(arm=physical, resampler=CommandResampler(resampling), limiter=build_limiter(session))
    shadow.limiter.reset(HOME_Q)
    return shadow


def build_hand(session: SessionCfg) -> HandSwitch:
    """The recorded hand, with the person's beside it: what moves right in the picture moves right in the view."""
    home = tool_pose_in_ur_base(HOME_Q)
    w, x, y, z = hand_to_base().tolist()
    clutch = ClutchCfg(hand_to_base=(w, x, y, z))
    if device_of(session.hand) is not None:  # until it moves, the hand rests where the arm is at home
        return HandSwitch(still_hand(home), home_pose=home, clutch=clutch, loop=False)
    return HandSwitch(load_hand(session.hand, home_pose=home), home_pose=home, clutch=clutch)


def hand_to_base() -> Array:
    """Rotation wxyz of the hand's axes (x right, y up, z towards the viewer) into the UR base frame."""
    return quat_from_matrix(Camera().view_to_base)


def build_feed(session: SessionCfg, clock: Clock) -> DeviceFeed | None:
    """The device that moves the hand, not yet entered; None when the hand is none.

    Raises:
        ConfigError: Its file or topic cannot be used.
    """
    if device_of(session.hand) is None:
        return None
    device = build_device(session.hand, clock=clock, ros2=session.ros2, hand_to_base=hand_to_base())
    return DeviceFeed(device, clock, session.device)
