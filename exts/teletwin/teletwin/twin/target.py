"""From received forecast curves to the tool target of this very moment.

Late binding: the sender cannot know the delay that its packet will meet, so the packet carries the
whole curve, and the receiver evaluates it at the packet's exact age plus the rest of the way. The
motion of the target is taken from the stream of received targets, not from the forecast's own slope:
only the stream contains what the forecast got wrong. It is smoothed: see `twin.reference`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from teletwin.geometry import Array, is_valid_pose
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S, HORIZON_MAX_S, ForecastPacket, zeros
from teletwin.robot.ur3e import WorkspaceLimits
from teletwin.twin import ToolTarget
from teletwin.twin.reference import ReferenceCfg, ReferenceFilter, turn_between

_ZERO3 = zeros(3)
_CURVE_MOST = 3.0
"""No number of an honest curve is larger [m or 1]: beyond it the motion policy's squares could overflow."""
_GAIN_MOST = 1.3
_PAUSE_S = 0.1
"""After a longer pause between ticks no motion can be told from what was before [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathCfg:
    """How one path (control, rendering, or a shadow of either) reads the packets."""

    function: str = "control"
    """Which of the packet's horizons count: 'control' or 'render'."""
    predict: bool = True
    """False takes the newest pose as it is: the no-prediction baseline."""
    feed_forward: bool = True
    """Give the motion of the received targets to the motion policy."""
    reference: ReferenceCfg | None = field(default_factory=ReferenceCfg)
    """With feed-forward, the smooth motion through the targets that the policy follows; None: the targets themselves,
    with the velocity measured on them."""
    lead_s: float = 1.0 / 120.0
    """The reference's acceleration is fed forward as this much velocity [s]: one over the policy's damping gain."""
    turn_lead_s: float = 1.0 / 40.0
    """The same for orientation [s]."""
    velocity_time_s: float = 0.012
    """Time constant of the velocity measured on targets [s]."""
    max_speed_m_s: float = 2.0
    """Cap on the velocity fed forward [m/s]."""
    max_turn_rad_s: float = 8.0
    """Cap on the angular velocity fed forward [rad/s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTarget:
    """A tool target with the horizons that made it [s]."""

    target: ToolTarget
    horizon_s: float
    horizon_orientation_s: float
    pose_t_ns: int
    input_seq: int


class TargetStream:
    """The newest packet, and the motion of the targets that the packets made."""

    def __init__(self, cfg: PathCfg) -> None:
        self._cfg = cfg
        self.worth = 1.0, 1.0
        """How far forecasts are followed, by what they were worth: position, orientation (`ForecastWorth`)."""
        self._reference = ReferenceFilter(cfg.reference) if cfg.feed_forward and cfg.reference is not None else None
        self.reset()

    def reset(self) -> None:
        """Forget every packet and the motion so far."""
        self._packet: ForecastPacket | None = None
        self._pose_t_ns = 0
        self._last_t_ns = 0
        self._velocity = np.zeros(3)
        self._turn = np.zeros(3)
        self.rest()

    @property
    def packet(self) -> ForecastPacket | None:
        """The newest packet; None before the first."""
        return self._packet

    def accept(self, packet: ForecastPacket, *, pose_t_ns: int) -> None:
        """Take a packet whose pose was generated at pose_t_ns on this host's clock."""
        self._packet, self._pose_t_ns = packet, pose_t_ns

    def rest(self) -> None:
        """Forget the motion: the arm was held, the next target starts a new one."""
        if self._reference is not None:
            self._reference.restart()
        self._last_pose: Array | None = None
        self._velocity[:] = 0.0
        self._turn[:] = 0.0

    def at(self, now_ns: int, *, downstream_s: float, orientation_extra_s: float = 0.0) -> BoundTarget | None:
        """The target at now_ns for motion that becomes real downstream_s [s] later; None without a packet."""
        packet = self._packet
        if packet is None:
            return None
        horizon_s, turn_horizon_s = self._horizons(packet, now_ns, downstream_s, orientation_extra_s)
        pose = packet.pose
        if self._cfg.predict:
            pose = evaluate_curve(packet, horizon_s, turn_horizon_s, worth=self.worth)
        return BoundTarget(
            target=self._target(pose, now_ns, horizon_s, is_late=self._is_late(packet)),
            horizon_s=horizon_s,
            horizon_orientation_s=turn_horizon_s,
            pose_t_ns=packet.t_ns,
            input_seq=packet.input_seq,
        )

    def _horizons(
        self, packet: ForecastPacket, now_ns: int, downstream_s: float, orientation_extra_s: float
    ) -> tuple[float, float]:
        """Position and orientation horizon [s] of this moment, within 0 ... H_max."""
        if not self._cfg.predict:
            return 0.0, 0.0
        chosen, render = packet.horizons, self._cfg.function == "render"
        position_s = chosen.render_s if render else chosen.control_s
        turn_s = chosen.render_orientation_s if render else chosen.control_orientation_s
        if self._is_late(packet):
            way_s = (now_ns - self._pose_t_ns) * 1e-9 + downstream_s
            position_s += way_s
            turn_s += way_s + orientation_extra_s
        return min(max(position_s, 0.0), HORIZON_MAX_S), min(max(turn_s, 0.0), HORIZON_MAX_S)

    def _is_late(self, packet: ForecastPacket) -> bool:
        chosen = packet.horizons
        return chosen.late_binding_render if self._cfg.function == "render" else chosen.late_binding_control

    def _target(self, pose: Array, now_ns: int, horizon_s: float, *, is_late: bool) -> ToolTarget:
        """What the policy follows."""
        if not self._cfg.feed_forward:
            return ToolTarget(pose=pose, velocity=_ZERO3, angular_velocity=_ZERO3)
        dt_s, self._last_t_ns = (now_ns - self._last_t_ns) * 1e-9, now_ns
        if self._reference is None:
            self._measure(pose, dt_s)
        else:
            if dt_s >= _PAUSE_S:
                self._reference.restart()
            self._reference.follow(pose, dt_s, horizon_s * self.worth[0], is_late=is_late)
            pose = self._feed(self._reference)
        return ToolTarget(pose=pose, velocity=self._velocity, angular_velocity=self._turn)

    def _feed(self, reference: ReferenceFilter) -> Array:
        """Set the velocities that make the policy follow the reference; return its pose."""
        lead_s, turn_lead_s = self._cfg.lead_s, self._cfg.turn_lead_s
        pairs = zip(reference.velocity, reference.acceleration, strict=True)
        self._velocity[:] = [rate + lead_s * change for rate, change in pairs]
        pairs = zip(reference.turn, reference.turn_rate, strict=True)
        self._turn[:] = [rate + turn_lead_s * change for rate, change in pairs]
        _cap(self._velocity, self._cfg.max_speed_m_s)
        _cap(self._turn, self._cfg.max_turn_rad_s)
        return np.array([*reference.position, *reference.quat])

    def _measure(self, pose: Array, dt_s: float) -> None:
        """Low-pass the motion from the last target to this one."""
        last, self._last_pose = self._last_pose, pose
        if last is None or not 0.0 < dt_s < _PAUSE_S:
            return
        share = dt_s / (self._cfg.velocity_time_s + dt_s)
        self._velocity += share * ((pose[:3] - last[:3]) / dt_s - self._velocity)
        self._turn += share * (np.array(turn_between(last[3:].tolist(), pose[3:].tolist())) / dt_s - self._turn)
        _cap(self._velocity, self._cfg.max_speed_m_s)
        _cap(self._turn, self._cfg.max_turn_rad_s)


