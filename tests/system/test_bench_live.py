"""The live benchmark runs a whole session in a real browser; so does its baseline."""

from __future__ import annotations

import pytest

from teletwin.bench.browser import missing_browser
from teletwin.bench.live import measure_live
from teletwin.bench.webrtc import measure_stock_webrtc

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())
def test_a_live_session_in_a_browser_gives_every_figure_with_the_pixels_agreeing():
    figures = measure_live(seconds=10.0, barcode=True)
    assert figures.reason == ""
    assert figures.mtp_count > 50
    assert figures.barcode_mismatch_count == 0
    assert figures.mtp_p50_ms is not None
    assert figures.mtp_p95_ms is not None
    assert figures.drawn_rate_hz is not None
    assert 5.0 < figures.mtp_p50_ms <= figures.mtp_p95_ms < 5000.0
    assert 1.0 < figures.drawn_rate_hz < 40.0
    for loop in (figures.twin, figures.arm, figures.sleep):
        assert loop.tick_count > 300
        assert loop.period_p50_ms is not None
        assert 1.5 < loop.period_p50_ms < 10.0
        assert loop.overrun_share is not None
        assert 0.0 <= loop.overrun_share <= 1.0
    assert figures.stages_ms["draw"]["p50"] > 0.0


@pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())
def test_stock_webrtc_shows_the_inputs_that_it_was_sent():
    pytest.importorskip("aiortc", reason="aiortc is not installed")
    figures = measure_stock_webrtc(seconds=2.0)
    assert figures["reason"] == ""
    assert figures["codec"] == "video/VP8"
    assert figures["mtp_count"] > 30
    assert 5.0 < figures["mtp_p50_ms"] < 5000.0


def test_without_a_browser_the_figures_are_missing_and_say_why(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("teletwin.bench.webrtc.missing_browser", lambda: "no browser here")
    figures = measure_stock_webrtc(seconds=1.0)
    assert figures["mtp_p50_ms"] is None
    assert figures["reason"] == "no browser here"
