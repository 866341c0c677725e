"""The safety states in the whole loop: silence on every hop, a stop of the controller, limits that are lowered."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from virtual_trace import SERVO_S, TracedSession, assert_within_limits

from teletwin.arm.simulated import SimulatedArm
from teletwin.messages import LinkSettings, Mode, Note
from teletwin.robot.ur3e import SHOULDER_HEIGHT_M, tool_pose_in_ur_base
from teletwin.safety import SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.twin import control

QUIET = SessionCfg(network=NetworkCfg(delay_ms=20))
BACK = LinkSettings(delay_ms=20)
LOST = LinkSettings(delay_ms=20, loss=1.0)
HOPS = {"up": ("twin", "operator"), "command": ("arm", "twin"), "state": ("twin", "arm"), "down": ("operator", "twin")}


def speeds(traced: TracedSession, since: int = 0) -> np.ndarray:
    """Joint speeds (n, 6) [rad/s] of the set-points."""
    return np.diff(np.array(traced.set_q[since:]), axis=0) / SERVO_S


def tell(traced: TracedSession, **limits: float) -> None:
    """What the operator's page does when a limit is moved."""
    note = Note(kind="limits", values={**limits, "t_ns": traced.virtual.clock.now_ns()})
    for peer in ("twin", "renderer"):
        traced.link("operator").send_reliable(peer, note)


@pytest.mark.parametrize(("hop", "within_s"), [("up", 0.1), ("command", 0.1), ("state", 0.1), ("down", 0.42)])
def test_whichever_hop_falls_silent_the_arm_is_brought_to_rest_in_time_and_goes_on_after(hop, within_s):
    traced = TracedSession(QUIET, renders=False)
    traced.run(2.5)
    traced.black_out(HOPS[hop], settings=LOST)
    silent_ns = traced.virtual.clock.now_ns()
    traced.run(1.0)
    times_s, q = traced.set_points()
    under_way_s = 0.02 * {"up": 2, "command": 1, "state": 2, "down": 3}[hop] + 0.01
    braking_s = 0.06
    at_rest = times_s > silent_ns * 1e-9 + under_way_s + within_s + braking_s
    assert np.ptp(q[at_rest], axis=0).max() < 1e-6
    traced.black_out(HOPS[hop], settings=BACK)
    traced.run(1.5)
    assert traced.states[-1].mode is Mode.ENGAGED
    assert_within_limits(*traced.set_points())


def test_who_engages_blind_moves_nothing_and_is_asked_again_after_a_while():
    traced = TracedSession(QUIET, renders=False)
    traced.run(0.5, mode=Mode.HOLD)
    traced.black_out(HOPS["down"], settings=LOST)
    traced.run(1.0, mode=Mode.HOLD)
    before = len(traced.set_q)
    traced.run(2.0)
    assert len(traced.set_q) == before, "nobody would see the arm move"
    traced.virtual.run(4.0, mode=traced.virtual.operator.state.mode)
    assert traced.virtual.operator.state.mode is Mode.HOLD
    traced.black_out(HOPS["down"], settings=BACK)
    traced.virtual.run(1.0, mode=Mode.HOLD)
    assert len(traced.set_q) == before
    traced.run(1.0)
    assert traced.states[-1].mode is Mode.ENGAGED


def test_engage_before_a_stopped_arm_stands_starts_where_it_stands(monkeypatch):
    traced = TracedSession(QUIET, renders=False)
    traced.run(3.0)
    traced.run(0.2, mode=Mode.OFF)
    monkeypatch.setattr(SimulatedArm, "busy", True)  # a UR brakes; set-points would be dropped until it stands
    before = len(traced.set_q)
    traced.virtual.operator.press(Mode.ENGAGED)
    traced.run(0.3)
    assert len(traced.set_q) == before
    monkeypatch.undo()
    traced.run(0.01)
    assert np.abs(traced.set_q[before] - traced.q).max() < 1e-3
    traced.run(1.0)
    assert traced.states[-1].mode is Mode.ENGAGED