def is_usable(packet: ForecastPacket, workspace: WorkspaceLimits) -> bool:
    """Tell whether a packet may move the arm: a pose inside the workspace, a finite curve, a gain in range.

    The curve itself may leave the workspace, as forecasts do near its border; the limits come after.
    """
    if not is_valid_pose(packet.pose) or not workspace.contains(packet.pose):
        return False
    reach, gain = float(np.abs(packet.curve).max()), packet.horizons.gain
    return reach <= _CURVE_MOST and 0.0 <= gain <= _GAIN_MOST  # false for NaN as well


def evaluate_curve(
    packet: ForecastPacket, horizon_s: float, orientation_horizon_s: float, *, worth: tuple[float, float] = (1.0, 1.0)
) -> Array:
    """Pose (7,) of the forecast at two horizons [s], between its knots linear; packet's gain and worth scale it."""
    pose = np.empty(7)
    pose[:3] = _between_knots(packet.curve, horizon_s)[:3]
    quat = _between_knots(packet.curve, orientation_horizon_s)[3:]
    gain, turn_gain = (packet.horizons.gain * each for each in worth)
    now = packet.pose
    if gain != 1.0:
        pose[:3] = now[:3] + gain * (pose[:3] - now[:3])
    if turn_gain != 1.0:
        quat = now[3:] + turn_gain * (quat - now[3:])
    pose[3:] = quat / math.sqrt(float(quat @ quat))
    return pose


def _between_knots(curve: Array, horizon_s: float) -> Array:
    """Row (7,) of the curve at a horizon [s]."""
    place = min(max(horizon_s / CURVE_STEP_S, 0.0), CURVE_KNOTS - 1.0)
    knot = min(int(place), CURVE_KNOTS - 2)
    fraction = place - knot
    return (1.0 - fraction) * curve[knot] + fraction * curve[knot + 1]


def _cap(vector: Array, most: float) -> None:
    """Shorten a vector in place to length `most`."""
    norm = math.sqrt(float(vector @ vector))
    if norm > most:
        vector *= most / norm
