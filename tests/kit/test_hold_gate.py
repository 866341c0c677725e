"""The gate that asks for hold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fake import kit

from teletwin.link import Received
from teletwin.messages import CURVE_KNOTS, ForecastPacket, Horizons, Mode, Note
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base

pytest.importorskip("pxr", reason="usd-core is not installed")


def packet(mode: Mode) -> Received:
    pose = tool_pose_in_ur_base(HOME_Q)
    message = ForecastPacket(
        t_ns=5, pose=pose, curve=np.tile(pose, (CURVE_KNOTS, 1)), horizons=Horizons(), mode=mode, slot=1
    )
    return Received(message=message, peer="operator", seq=1, t_sent_ns=5, t_arrived_ns=6, raw=b"raw")


class OneLink:
    """Gives what it was given."""

    def __init__(self, *items: Received) -> None:
        self.items = list(items)

    def receive(self) -> list[Received]:
        return self.items


def test_while_held_every_packet_asks_for_hold_and_nothing_else_changes() -> None:
    with kit("6.0"):
        from teletwin.kit.gate import HoldGate

        note = dataclasses.replace(packet(Mode.OFF), message=Note(kind="reset"))
        gate = HoldGate(OneLink(packet(Mode.ENGAGED), packet(Mode.OFF), note))  # type: ignore[arg-type]
        assert [getattr(item.message, "mode", None) for item in gate.receive()] == [Mode.ENGAGED, Mode.OFF, None]
        gate.held = True
        held = gate.receive()
        assert [getattr(item.message, "mode", None) for item in held] == [Mode.HOLD, Mode.OFF, None]
        assert held[0].message.slot == 1
        assert held[0].raw == b"raw"
