"""Whatever fails on the way for long, the arm moves again by a person's fresh act, and by nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from virtual_trace import TracedSession

from teletwin.bench.restart.cases import Case, Outage
from teletwin.bench.restart.run import run_case
from teletwin.link.codec import encode
from teletwin.link.wire import MAX_PAYLOAD_BYTES
from teletwin.messages import LinkSettings, Mode
from teletwin.safety import SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg

ROLES = ("operator", "twin", "arm")
QUIET = SessionCfg(network=NetworkCfg(delay_ms=20, jitter_ms=3))


def run(*outages: Outage):
    return run_case(Case(outages=outages, seed=3))


def of(event: str, lasts_s: float, starts_s: float = 0.0) -> Outage:
    return Outage(event=event, starts_s=starts_s, lasts_s=lasts_s)


@pytest.mark.slow
@pytest.mark.parametrize(
    "event", ["up silent", "state silent", "operator suspended", "twin restarted", "arm restarted"]
)
def test_nothing_moves_after_an_outage_until_a_person_acts_and_the_page_asks_for_it(event):
    seen = run(of(event, 0.7))
    assert seen["was_engaged"]
    assert not seen["follows"]
    assert seen["unasked_rad"] < 1e-4
    assert seen["claimed_ms"] <= 500.0
    assert seen["asks"]
    assert seen["moves_after_act"]


def test_a_short_silence_is_at_most_a_hold():
    seen = run(of("command silent", 0.25))
    assert seen["follows"]
    assert seen["asks"] == ""


def test_engage_is_refused_while_nobody_could_see_the_arm_move():
    traced = TracedSession(QUIET, renders=False)
    operator = traced.virtual.operator
    operator.press(Mode.ENGAGED)
    assert operator.state.mode is Mode.HOLD
    assert "was not heard yet" in operator.state.warnings[0]
    traced.run(1.0)
    assert traced.states[-1].mode is Mode.ENGAGED
    traced.black_out(("operator", "twin"), settings=LinkSettings(loss=1.0))
    traced.virtual.advance(0.6)
    operator.press(Mode.ENGAGED)
    assert operator.state.mode is Mode.HOLD
    assert traced.virtual.arm.state is not SafetyState.ENGAGED


def test_stop_reaches_the_arm_though_every_packet_is_lost():
    traced = TracedSession(QUIET, renders=False)
    traced.run(1.5)
    traced.virtual.operator.press(Mode.OFF)  # said at once, beside the packets
    act = traced.virtual.operator.state.intent.act
    traced.virtual.suspended.add("operator")
    traced.virtual.advance(0.06)
    assert traced.states[-1].stopped_act == act
    assert traced.virtual.arm.state is SafetyState.OFF


def with_enabling(**change) -> TracedSession:
    return TracedSession(dataclasses.replace(QUIET, enabling=True, **change), renders=False)


def beat(traced: TracedSession, seconds: float, first: int) -> int:
    """Heartbeats of an input that is held, sixty a second; the next one's number."""
    for _ in range(round(seconds * 60)):
        traced.virtual.operator.state.intent.enable(first, is_held=True)
        traced.virtual.advance(1 / 60)
        first += 1
    return first


def test_a_real_arm_moves_only_while_the_enabling_input_is_held():
    traced = with_enabling()
    traced.run(1.0)
    assert not traced.set_q, "engaged, and nobody holds anything"
    assert not traced.states[-1].is_enabled
    seq = beat(traced, 1.0, 1)
    assert traced.virtual.arm.state is SafetyState.ENGAGED
    traced.virtual.operator.state.intent.enable(0, is_held=False)
    traced.virtual.advance(0.2)
    assert traced.virtual.arm.state is SafetyState.HOLD
    assert np.abs(traced.qd).max() < 1e-3
    traced.virtual.advance(2.0)
    beat(traced, 0.3, seq)
    assert traced.virtual.arm.state is SafetyState.ENGAGED, "whoever presses it again acts"


def test_heartbeats_that_stay_away_stop_the_arm_and_after_a_while_ask_for_a_fresh_act():
    traced = with_enabling()
    traced.run(0.3)
    seq = beat(traced, 1.0, 1)
    traced.virtual.advance(0.02 + 0.01 + 0.1 + 0.03)  # the way, a slot, the heartbeat's limit, a few ticks
    assert traced.virtual.arm.state is SafetyState.HOLD
    traced.virtual.advance(0.6)
    beat(traced, 0.5, seq)
    assert traced.virtual.arm.state is SafetyState.HOLD
    assert "the enabling input was not heard" in traced.virtual.operator.state.intent.outage


def test_limits_and_needs_of_the_arms_host_are_told_to_the_operator():
    traced = with_enabling(reduced_speed=True)
    traced.run(0.5)
    book = traced.virtual.operator.state.in_force
    now_ns = traced.virtual.clocks["operator"].now_ns()
    row = book.row(SessionCfg(reduced_speed=False).limits(), now_ns)
    assert row["reduced"]
    assert row["max_body_speed_m_s"] == 0.25
    assert any("max_body_speed_m_s is 0.25" in note for note in row["notes"])
    assert book.needs_enabling


def test_what_the_twin_tells_fits_one_datagram():
    traced = TracedSession(SessionCfg(network=NetworkCfg(delay_ms=50, jitter_ms=10, loss=0.01)), renders=False)
    traced.run(3.0)
    traced.virtual.operator.press(Mode.OFF)
    traced.virtual.advance(0.2)
    assert max(len(encode(status)[1]) for status in traced.statuses) <= MAX_PAYLOAD_BYTES - 150
