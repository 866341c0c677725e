"""Every setting of a session, frozen, with its unit; the command line is read from this class."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from teletwin.allocation import ALLOCATORS
from teletwin.arm import arm_of
from teletwin.arm.servo_law import ServoLawCfg
from teletwin.assets import scene_path
from teletwin.errors import ConfigError
from teletwin.forecast import FORECASTERS
from teletwin.hand.devices import DeviceCfg, device_of
from teletwin.horizon import POLICIES
from teletwin.link import LINKS
from teletwin.link.delay import check_settings
from teletwin.messages import HORIZON_MAX_S, SCENE_CODEC, STREAMED_CODEC, LinkSettings, ViewSettings
from teletwin.ros2 import Ros2Cfg
from teletwin.safety import COMMAND_AGE_MAX_MS, REDUCED_SPEED_M_S, RESTART_AFTER_MS, SILENCE_MS, MotionLimits

HOPS = ("up", "down", "command", "state")
"""operator to twin, twin and renderer to operator, twin to arm, arm to twin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCfg:
    """The network to imitate; the plain fields hold for every hop and direction."""

    delay_ms: float = 0.0
    """One-way delay of every hop [ms]."""
    jitter_ms: float = 0.0
    """Standard deviation of the time-correlated jitter [ms]."""
    loss: float = 0.0
    """Share of packets lost, 0 ... 1."""
    duplication: float = 0.0
    """Share of packets that arrive twice, 0 ... 1."""
    reordering: float = 0.0
    """Share of packets that later ones overtake, 0 ... 1."""
    rate_mbps: float = 0.0
    """Bottleneck of every hop [Mb/s]; 0 is unlimited."""
    burst_ms: float = 0.0
    """Mean length of the bursts in which packets are lost [ms]; 0 loses each by itself."""
    up: str = ""
    """Operator to twin alone, for example 'delay_ms=80 loss=0.02'."""
    down: str = ""
    """Twin to operator (pictures and status) alone."""
    command: str = ""
    """Twin to arm alone."""
    state: str = ""
    """Arm to twin alone."""

    def __post_init__(self) -> None:
        """Check every hop once."""
        for hop in HOPS:
            check_settings(self.hop(hop), hop=hop)

    def hop(self, name: str) -> LinkSettings:
        """Settings of one hop: the common ones with that hop's own on top."""
        names = [f.name for f in dataclasses.fields(LinkSettings)]
        values = {n: getattr(self, n) for n in names} | parse_hop(getattr(self, name), allowed=names)
        return LinkSettings(**values)


def parse_hop(text: str, *, allowed: list[str]) -> dict[str, float]:
    """Read 'name=value name=value' into numbers; refuse unknown names."""
    values: dict[str, float] = {}
    for part in text.replace(",", " ").split():
        name, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if name not in allowed or number != number:
            raise ConfigError(
                "a hop's setting cannot be read", given=part, allowed=", ".join(f"{n}=NUMBER" for n in allowed)
            )
        values[name] = number
    return values


DRAWN = "drawn"
VIEWS = ("streamed", DRAWN)


