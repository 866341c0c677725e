"""The loop on a virtual clock with everything noted: commands, set-points, joints, shown poses."""

from __future__ import annotations

import hashlib

import numpy as np

from teletwin.link.memory import MemoryLink
from teletwin.messages import ArmState, Frame, JointCommand, LinkSettings, Mode, TwinStatus
from teletwin.robot.ur3e import JointLimits, WorkspaceLimits, tool_pose_in_ur_base
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

SERVO_S = 0.002


class TracedSession:
    """A virtual session that notes what the twin commanded, what the arm was set to, and where it was."""

    def __init__(self, session: SessionCfg | None = None, **options) -> None:
        self.commands: list[JointCommand] = []
        self.states: list[ArmState] = []
        self.statuses: list[TwinStatus] = []
        self.frames: list[Frame] = []
        self.set_ns: list[int] = []
        self.set_q: list[np.ndarray] = []
        self.digest = hashlib.sha256()
        self.virtual = VirtualSession(
            session or SessionCfg(network=NetworkCfg(delay_ms=60, jitter_ms=10)), **options, log=self._log
        )
        self._servo = self.virtual.physical.servo
        self.virtual.physical.servo = self._note_set_point  # type: ignore[method-assign]

    def _note_set_point(self, q) -> None:
        self.set_ns.append(self.virtual.clock.now_ns())
        self.set_q.append(np.array(q))
        self._servo(q)

    def _log(self, role, message, t_log_ns, t_sent_ns) -> None:
        if role == "twin" and isinstance(message, JointCommand):
            self.commands.append(message)
            self._hash(message.q, message.qd, message.q_shadows, message.t_ns)
        elif role == "arm" and isinstance(message, ArmState):
            self.states.append(message)
            self._hash(message.q, message.qd, message.q_shadows, message.t_ns)
        elif isinstance(message, Frame):
            self.frames.append(message)
            self._hash(message.shown_pose, message.shadow_poses, message.t_ready_ns)
        elif isinstance(message, TwinStatus):
            self.statuses.append(message)

    def _hash(self, *values) -> None:
        for value in values:
            self.digest.update(np.asarray(value).tobytes())

    def run(self, duration_s: float, *, mode: Mode = Mode.ENGAGED):
        return self.virtual.run(duration_s, mode=mode)

    def link(self, role: str) -> MemoryLink:
        return self.virtual.links[role]

    def black_out(self, *hops: tuple[str, str], settings: LinkSettings) -> None:
        """Imitate these settings on the hops (receiver, sender)."""
        for receiver, sender in hops:
            self.link(receiver).set_link(sender, settings)

    @property
    def q(self) -> np.ndarray:
        return self.virtual.physical.state().q

    @property
    def qd(self) -> np.ndarray:
        return self.virtual.physical.state().qd

    def set_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Times (n,) [s] and set-points (n, 6) [rad] that the arm was given."""
        return np.array(self.set_ns) * 1e-9, np.array(self.set_q)


def assert_within_limits(times_s: np.ndarray, q: np.ndarray) -> None:
    """Set-points (n, 6) [rad], 2 ms apart, respect range, speed, acceleration and workspace."""
    limits, workspace = JointLimits(), WorkspaceLimits()
    assert np.isfinite(q).all()
    assert (q >= limits.lower - 1e-9).all()
    assert (q <= limits.upper + 1e-9).all()
    neighbours = np.diff(times_s) < 1.5 * SERVO_S
    speed = np.diff(q, axis=0) / SERVO_S
    assert (np.abs(speed[neighbours]) <= limits.velocity + 1e-6).all()
    both = neighbours[1:] & neighbours[:-1]
    acceleration = np.diff(speed, axis=0)[both] / SERVO_S
    assert (np.abs(acceleration) <= limits.acceleration + 1e-5).all()
    tools = tool_pose_in_ur_base(q[::5])[:, :3]
    assert all(workspace.contains(tool, margin_m=-1e-6) for tool in tools)