def test_an_arm_whose_controller_reports_nothing_is_held_and_goes_on_from_where_it_is(monkeypatch):
    traced = TracedSession(QUIET, renders=False)
    traced.run(3.0)
    physical = traced.virtual.physical
    look, frozen = physical.state, physical.state()
    monkeypatch.setattr(physical, "state", lambda: (look(), frozen)[1])
    traced.run(0.3)
    silent = len(traced.set_q)
    traced.run(0.1)
    assert len(traced.set_q) == silent, "no set-point is sent blindly"
    assert traced.states[-1].mode is Mode.HOLD
    monkeypatch.undo()
    traced.run(0.02)
    assert np.abs(traced.set_q[silent] - traced.q).max() < 0.02
    traced.run(2.0)
    assert traced.states[-1].mode is Mode.ENGAGED


def test_an_arm_that_was_held_for_long_waits_for_a_person():
    traced = TracedSession(QUIET, renders=False)
    traced.run(1.5)
    traced.black_out(HOPS["up"], settings=LOST)
    traced.virtual.run(5.6, mode=traced.virtual.operator.state.mode)
    assert traced.virtual.operator.state.mode is Mode.HOLD
    assert "the operator was not heard" in traced.virtual.operator.state.intent.outage
    traced.black_out(HOPS["up"], settings=BACK)
    before = traced.q
    traced.virtual.run(0.5, mode=traced.virtual.operator.state.mode)
    assert np.abs(traced.q - before).max() < 1e-5
    traced.run(0.5)
    assert traced.states[-1].mode is Mode.ENGAGED


def stop_controller(traced: TracedSession, fault: str) -> None:
    """Let the arm's controller report a stop from now on; empty: it was cleared."""
    real = type(traced.virtual.physical).state.__get__(traced.virtual.physical)
    traced.virtual.physical.state = lambda: dataclasses.replace(real(), fault=fault)  # type: ignore[method-assign]


def test_a_protective_stop_is_latched_at_every_hop_until_a_person_cleared_it_and_engages_again():
    traced = TracedSession(QUIET, renders=False)
    traced.run(1.0)
    stop_controller(traced, "protective stop")
    operator = traced.virtual.operator.state
    traced.virtual.run(0.3, mode=operator.mode)
    assert operator.safety is SafetyState.FAULT
    assert operator.mode is Mode.HOLD
    assert traced.virtual.arm.state is SafetyState.FAULT
    assert traced.commands[-1].mode is Mode.OFF
    sent = len(traced.set_q)
    traced.virtual.run(0.3, mode=operator.mode)
    assert len(traced.set_q) == sent, "a stopped arm is sent nothing"
    stop_controller(traced, "")
    traced.virtual.run(0.3, mode=operator.mode)
    assert operator.safety is SafetyState.READY
    assert len(traced.set_q) == sent, "nobody has engaged"
    before = traced.q
    traced.run(0.5)
    assert np.abs(traced.set_q[sent] - before).max() < 2e-3, "from where the arm stands"
    assert traced.states[-1].mode is Mode.ENGAGED


def test_a_wish_to_engage_from_before_a_stop_moves_nothing_after_it():
    traced = TracedSession(QUIET, renders=False)
    traced.run(1.0)
    traced.black_out(HOPS["down"], HOPS["state"], settings=LOST)  # nobody hears of the stop
    stop_controller(traced, "protective stop")
    traced.run(0.05)
    stop_controller(traced, "")
    sent = len(traced.set_q)
    traced.run(0.03)
    assert len(traced.set_q) == sent


