"""What the stages say to each other: frozen, SI units, times in integer nanoseconds.

Poses are (7,) arrays, position [m] and unit quaternion wxyz, of the tool in the UR controller's base
frame. `t_ns` is on the clock of the host that made the message unless the field says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from teletwin.geometry import Array

CURVE_STEP_S = 0.02
"""Spacing of the knots of a forecast curve [s]."""
CURVE_KNOTS = 26
"""Knots of a forecast curve: horizons 0, 20, ... 500 ms; the first is the newest pose itself."""
HORIZON_MAX_S = CURVE_STEP_S * (CURVE_KNOTS - 1)
"""H_max [s]: no horizon reaches further."""
NO_PREDICTION, FEED_FORWARD_ONLY = SHADOWS = ("no_prediction", "feed_forward_only")
"""What runs beside the loop to judge it by, k of them: paper mode without a forecast, and the loop itself with every
horizon at zero, whose motion policy is still told how the hand moves."""


STREAMED_CODEC = "h264"
"""Codec of pictures unless another is asked for."""
SCENE_CODEC = "scene"
"""Codec of a frame that is no picture, but the state that a page draws by itself."""


class Mode(IntEnum):
    """What the operator asks of the arm."""

    OFF = 0
    """Nothing moves; the arm stays where it was measured."""
    HOLD = 1
    """The arm is brought to rest and stays."""
    ENGAGED = 2
    """The arm follows the hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseSample:
    """One sample of the operator's hand, mapped to a tool target."""

    t_ns: int
    pose: Array
    input_seq: int = 0
    """Number of the newest input of the page that this sample contains; 0 for a replayed hand."""
    grain_m: float = 0.0
    """Step in which the hand's position is known [m], as a pointer's pixel; 0 where it is as fine as can be."""
    is_rest: bool = False
    """The device said nothing: it has been silent for so long that the hand must rest. A sample that comes late proves
    the rest wrong, and takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizons:
    """The horizons that a policy chose for one slot [s], and how the twin shall use them.

    Without late binding they are absolute horizons. With it the twin uses the packet's exact age plus
    its estimate of the rest of the way, and these four are corrections on top (may be negative).
    """

    control_s: float = 0.0
    render_s: float = 0.0
    control_orientation_s: float = 0.0
    render_orientation_s: float = 0.0
    gain: float = 1.0
    """Share of the forecast displacement that is trusted, 0 ... 1.3."""
    late_binding_control: bool = True
    late_binding_render: bool = True

    @property
    def looks_ahead(self) -> bool:
        """Whether the picture is ahead of what has arrived, by the forecast."""
        return self.late_binding_render or self.render_s > 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastPacket:
    """Operator to twin, once a slot: the newest pose and its forecast curve for both functions."""

    t_ns: int
    """Generation time of the newest pose, operator's clock."""
    pose: Array
    curve: Array
    """Forecast poses, shape (CURVE_KNOTS, 7); row k is CURVE_STEP_S * k after t_ns."""
    horizons: Horizons
    mode: Mode
    input_seq: int = 0
    slot: int = 0
    act: int = 0
    """Number of the person's newest press of Engage, Hold or Stop; see `teletwin.safety.interlock`."""
    enable_seq: int = 0
    """Newest heartbeat of the enabling input that is held; 0 while none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Operator to twin to arm, at once and beside all else: come to rest, and stay off."""

    act: int
    """Number of the press; the arm's state names it once it is heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Twin and arm to operator: what this host drives and keeps; once a second and at each change."""

    role: str
    version: str
    robot: str
    is_real: bool
    """A real robot: motion needs a held enabling input."""
    needs_enabling: bool
    scene: str
    """Name of what stands around the arm."""
    restart_after_ms: float
    max_speed_rad_s: float
    max_tool_speed_m_s: float
    max_body_speed_m_s: float
    workspace_radius_m: float
    workspace_height_m: float
    problem: str = ""
    """What is wrong between this host and the next, in words; empty when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointCommand:
    """Twin to arm, once a control tick."""

    t_ns: int
    """When these joint positions hold, twin's clock."""
    q: Array
    qd: Array
    q_shadows: Array
    """What each of SHADOWS asks of its own arm (k, n); same packets, same network draws."""
    qd_shadows: Array
    pose_t_ns: int
    """Generation time of the newest pose that shaped q, operator's clock; 0 before the first."""
    mode: Mode
    is_approaching: bool = False
    """The twin goes slowly, until it has come near the hand; the arm is no faster meanwhile."""
    act: int = 0
    """Of the packet behind it, as `ForecastPacket.act`."""
    enable_seq: int = 0
    """Of the packet behind it, as `ForecastPacket.enable_seq`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmState:
    """Arm to twin to operator: what was measured. The twin restamps t_ns to its own clock when it relays."""

    t_ns: int
    q: Array
    qd: Array
    q_shadows: Array
    """Joints (k, n) of the arms of SHADOWS."""
    pose_t_ns: int
    """Generation time of the newest pose that controls the arm, operator's clock (for AoL)."""
    mode: Mode
    fault: str = ""
    """Why the arm does not move although asked, in words; empty when all is well."""
    command_age_ms: float = 0.0
    held_count: int = 0
    """How often a silent link made the arm hold."""
    limited_count: int = 0
    """Ticks in which a limit changed the command."""
    hiccup_count: int = 0
    """How often the arm's host or its controller stood still for so long that the arm was brought to rest."""
    stall_count: int = 0
    """How often no newer pose came for longer than a network's jitter: somebody on the way stood still."""
    is_catching_up: bool = False
    """The joints are on their way to the commands, after a silence or a limit: they say nothing of the arm's lag."""
    held_back_by: str = ""
    """What limits the arm's motion most, for example 'forearm to table'; empty when nothing does."""
    spent_act: int = 0
    """This act moves nothing any more."""
    outage: str = ""
    """Why it is spent, in words."""
    is_armed: bool = True
    """Whoever asks has been heard since the last outage: a fresh act counts."""
    stopped_act: int = 0
    """Act of the newest Stop that was heard; 0: none."""
    is_enabled: bool = True
    """The enabling input is held, or none is needed."""
    overrun_count: int = 0
    tick_count: int = 0
    tick_us: float = 0.0
    """Work of a tick, smoothed [us]."""
    tick_p50_us: float = 0.0
    tick_p99_us: float = 0.0
    period_p50_ms: float = 0.0
    period_p99_ms: float = 0.0
    period_max_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinStatus:
    """Twin to operator: how the control function is doing; with the relayed arm state."""

    t_ns: int
    arm: ArmState
    q_command: Array
    uplink_age_ms: float
    """Age of the newest packet at the twin, offsets removed."""
    horizon_used_s: float
    horizon_orientation_used_s: float
    downstream_s: float
    """The twin's estimate of the way from its output to the arm's motion."""
    held_back_by: str = ""
    """What limits the commands most, for example 'forearm to table'; empty when nothing does."""
    is_approaching: bool = False
    """The arm is on its way to the hand, slowly, after Engage or an outage."""
    spent_act: int = 0
    """This act moves nothing any more."""
    outage: str = ""
    """Why it is spent, in words."""
    is_armed: bool = True
    """Whoever asks has been heard since the last outage: a fresh act counts."""
    counters: dict[str, int] = field(default_factory=dict)
    """Received, stale, late, invalid, replayed ... packets by name."""
    tick_us: float = 0.0
    tick_p50_us: float = 0.0
    tick_p99_us: float = 0.0
    period_p50_ms: float = 0.0
    period_p99_ms: float = 0.0
    period_max_ms: float = 0.0
    overrun_count: int = 0
    tick_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Renderer to operator: one encoded picture and what it shows."""

    frame_id: int
    codec: str
    """'h264' (Annex B), 'jpeg', or 'scene': the state alone, for a page that draws it."""
    is_key: bool
    width: int
    height: int
    input_seq: int
    """Newest page input that the picture contains."""
    pose_t_ns: int
    """Generation time of the newest pose that shaped the picture, operator's clock."""
    shown_pose: Array
    """Pose of the rendered tool."""
    shadow_poses: Array
    """Poses (k, 7) that pictures of SHADOWS would have shown."""
    horizon_used_s: float
    stages_ms: dict[str, float]
    """Time of each stage by name: wait, policy, physics, draw, read, encode."""
    t_ready_ns: int
    """When the encoded picture was ready, renderer's clock."""
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameAck:
    """Operator to renderer: a frame was drawn (or given up); gives its credit back."""

    frame_id: int
    drawn: bool = True
    need_key: bool = False
    """A frame was lost: the decoder waits for a key frame."""
    latency_ms: float = 0.0
    """From frame ready to drawn, offsets removed; part of the display horizon."""
    byte_count: int = 0
    """Bytes of the frame's datagrams after the first: what passed the bottleneck within span_ms."""
    span_ms: float = 0.0
    """Arrival of the first datagram to that of the last, kernel's stamps; 0 where fewer than three came."""
    arrival_ms: float = 0.0
    """From frame ready to its last datagram, offsets removed: the network's part of latency_ms; 0 unknown."""
    update_age_ms: float = 0.0
    """Age of the newest known state of the arm when the frame was drawn; 0 unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSettings:
    """Operator to renderer: what the picture shall be."""

    width: int = 640
    height: int = 360
    rate_hz: float = 30.0
    bitrate_bps: int = 2_000_000
    codec: str = STREAMED_CODEC
    shadow: bool = True
    """Cast shadows; dropped by itself when the machine cannot hold the rate."""
    barcode: bool = False
    """Draw frame id and input number into the pixels, for checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """The network to imitate on one hop and direction."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Standard deviation of the time-correlated jitter."""
    loss: float = 0.0
    """Share of packets lost, 0 ... 1."""
    duplication: float = 0.0
    reordering: float = 0.0
    """Share of packets that are held back so that later ones overtake them."""
    rate_mbps: float = 0.0
    """Bottleneck rate; 0 is unlimited."""
    burst_ms: float = 0.0
    """Mean length of the bursts in which packets are lost; 0 loses each by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A small control message as JSON-ready values: stop, record, clear, link settings; any role to any."""

    kind: str
    values: dict[str, object] = field(default_factory=dict)


Message = (
    ForecastPacket | JointCommand | ArmState | TwinStatus | Frame | FrameAck | ViewSettings | Note | Stop | InForce
)


def zeros(count: int) -> Array:
    """A read-only vector of zeros, for messages that have nothing to say yet."""
    array = np.zeros(count)
    array.setflags(write=False)
    return array
