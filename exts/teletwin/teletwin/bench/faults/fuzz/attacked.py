"""A session in hold at which damaged, foreign and old datagrams are thrown."""

from __future__ import annotations

import numpy as np

from teletwin.link.codec import encode
from teletwin.link.wire import Datagram
from teletwin.messages import (
    CURVE_KNOTS,
    SHADOWS,
    ArmState,
    ForecastPacket,
    Frame,
    FrameAck,
    Horizons,
    JointCommand,
    Message,
    Mode,
    Note,
    TwinStatus,
    ViewSettings,
)
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.session.config import SessionCfg
from teletwin.session.virtual import VirtualSession

_THROWN_PER_MS = 50
_MOVED_RAD = 1e-4


def good_messages() -> list[Message]:
    """One of each kind."""
    pose, q, still = tool_pose_in_ur_base(HOME_Q), HOME_Q.copy(), np.zeros(6)
    beside = np.zeros((len(SHADOWS), 6))
    arm = ArmState(t_ns=5, q=q, qd=still, q_shadows=beside, pose_t_ns=4, mode=Mode.HOLD)
    horizons = Horizons(control_s=0.1, render_s=0.1, control_orientation_s=0.1, render_orientation_s=0.1)
    curve = np.tile(pose, (CURVE_KNOTS, 1))
    return [
        ForecastPacket(t_ns=9, pose=pose, curve=curve, horizons=horizons, mode=Mode.ENGAGED, input_seq=1, slot=2),
        JointCommand(t_ns=9, q=q, qd=still, q_shadows=beside, qd_shadows=beside, pose_t_ns=8, mode=Mode.ENGAGED),
        arm,
        TwinStatus(
            t_ns=9,
            arm=arm,
            q_command=q,
            uplink_age_ms=1.0,
            horizon_used_s=0.1,
            horizon_orientation_used_s=0.1,
            downstream_s=0.05,
        ),
        Frame(
            frame_id=1,
            data=bytes(range(256)) * 4,
            codec="h264",
            is_key=True,
            width=640,
            height=360,
            input_seq=3,
            pose_t_ns=7,
            shown_pose=pose,
            shadow_poses=np.tile(pose, (len(SHADOWS), 1)),
            horizon_used_s=0.1,
            stages_ms={"draw": 3.0},
            t_ready_ns=8,
        ),
        FrameAck(frame_id=3),
        ViewSettings(),
        Note(kind="limits", values={"max_speed_rad_s": 1.0, "t_ns": 3}),
        Note(kind="link", values={"delay_ms": 5.0}),
    ]


class AttackedSession:
    """Throws each input at twin and arm; whatever moves the arm is counted."""

    def __init__(self) -> None:
        self.corpus: list[bytes] = []
        self._virtual = VirtualSession(SessionCfg(), renders=False)
        carry = self._virtual.network.carry

        def overheard(sender: str, receiver: str, raw: bytes) -> bool:
            if len(self.corpus) < 4000:
                self.corpus.append(raw)
            return carry(sender, receiver, raw)

        self._virtual.network.carry = overheard  # type: ignore[method-assign]
        self._virtual.run(1.0)
        self._virtual.network.carry = carry  # type: ignore[method-assign]
        self._virtual.run(1.5, mode=Mode.HOLD)
        self._q = self._virtual.physical.state().q
        self._thrown = self._moved = 0

    def throw(self, data: bytes) -> None:
        """Let it come from every neighbour of twin and arm; look at the arm once a millisecond."""
        for receiver, hop in (("twin", "operator"), ("arm", "twin"), ("twin", "arm")):
            self._virtual.links[receiver].take(hop, data)
        self._thrown += 1
        if self._thrown % _THROWN_PER_MS == 0:
            self._virtual.run(0.002, mode=Mode.HOLD)
            self._moved += bool(np.abs(self._virtual.physical.state().q - self._q).max() > _MOVED_RAD)

    def moved(self) -> int:
        """How many looks found the arm elsewhere."""
        return self._moved

    @staticmethod
    def datagrams() -> list[Datagram]:
        """Good datagrams of every kind."""
        encoded = [encode(each) for each in good_messages()]
        small = [(kind, payload) for kind, payload in encoded if len(payload) < 1000]
        return [
            Datagram(kind, "operator", "twin", 0, k, 1_000, 900, 50, payload, 3)
            for k, (kind, payload) in enumerate(small)
        ]
