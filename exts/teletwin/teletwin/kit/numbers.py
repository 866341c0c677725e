"""What the twin's host knows of the session while it runs, for the window and for scripts."""

from __future__ import annotations

import collections

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.messages import ArmState, ForecastPacket, JointCommand, Message

NAMES = (
    "control_error_mm",
    "display_error_mm",
    "mtp_ms",
    "aol_ms",
    "uplink_age_ms",
    "command_age_ms",
    "horizon_control_ms",
    "horizon_render_ms",
    "frame_rate_hz",
    "encode_ms",
    "physics_rate_hz",
    "time_ratio",
)
"""Numbers by name. The first three are measured by the operator's side and known in role 'local' alone; time_ratio
is simulated over wall time."""


class Numbers:
    """Listens to the control function's messages and counts events."""

    def __init__(self) -> None:
        self.arm: ArmState | None = None
        self.command: JointCommand | None = None
        self.aol_ms: float | None = None
        self.uplink_age_ms: float | None = None
        self._stamps: dict[str, collections.deque[int]] = collections.defaultdict(collections.deque)

    def heard(self, message: Message, t_log_ns: int, *, operator_offset_ns: int) -> None:
        """Note a message of the control function: received ones with their arrival [ns]."""
        if isinstance(message, ArmState):
            self.arm = message
            if message.pose_t_ns:
                self.aol_ms = (t_log_ns - (message.pose_t_ns - operator_offset_ns)) / NS_PER_MS
        elif isinstance(message, JointCommand):
            self.command = message
        elif isinstance(message, ForecastPacket):
            self.uplink_age_ms = (t_log_ns - (message.t_ns - operator_offset_ns)) / NS_PER_MS

    def count(self, name: str, now_ns: int) -> None:
        """One more event of a kind."""
        stamps = self._stamps[name]
        stamps.append(now_ns)
        while stamps[0] < now_ns - NS_PER_S:
            stamps.popleft()

    def rate_hz(self, name: str, now_ns: int) -> float | None:
        """Events of a kind in the last second; None when there were none."""
        recent = sum(stamp >= now_ns - NS_PER_S for stamp in self._stamps[name])
        return float(recent) if recent else None
