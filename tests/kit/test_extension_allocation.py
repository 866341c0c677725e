"""Link and compute are divided in the stand-in for Kit as in the embedded twin."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake import kit
from kit_session import SETTINGS, KitSession, running, session_cfg, write_recording

from teletwin.messages import Note

pytest.importorskip("pxr", reason="usd-core is not installed")


def test_the_same_allocator_drives_resolution_and_rates_of_the_twin_in_isaac_sim(tmp_path: Path) -> None:
    hand = write_recording(tmp_path / "eight.tum")
    with kit("6.0", settings=SETTINGS | {"allocator": "backlog"}) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            host = app.run.host
            session.run(1.0)
            asked, allocation = host.renderer.asked, host.renderer.allocation
            assert allocation.name == "backlog"
            assert session.operator.state.allocation["allocator"] == "backlog"

            session.links["operator"].set_shared(1.0)
            squeeze = Note(kind="squeeze", values={"compute_share": 0.05})
            session.links["operator"].send_reliable("renderer", squeeze)
            session.run(2.0)
            plan = allocation.plan
            assert plan.view.bitrate_bps < 0.6 * asked.bitrate_bps
            assert plan.update_rate_hz < 100.0
            newest = session.frames[-1]
            assert (newest.width, newest.height) == (plan.view.width, plan.view.height)

            off = Note(kind="allocator", values={"name": "off"})
            session.links["operator"].send_reliable("renderer", off)
            session.links["operator"].set_shared(0.0)
            session.run(0.5)
            assert host.renderer.settings == asked
            assert (session.frames[-1].width, session.frames[-1].height) == (asked.width, asked.height)
            assert not app.warnings
