"""Link and compute are taken away and given back: an operator hardly notices, and control not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest

from teletwin.bench.squeeze import END_S, LIMIT_MS, PHASES, SqueezeTrace, as_json, judge
from teletwin.bench.squeeze_virtual import squeeze_virtual
from teletwin.cli.bench import main
from teletwin.session.carried_rate import RATES_HZ
from teletwin.session.config import NetworkCfg, SessionCfg

SESSION = SessionCfg(network=NetworkCfg(delay_ms=20, jitter_ms=2))


@pytest.fixture(scope="module")
def trace():
    return squeeze_virtual(SESSION, allocator="backlog")


@pytest.fixture(scope="module")
def backlog(trace):
    return judge(trace)


def test_the_rule_reaches_every_bar_on_the_virtual_clock(backlog):
    assert backlog.failures == []
    assert backlog.tick_rate_hz == pytest.approx(500.0)
    assert backlog.overrun_count == 0
    assert all(abs(phase.queue_growth_ms_s) < 20.0 for phase in backlog.phases), "no queue grows"


def test_the_policy_that_ships_reaches_them_too():
    learned = judge(squeeze_virtual(SESSION, allocator="ppo"))
    assert learned.failures == []
    assert learned.tick_rate_hz == pytest.approx(500.0)


def test_what_was_taken_is_missed_by_pictures_and_updates_alone(backlog):
    cut = backlog.quality_cut
    assert 0.1 < cut["bitrate_mbps"] < 1.2
    assert cut["width"] < 640
    assert 10.0 <= cut["update_rate_hz"] < 125.0
    assert backlog.counters["frames_drawn"] > 400, "of 540 at 30 Hz"


def test_without_an_allocator_the_same_cut_is_felt():
    first = PHASES[:2]
    off = judge(squeeze_virtual(SESSION, allocator="off", phases=first), first)
    cut = off.phases[1]
    assert cut.effective_p95_ms > LIMIT_MS
    assert cut.held_after_s == np.inf
    assert cut.sample_count < 0.2 * off.phases[0].sample_count, "few pictures come"
    assert off.phases[1].queue_most_ms > 100.0
    assert off.tick_rate_hz == pytest.approx(500.0), "control has a lane of its own"


def test_the_judge_finds_a_freeze_a_queue_and_a_quality_that_does_not_return():
    trace = SqueezeTrace(allocator="x")
    times_s = [k / 100 for k in range(1, 1800)]
    trace.effective = [(t_s, 20.0) for t_s in times_s if not 5.0 < t_s < 7.5]
    figures = judge(trace)
    (held,) = [phase.held_after_s for phase in figures.phases if phase.name == "link cut"]
    assert 2.0 < held < 2.6, "a freeze is not held"
    assert any("link cut" in text for text in figures.failures)

    trace.effective = [(t_s, 20.0 if t_s < PHASES[2].at_s else 300.0) for t_s in times_s]
    assert sum("compute cut too" in text for text in judge(trace).failures) == 2
    assert as_json(judge(trace))["phases"][2]["held_after_s"] is None, "never is no number"  # pyright: ignore[reportIndexIssue]


def test_the_command_writes_a_report_a_figure_and_a_table(tmp_path, capsys, monkeypatch, trace):
    monkeypatch.setattr("teletwin.bench.squeeze_virtual.squeeze_virtual", lambda session, allocator: trace)
    report, figure, table = tmp_path / "s.json", tmp_path / "s.png", tmp_path / "s.md"
    arguments = ["squeeze", "--beside", "--report", str(report), "--figure", str(figure), "--markdown", str(table)]
    assert main(arguments) == 0
    (run,) = json.loads(report.read_text())["results"]["runs"]
    assert run["allocator"] == "backlog"
    assert run["failures"] == []
    assert figure.stat().st_size > 20_000
    assert "| backlog | full |" in table.read_text()
    assert "backlog" in capsys.readouterr().out


@pytest.mark.live
def test_a_real_session_is_squeezed_and_comes_back():
    from teletwin.bench.squeeze_live import squeeze_live

    figures = judge(squeeze_live(SESSION, allocator="backlog"))
    if figures.counters["frames_drawn"] > 15 * END_S:  # slower pictures do not fill the link
        assert figures.quality_cut["bitrate_mbps"] < 1.3
    assert min(abs(figures.tick_rate_hz / rate_hz - 1.0) for rate_hz in RATES_HZ) < 0.05
    queues = {phase.name: phase.queue_most_ms for phase in figures.phases}
    assert max(queues.values()) < 200.0
    assert figures.phases[-1].effective_p95_ms < 4 * LIMIT_MS, "a shared machine is slow, but nothing piles up"
