"""Horizons are where a changed network wants them within two seconds, in the loop and on the page."""

from __future__ import annotations

import pytest

from teletwin.clock import NS_PER_S
from teletwin.messages import Note, ViewSettings
from teletwin.session.config import HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.desk import PageDesk
from teletwin.session.row import TelemetryRow
from teletwin.session.virtual import VirtualSession
from teletwin.session.wiring import apply_link_note

SETTLE_S = 2.0
WITHIN_MS = 12.0


def rows(virtual: VirtualSession) -> TelemetryRow:
    desk = PageDesk(
        virtual.operator,
        None,  # type: ignore[arg-type]
        horizon=HorizonCfg(),
        paper_mode=False,
        slot_s=0.01,
        view=ViewSettings(),
        notify=lambda _: None,
        set_view=lambda _: None,
        record=lambda _: None,
    )
    return TelemetryRow(virtual.operator, desk)


@pytest.mark.parametrize(("before_ms", "after_ms"), [(30.0, 90.0), (90.0, 20.0)])
def test_horizons_follow_a_changed_delay_within_two_seconds(before_ms: float, after_ms: float):
    virtual = VirtualSession(SessionCfg(network=NetworkCfg(delay_ms=before_ms)))
    told = rows(virtual)
    virtual.run(4.0)
    note = Note(kind="link", values={"delay_ms": after_ms})
    for role, link in virtual.links.items():
        apply_link_note(link, role, note)
    shown: list[tuple[float, float]] = []
    began_ns = virtual.clock.now_ns()
    while (elapsed_ns := virtual.clock.now_ns() - began_ns) < 5 * NS_PER_S:
        virtual.advance(0.05)
        row = told.make(virtual.clock.now_ns(), is_recording=False, hand="recording", forecaster="arma")
        shown.append((elapsed_ns / NS_PER_S, row["horizon_control_ms"], row["horizon_render_ms"]))  # type: ignore[arg-type]
    for column in (1, 2):
        final = shown[-1][column]
        late = [t_s for t_s, *values in shown if abs(values[column - 1] - final) > WITHIN_MS]
        assert max(late, default=0.0) <= SETTLE_S, (column, final)
        assert abs(final - shown[0][column]) > abs(after_ms - before_ms), "they did follow"