def test_a_lowered_speed_holds_within_the_acceleration_limit_and_is_not_raised_while_engaged():
    traced = TracedSession(QUIET, renders=False)
    traced.run(1.5)
    tell(traced, max_speed_rad_s=0.1)
    traced.run(0.2)
    since = len(traced.set_q)
    traced.run(1.0)
    assert np.abs(speeds(traced, since)).max() <= 0.1 + 1e-9
    tell(traced, max_speed_rad_s=3.0)
    traced.run(0.5)
    assert np.abs(speeds(traced, since)).max() <= 0.1 + 1e-9
    assert traced.statuses[-1].counters["refused_limits"] == 1
    traced.run(0.3, mode=Mode.HOLD)
    tell(traced, max_speed_rad_s=3.0)
    traced.run(0.3, mode=Mode.HOLD)
    since = len(traced.set_q)
    traced.run(1.0)
    assert np.abs(speeds(traced, since)).max() > 0.2
    assert_within_limits(*traced.set_points())


def test_a_smaller_workspace_is_kept_from_the_start_and_a_tool_outside_a_new_one_comes_inward():
    def distance_m(traced, since=0):
        tools = tool_pose_in_ur_base(np.array(traced.set_q[since::5]))[:, :3]
        return np.linalg.norm(tools - [0.0, 0.0, SHOULDER_HEIGHT_M], axis=1)

    small = dataclasses.replace(QUIET, workspace_radius_m=0.38)
    free, kept = TracedSession(QUIET, renders=False), TracedSession(small, renders=False)
    for traced in (free, kept):
        traced.run(2.5)
        assert_within_limits(*traced.set_points())
    inward = distance_m(kept)
    outside = inward > 0.38
    assert outside[0]
    assert (np.diff(inward[outside]) <= 1e-6).all(), "put down outside, it only comes inward"
    assert inward[100:].max() <= 0.38
    assert np.median(distance_m(free)[100:]) > 0.385
    tell(free, workspace_radius_m=0.37)
    free.run(1.5)
    assert_within_limits(*free.set_points())
    assert distance_m(free)[-100:].max() <= 0.37 + 1e-6


@pytest.mark.parametrize("way_ms", [20, 120])
def test_a_hold_never_goes_back_to_where_the_arm_was_while_it_came_to_rest(way_ms, monkeypatch):
    network = NetworkCfg(delay_ms=20, state=f"delay_ms={way_ms}")
    restarts = []
    real = control.ControlFunction._meet_the_arm

    def noted(self, before, now_ns):
        q = self._path.q.copy()
        real(self, before, now_ns)
        if np.abs(self._path.q - q).max() > 1e-12:
            restarts.append(float(np.abs(self._path.q - q).max()))

    monkeypatch.setattr(control.ControlFunction, "_meet_the_arm", noted)
    traced = TracedSession(SessionCfg(network=network), renders=False)
    for _ in range(4):
        traced.run(0.9)
        traced.black_out(HOPS["up"], settings=LOST)
        traced.run(0.3)
        traced.black_out(HOPS["up"], settings=BACK)
    assert restarts == []


def test_the_way_back_from_a_silence_is_not_taken_for_the_arms_lag():
    traced = TracedSession(QUIET, renders=False)
    traced.run(2.0)
    learned_s = [traced.virtual.twin._control.downstream.servo_lag_s]
    traced.black_out(HOPS["command"], settings=LOST)
    traced.run(1.0)
    traced.black_out(HOPS["command"], settings=BACK)
    for _ in range(8):
        traced.run(0.1)
        learned_s.append(traced.virtual.twin._control.downstream.servo_lag_s)
    assert any(state.is_catching_up for state in traced.states[-100:])
    assert np.ptp(learned_s) < 0.004


def test_after_a_hold_the_arm_goes_straight_to_the_hand_and_not_first_to_where_the_twin_had_stopped():
    far = NetworkCfg(delay_ms=100)
    traced = TracedSession(SessionCfg(network=far), renders=False)
    traced.run(1.5)
    lost, back = LinkSettings(delay_ms=100, loss=1.0), LinkSettings(delay_ms=100)
    traced.black_out(HOPS["up"], settings=lost)
    traced.run(1.6)
    twin_q = traced.commands[-1].q
    assert np.abs(twin_q - traced.q).max() < 2.5e-3
    traced.black_out(HOPS["up"], settings=back)
    traced.run(1.0)
    assert traced.states[-1].mode is Mode.ENGAGED
