"""A slow computer is given a slower loop before anything starts; a real robot never is."""

from __future__ import annotations

import pytest

from teletwin.clock import SystemClock, VirtualClock
from teletwin.session import carried_rate
from teletwin.session.carried_rate import carried_rate_hz, measure_cycle_s, paced
from teletwin.session.config import SessionCfg


@pytest.mark.parametrize(
    ("cycle_us", "cores", "rate_hz"),
    [(30.0, 2, 500.0), (60.0, 2, 250.0), (60.0, 4, 500.0), (77.0, 2, 125.0), (5000.0, 1, 125.0)],
)
def test_the_rate_follows_from_how_fast_the_computer_is_and_how_many_cores_it_has(cycle_us, cores, rate_hz):
    assert carried_rate_hz(1e-6 * cycle_us, cores) == rate_hz


def test_a_cycle_takes_no_time_on_the_virtual_clock_and_some_on_a_real_one():
    assert measure_cycle_s(VirtualClock()) == 0.0
    assert 1e-6 < measure_cycle_s(SystemClock()) < 0.1


def test_a_slow_computer_says_at_which_rate_it_runs_and_how_to_have_the_other(monkeypatch):
    monkeypatch.setattr(carried_rate, "measure_cycle_s", lambda clock: 1e-3)
    said: list[str] = []
    session = paced(SessionCfg(), VirtualClock(), said.append)
    assert (session.control_rate_hz, session.servo_rate_hz) == (125.0, 125.0)
    assert len(said) == 1
    assert "125 Hz" in said[0]
    assert "--no-pace" in said[0]


def test_a_rate_that_was_asked_for_is_never_raised(monkeypatch):
    monkeypatch.setattr(carried_rate, "measure_cycle_s", lambda clock: 1e-5)
    said: list[str] = []
    asked = SessionCfg(control_rate_hz=100.0, servo_rate_hz=250.0)
    assert paced(asked, VirtualClock(), said.append) == asked
    assert said == []


@pytest.mark.parametrize("robot", [{"robot": "ros2"}, {"robot_host": "192.0.2.1"}])
def test_a_real_robot_keeps_its_rate(monkeypatch, robot):
    monkeypatch.setattr(carried_rate, "measure_cycle_s", lambda clock: 1.0)
    session = SessionCfg(**robot)
    assert paced(session, VirtualClock()) == session
