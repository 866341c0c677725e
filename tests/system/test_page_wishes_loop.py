"""What the page asks of the loop, and what it is told: no forecast and a forecast again, another network."""

from __future__ import annotations

import pytest
from made_desk import made_desk

from teletwin.clock import NS_PER_S
from teletwin.messages import FEED_FORWARD_ONLY, Note
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.row import TelemetryRow
from teletwin.session.virtual import VirtualSession
from teletwin.session.wiring import apply_link_note
from teletwin.view.server_messages import PageEvent

SETTLE_S = 2.0
WITHIN_MS = 12.0


@pytest.mark.parametrize(("before_ms", "after_ms"), [(30.0, 90.0), (90.0, 20.0)])
def test_horizons_follow_a_changed_delay_within_two_seconds(before_ms: float, after_ms: float):
    virtual = VirtualSession(SessionCfg(network=NetworkCfg(delay_ms=before_ms)))
    told = TelemetryRow(virtual.operator, made_desk(virtual.operator))
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


def arm_errors_mm(virtual: VirtualSession) -> tuple[float, float]:
    """Of the loop and of feed-forward only, over the last two seconds."""
    tracks = virtual.metrics.control, virtual.metrics.control_shadows[FEED_FORWARD_ONLY]
    loop, fed = (1e3 * track.running().position_m for track in tracks)
    return loop, fed


def test_the_switch_takes_the_forecast_away_and_gives_it_back():
    virtual = VirtualSession(SessionCfg(network=NetworkCfg(delay_ms=60.0, jitter_ms=10.0)), renders=False)
    desk = made_desk(virtual.operator)

    def switch(on: bool) -> tuple[float, float]:
        values = {"name": "forecast", "values": {"on": on}}
        desk.put(PageEvent(kind="settings", values=values, viewer=1, t_ns=0, received_ns=0))
        desk.work()
        virtual.advance(4.0)
        return arm_errors_mm(virtual)

    virtual.run(7.0)
    loop, fed = arm_errors_mm(virtual)
    assert loop < 0.4 * fed
    loop, fed = switch(False)
    assert loop == pytest.approx(fed, rel=0.02), "without it the loop is the one that never had it"
    loop, fed = switch(True)
    assert loop < 0.4 * fed
