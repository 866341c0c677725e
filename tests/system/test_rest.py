"""Every way to rest, on the virtual clock and at the joints: a slice of `teletwin bench rest`."""

from __future__ import annotations

import numpy as np
import pytest
from virtual_trace import TracedSession

from teletwin.bench.rest.cases import BORDERS, CAUSES, draw_cases
from teletwin.bench.rest.judge import JERK_BAR_RAD_S3, PEAK_BAR_RAD_S2, is_noticed
from teletwin.bench.rest.virtual import run_case
from teletwin.messages import Mode
from teletwin.safety import SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg

QUIET = SessionCfg(network=NetworkCfg(delay_ms=20))
SLICE = [case for k, case in enumerate(draw_cases(each=1)) if k % len(BORDERS) == (k // len(BORDERS)) % len(BORDERS)]


@pytest.mark.parametrize("case", SLICE, ids=lambda case: f"{case.cause}-{case.border}")
def test_the_arm_comes_to_rest_within_acceleration_and_jerk_and_somebody_says_so(case):
    run = run_case(case)
    assert run["rad_s2"] <= PEAK_BAR_RAD_S2
    assert run["rad_s3"] <= JERK_BAR_RAD_S3
    assert is_noticed(run)
    assert all(margin >= -0.5 for margin in run["margins"].values())


def test_the_slice_has_every_cause():
    assert {case.cause for case in SLICE} == set(CAUSES)


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
    assert traced.statuses[-1].counters["arm_hiccups"] == 1
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
