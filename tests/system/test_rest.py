"""Every way to rest, on the virtual clock and at the joints: a slice of `teletwin bench rest`."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from virtual_trace import TracedSession

from teletwin.bench.rest.borders import BORDERS, SPEED_M_S
from teletwin.bench.rest.cases import CAUSES, PASSIVE, draw_cases
from teletwin.bench.rest.judge import APPROACH_BAR_M_S, CATCH_UP_BAR_M_S, JERK_BAR_RAD_S3, PEAK_BAR_RAD_S2
from teletwin.bench.rest.virtual import moment_s, run_case
from teletwin.messages import Mode
from teletwin.safety import SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg

QUIET = SessionCfg(network=NetworkCfg(delay_ms=20))
LONGEST_S = 1.0
SLICE = [case for k, case in enumerate(draw_cases(each=1)) if k % len(BORDERS) == (k // len(BORDERS)) % len(BORDERS)]


@pytest.mark.parametrize("case", SLICE, ids=lambda case: f"{case.cause}-{case.border}")
def test_the_arm_comes_to_rest_within_every_limit_and_somebody_says_so(case):
    run = run_case(dataclasses.replace(case, lasts_s=min(case.lasts_s, LONGEST_S)))
    assert run["follows"], "it was following when it happened"
    assert run["rad_s2"] <= PEAK_BAR_RAD_S2
    assert run["rad_s3"] <= JERK_BAR_RAD_S3
    assert run["noticed"] or case.cause.startswith(PASSIVE)
    assert run["approach_m_s"] <= APPROACH_BAR_M_S
    assert run["catch_up_m_s"] <= CATCH_UP_BAR_M_S
    assert min(run["margins"].values()) >= 0.0, run["margins"]


def test_the_slice_has_every_cause_and_border():
    assert {case.cause for case in SLICE} == set(CAUSES)
    assert {case.border for case in SLICE} == set(BORDERS)


def test_the_hand_of_a_run_is_fast_and_the_arm_with_it():
    case = next(draw_cases(each=1, causes=("operator killed",), borders=("height",)))
    run = run_case(dataclasses.replace(case, share=0.0))
    assert run["speed_m_s"] > 0.8 * SPEED_M_S
    assert moment_s("height", 0.0) < moment_s("height", 1.0)


@pytest.mark.parametrize("delay_ms", [0.0, 5.0])
def test_after_a_hold_the_arm_is_no_faster_than_an_approach_while_the_twin_approaches(delay_ms):
    """The arm's own approach was over at once, where its first commands did not move: its tracking overshot the cap."""
    case = next(draw_cases(each=1, causes=("Hold",), borders=("table",)))
    run = run_case(dataclasses.replace(case, delay_ms=delay_ms, share=0.06))
    assert 0.1 < run["approach_m_s"] <= APPROACH_BAR_M_S


@pytest.mark.parametrize("role", ["operator", "twin"])
def test_a_stall_too_short_for_a_hold_is_counted_and_made_up_for_no_faster_than_the_hand(role):
    case = next(draw_cases(each=1, causes=(f"{role} suspended",), borders=("height",)))
    run = run_case(dataclasses.replace(case, lasts_s=0.06, share=0.1, delay_ms=0.0))
    assert run["held_ms"] is None
    assert run["counted_ms"] <= 100.0
    assert 0.5 < run["catch_up_m_s"] <= CATCH_UP_BAR_M_S


def test_stop_keeps_servoing_until_the_arm_stands():
    traced = TracedSession(QUIET, renders=False)
    traced.run(3.0)
    before = len(traced.set_q)
    traced.run(0.5, mode=Mode.OFF)
    stop = np.array(traced.set_q[before - 1 :])
    assert len(stop) > 30, "set-points of the stop and of the servo's lag"
    assert np.abs(np.diff(stop[-20:], axis=0)).max() == 0.0
    assert np.abs(traced.q - stop[-1]).max() < 1e-3, "it stands where the limits led it"
    assert traced.virtual.arm.state is SafetyState.OFF


def test_engage_during_a_stop_waits_for_it_and_starts_where_the_arm_stands():
    traced = TracedSession(QUIET, renders=False)
    traced.run(3.0)
    traced.run(0.03, mode=Mode.OFF)
    traced.run(0.04)
    assert traced.virtual.arm.state is not SafetyState.ENGAGED
    traced.run(1.0)
    assert traced.virtual.arm.state is SafetyState.ENGAGED


def test_a_hiccup_of_the_arms_host_is_counted_soon_and_the_arm_starts_from_where_it_stands():
    traced = TracedSession(QUIET, renders=False)
    traced.run(3.0)
    traced.virtual.suspended.add("arm")
    traced.run(0.06)
    traced.virtual.suspended.clear()
    before = len(traced.set_q)
    traced.run(0.1)
    assert traced.virtual.arm.hiccup_count == 1
    assert traced.virtual.twin is not None
    traced.run(0.5)
    assert traced.statuses[-1].arm.hiccup_count == 1
    assert np.abs(np.diff(np.array(traced.set_q[before:]), axis=0)).max() < 0.01


def test_a_role_that_was_silent_for_long_finds_its_program_ended_until_a_person_clears_it():
    traced = TracedSession(QUIET, renders=False)
    traced.run(3.0)
    traced.virtual.suspended.add("arm")
    traced.run(0.5)
    traced.virtual.suspended.clear()
    sent = len(traced.set_q)
    operator = traced.virtual.operator.state
    traced.virtual.run(0.5, mode=operator.mode)
    assert "control program is not running" in traced.states[-1].fault
    assert len(traced.set_q) == sent
    traced.virtual.physical.clear_fault()
    traced.virtual.run(0.3, mode=Mode.HOLD)
    traced.run(0.5)
    assert traced.virtual.arm.state is SafetyState.ENGAGED