def check_size(width: int, height: int) -> None:
    """Refuse a picture [px] that the encoder cannot take.

    Raises:
        ConfigError: The width is not divisible by 16, or the height is odd.
    """
    if width % 16 or height % 2:
        raise ConfigError(
            "the picture's size does not suit the encoder",
            given=f"{width}x{height}",
            allowed="a width divisible by 16 and an even height",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonCfg:
    """How far to look ahead."""

    policy: str = "rule"
    """'rule' follows the measured Age of Loop; 'fixed' takes the four below as they stand; 'learned', or the path of a
    policy file (.npz), corrects the rule by what was learned."""
    horizon_control_ms: float = 0.0
    """Absolute horizon of the control function, position [ms] (policy fixed)."""
    horizon_render_ms: float = 0.0
    """Absolute horizon of the rendering function, position [ms] (policy fixed)."""
    horizon_control_orientation_ms: float | None = None
    """The same for orientation; the position's when not given."""
    horizon_render_orientation_ms: float | None = None
    """The same for orientation; the position's when not given."""
    policy_file: str = ""
    """File of the policy 'learned' (.npz); the shipped one when not given."""

    def __post_init__(self) -> None:
        """Take a file for the learned policy; refuse an unknown policy, and horizons outside 0 ... H_max."""
        if self.policy.lower().endswith(".npz"):
            object.__setattr__(self, "policy_file", self.policy)
            object.__setattr__(self, "policy", "learned")
        if self.policy not in POLICIES:
            allowed = f"{', '.join(POLICIES)}, or a policy file (.npz)"
            raise ConfigError("unknown horizon policy", given=self.policy, allowed=allowed)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not 0.0 <= value <= 1000.0 * HORIZON_MAX_S:
                raise ConfigError(
                    f"{field.name} is out of range", given=value, allowed=f"0 ... {1000 * HORIZON_MAX_S:g} ms"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationCfg:
    """How link and compute are divided between pictures and updates, and how little of both to imitate."""

    allocator: str = ""
    """'backlog', 'ppo', 'proportional', 'equal' or 'static' divides link and compute between pictures and updates, the
    path of a policy file (.npz) is one for 'ppo'; 'off', or nothing, leaves pictures as they were asked for."""
    allocator_file: str = ""
    """File of the allocator 'ppo' (.npz); the shipped one when not given."""
    link_share: float = 0.5
    """Share of the link that the allocator 'static' gives to pictures."""
    compute_share_requests: float = 0.5
    """Share of the compute that the allocator 'static' gives to pictures."""
    bandwidth_mbps: float = 0.0
    """What pictures and updates to the operator may take together [Mb/s]; 0 is unlimited."""
    compute_share: float = 1.0
    """Imitate a machine that draws this much slower, 0.05 ... 1."""

    def __post_init__(self) -> None:
        """Take a file for the learned allocator; refuse an unknown one, and shares and rates that cannot be."""
        if self.allocator.lower().endswith(".npz"):
            object.__setattr__(self, "allocator_file", self.allocator)
            object.__setattr__(self, "allocator", "ppo")
        if self.allocator == "off":
            object.__setattr__(self, "allocator", "")
        if self.allocator and self.allocator not in ALLOCATORS:
            allowed = f"{', '.join(ALLOCATORS)}, off, or a policy file (.npz)"
            raise ConfigError("unknown allocator", given=self.allocator, allowed=allowed)
        limits = {
            "link_share": (0.0, 1.0),
            "compute_share_requests": (0.0, 1.0),
            "bandwidth_mbps": (0.0, 1000.0),
            "compute_share": (0.05, 1.0),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"{name} is out of range", given=value, allowed=f"{least:g} ... {most:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCfg:
    """One session: what moves the hand, how it is forecast, the network, the view and the arm."""

    hand: str = "handwriting"
    """'handwriting'; a made-up operator: 'line', 'reach', 'write', 'trace', or with a tool 'turning', 'pair' or
    'screws', with 'line:seed=3' another one; the path of a recording (TUM, CSV, MCAP; parquet and HDF5 with
    teletwin[readers]); or a device on this host: 'spacemouse', 'gamepad', 'leader:CALIBRATION.json' (teletwin[hands]),
    'ros2:/topic' (teletwin[ros2])."""
    device: DeviceCfg = dataclasses.field(default_factory=DeviceCfg)
    """How a device moves the hand."""
    link: str = "udp"
    """What joins the roles: 'udp', or 'dds' (published topics; needs teletwin[dds])."""
    forecaster: str = "arma"
    """Forecaster by name."""
    person: str = ""
    """Whose hand it is: a forecaster that learns starts from what it learned in that person's earlier sessions, and
    this one is added at its end; empty keeps nothing."""
    horizon: HorizonCfg = dataclasses.field(default_factory=HorizonCfg)
    """Horizons."""
    network: NetworkCfg = dataclasses.field(default_factory=NetworkCfg)
    """The network to imitate."""
    allocation: AllocationCfg = dataclasses.field(default_factory=AllocationCfg)
    """Bandwidth and compute."""
    paper_mode: bool = False
    """Paper A's plain form: absolute horizons bound at the sender, stock RMPflow, plain smoothing."""
    smooth: bool = True
    """False: targets and commands as they come, jumps and jitter with them, to compare with."""
    seed: int = 0
    """Seed of every random draw."""
    slot_ms: float = 10.0
    """Decision period of the operator's side [ms]."""
    control_rate_hz: float = 500.0
    """Ticks of the control function [Hz]."""
    servo_rate_hz: float = 500.0
    """Set-points to the arm [Hz]."""
    servo_gain: float = 1200.0
    """servoJ's gain, 100 ... 2000: smaller is softer, and later."""
    servo_lookahead_s: float = 0.03
    """servoJ's lookahead_time, 0.03 ... 0.2 s: longer is smoother, and later."""
    silence_ms: float = SILENCE_MS
    """Without a fresh packet for this long a receiver brings the arm to rest [ms]."""
    command_age_max_ms: float = COMMAND_AGE_MAX_MS
    """Commands whose pose is older at the arm than usual by more than this are not followed [ms]."""
    restart_after_ms: float = RESTART_AFTER_MS
    """After a longer silence anywhere on the way a person must press Engage again [ms]."""
    enabling: bool | None = None
    """Motion only while a person holds an enabling input. Always with a real robot; when not given, only there."""
    view: str = "streamed"
    """'streamed': the twin's host sends pictures; 'drawn': it sends where things stand, and the page draws them. An
    allocator, which shares the link out between pictures and updates, streams."""
    width: int = 640
    """Picture width [px]."""
    height: int = 360
    """Picture height [px]."""
    rate_hz: float = 30.0
    """Picture rate [Hz]."""
    bitrate_mbps: float = 2.0
    """Video bitrate [Mb/s]."""
    barcode: bool = False
    """Draw frame number and input number into the picture's pixels, for checks."""
    robot: str = ""
    """'simulated' moves a UR3e in the arm's own process; 'rtde' drives a UR controller, a virtual one without
    --robot-host; 'ros2', or 'ros2:CONTROLLER', drives one of ros2_control (teletwin[ros2]). When not given: 'rtde' with
    --robot-host, 'simulated' without."""
    robot_host: str = ""
    """Address of a real UR3e's controller."""
    ros2: Ros2Cfg = dataclasses.field(default_factory=Ros2Cfg)
    """Where the ROS 2 graph is."""
    scene: str = "table"
    """What stands around the arm: 'table', 'bare', or an MJCF file that includes the arm; the twin's world and that
    of an arm that is not real."""
    max_speed_rad_s: float = MotionLimits().max_speed_rad_s
    """No joint turns faster in this session [rad/s]; while it runs, limits may be tightened at any time."""
    max_tool_speed_m_s: float = MotionLimits().max_tool_speed_m_s
    """The tool is no faster [m/s]."""
    max_body_speed_m_s: float = MotionLimits().max_body_speed_m_s
    """No point of the arm, its elbow among them, is faster [m/s]."""
    reduced_speed: bool | None = None
    """Reduced mode: no point of the arm is faster than 0.25 m/s. When not given: on with a real robot."""
    workspace_radius_m: float = MotionLimits().workspace_radius_m
    """Largest distance of the tool from the shoulder [m]."""
    workspace_height_m: float = MotionLimits().workspace_height_m
    """Smallest height of the tool above the robot's base [m]."""

    def __post_init__(self) -> None:
        """Refuse settings that the loop cannot run with."""
        limits = {
            "slot_ms": (2.0, 10.0),
            "control_rate_hz": (100.0, 1000.0),
            "servo_rate_hz": (125.0, 500.0),
            "silence_ms": (30.0, 100.0),
            "command_age_max_ms": (50.0, 1500.0),
            "restart_after_ms": (100.0, 5000.0),
            "width": (160, 1280),
            "height": (90, 720),
            "rate_hz": (1.0, 60.0),
            "bitrate_mbps": (0.1, 20.0),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"{name} is out of range", given=value, allowed=f"{least:g} ... {most:g}")
        self.servo_law()
        self.limits()  # refuses what the arm does not have
        if self.arm_name != "rtde" and self.robot_host:
            mend = "give --robot-host only with --robot rtde"
            raise ConfigError(f"robot {self.robot} has no address", given=self.robot_host, mend=mend)
        if self.enabling is False and self.is_real:
            mend = "leave --enabling away; a simulated arm may go without"
            raise ConfigError("a real robot moves only while an enabling input is held", given="False", mend=mend)
        device_of(self.hand)
        if self.link not in LINKS:
            raise ConfigError("unknown link", given=self.link, allowed=", ".join(LINKS))
        if self.forecaster not in FORECASTERS:
            raise ConfigError("unknown forecaster", given=self.forecaster, allowed=", ".join(FORECASTERS))
        if self.view not in VIEWS:
            raise ConfigError("unknown view", given=self.view, allowed=", ".join(VIEWS))
        check_size(self.width, self.height)
        scene_path(self.scene)

    @property
    def arm_name(self) -> str:
        """What stands behind the arm's role: a name of `arm.ARMS`.

        Raises:
            ConfigError: There is no such arm.
        """
        if not self.robot:
            return "rtde" if self.robot_host else "simulated"
        return arm_of(self.robot)[0]

    @property
    def is_real(self) -> bool:
        """Whether a real robot may move."""
        return self.arm_name == "ros2" or bool(self.robot_host)

    @property
    def starts_controller(self) -> bool:
        """Whether this session's arm is a virtual UR controller, a process that is started with it."""
        return self.arm_name == "rtde" and not self.robot_host

    @property
    def needs_enabling(self) -> bool:
        """Whether motion needs a held enabling input."""
        return bool(self.enabling) or self.is_real

    def servo_law(self) -> ServoLawCfg:
        """What the controller is told of servoJ.

        Raises:
            ConfigError: It does not take this.
        """
        return ServoLawCfg(gain=self.servo_gain, lookahead_s=self.servo_lookahead_s)

    def picture(self) -> ViewSettings:
        """The picture that a session starts with, or the state in its place."""
        return ViewSettings(
            width=self.width,
            height=self.height,
            rate_hz=self.rate_hz,
            bitrate_bps=int(1e6 * self.bitrate_mbps),
            codec=SCENE_CODEC if self.is_drawn else STREAMED_CODEC,
            barcode=self.barcode,
        )

    @property
    def is_drawn(self) -> bool:
        """Whether states are sent in place of pictures."""
        return self.view == DRAWN and not self.allocation.allocator

    @property
    def is_reduced(self) -> bool:
        """Whether the session is in reduced mode: asked for, or by default with a real robot."""
        return self.is_real if self.reduced_speed is None else self.reduced_speed

    def limits(self) -> MotionLimits:
        """The session's limits of motion."""
        most = REDUCED_SPEED_M_S if self.is_reduced else math.inf
        return MotionLimits(
            max_speed_rad_s=self.max_speed_rad_s,
            max_tool_speed_m_s=min(self.max_tool_speed_m_s, most),
            max_body_speed_m_s=min(self.max_body_speed_m_s, most),
            workspace_radius_m=self.workspace_radius_m,
            workspace_height_m=self.workspace_height_m,
        )
