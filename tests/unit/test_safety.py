"""The one table of what may move the arm: nothing does without a person's word and a sign of life."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from teletwin.errors import ConfigError
from teletwin.messages import Mode
from teletwin.robot.ur3e import JointLimits, WorkspaceLimits
from teletwin.safety import (
    MotionLimits,
    RateLimit,
    RateLimits,
    SafetyState,
    Seen,
    SessionLimits,
    Watchdog,
    mode_of,
    next_state,
    tightened,
)
from teletwin.safety.document import silences_table, states_table, with_tables
from teletwin.session.config import SessionCfg

DOCUMENT = Path(__file__).parents[2] / "docs" / "safety.md"
EVERYTHING = [Seen(*values) for values in itertools.product(Mode, *[(False, True)] * 5)]
WELL = Seen(Mode.ENGAGED, True, False, True, True, True)


@pytest.mark.parametrize("state", SafetyState)
def test_nothing_engages_without_a_word_a_measured_arm_that_is_well_and_a_sign_of_life(state):
    for seen in EVERYTHING:
        after = next_state(state, seen)
        if after is SafetyState.ENGAGED:
            assert seen.asked is Mode.ENGAGED
            assert seen.hears
            assert seen.is_fresh
            assert seen.is_enabled
            assert not seen.is_stopped
            assert seen.knows_arm or state in (SafetyState.READY, SafetyState.HOLD, SafetyState.ENGAGED)
        if seen.is_stopped:
            assert after is SafetyState.FAULT
        if seen.asked is Mode.OFF:
            assert after in (SafetyState.OFF, SafetyState.FAULT)
        assert next_state(after, seen) is after, "the table is walked to its end"
        assert mode_of(after) is not Mode.ENGAGED or after is SafetyState.ENGAGED


def test_a_stop_of_the_controller_needs_a_person_twice():
    state = next_state(SafetyState.ENGAGED, WELL._replace(is_stopped=True))
    assert state is SafetyState.FAULT
    state = next_state(state, WELL)
    assert state is SafetyState.FAULT, "cleared, but the wish to engage is from before"
    state = next_state(state, WELL._replace(asked=Mode.HOLD))
    assert state is SafetyState.READY
    assert next_state(state, WELL) is SafetyState.ENGAGED


def test_the_document_has_the_tables_of_the_code():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run scripts/make_safety_tables.py"
    assert states_table() in text
    assert silences_table() in text


def test_a_watchdog_barks_before_the_first_word_and_after_the_last():
    watchdog = Watchdog(80)
    assert not watchdog.is_calm(0)
    watchdog.hear(1000)
    assert watchdog.is_calm(1080)
    assert not watchdog.is_calm(1081)


def test_a_clock_that_stands_still_does_not_calm_a_watchdog():
    watchdog = Watchdog(80, tick_ns=2)
    watchdog.hear(1000)
    calm = []
    for _ in range(42):
        watchdog.pass_time(1000)
        calm.append(watchdog.is_calm(1000))
    assert calm.count(True) == 41
    watchdog.hear(1000)
    assert watchdog.is_calm(1000)
    assert watchdog.is_calm(1078)


def test_a_rate_lets_bursts_through_and_fills_evenly():
    limit = RateLimit(rate_hz=10.0, burst=3.0)
    assert [limit.allows(1) for _ in range(5)] == [True, True, True, False, False]
    assert not limit.allows(50_000_000)
    assert limit.allows(110_000_000)
    assert not limit.allows(115_000_000, cost=0.0), "nothing is left for one more"
    assert limit.allows(10_000_000_000, cost=3.0)
    assert not limit.allows(10_000_000_001)


def test_rates_by_name_are_apart_and_remember_the_last_ones_only():
    limits = RateLimits(rate_hz=1.0, burst=1.0, most=3)
    assert limits.allows("a", 1)
    assert not limits.allows("a", 2)
    assert all(limits.allows(name, 3) for name in "bcdef")
    assert len(limits) == 3
    assert limits.allows("a", 4), "forgotten"


def test_without_a_session_s_own_the_limits_are_the_arm_s():
    limits = MotionLimits()
    assert limits.max_speed_rad_s == JointLimits().velocity.max()
    assert limits.workspace_radius_m == WorkspaceLimits().radius_m
    assert limits.workspace_height_m == WorkspaceLimits().height_min_m


def test_limits_are_lowered_at_any_time_and_raised_at_rest_only():
    ceiling = MotionLimits(max_speed_rad_s=2.0)
    lower = tightened(ceiling, {"max_speed_rad_s": 0.5}, ceiling=ceiling, state=SafetyState.ENGAGED)
    assert lower.max_speed_rad_s == 0.5
    with pytest.raises(ConfigError, match="cannot be raised while the arm is engaged"):
        tightened(lower, {"max_speed_rad_s": 1.0}, ceiling=ceiling, state=SafetyState.ENGAGED)
    with pytest.raises(ConfigError, match="cannot be raised while the arm is engaged"):
        tightened(
            tightened(ceiling, {"workspace_height_m": 0.1}, ceiling=ceiling, state=SafetyState.ENGAGED),
            {"workspace_height_m": 0.05},
            ceiling=ceiling,
            state=SafetyState.ENGAGED,
        )
    assert tightened(lower, {"max_speed_rad_s": 2.0}, ceiling=ceiling, state=SafetyState.HOLD) == ceiling
    with pytest.raises(ConfigError, match="wider than allowed"):
        tightened(lower, {"max_speed_rad_s": 3.0}, ceiling=ceiling, state=SafetyState.OFF)


@pytest.mark.parametrize(
    "wish",
    [
        {"speed": 1.0},
        {"max_speed_rad_s": float("nan")},
        {"max_speed_rad_s": 10**401},
        {"max_speed_rad_s": "1"},
        {"workspace_radius_m": 0.0},
    ],
)
def test_a_limit_that_is_none_changes_nothing(wish):
    limits = SessionLimits(MotionLimits())
    with pytest.raises(ConfigError):
        limits.ask(wish, state=SafetyState.OFF)
    assert limits.now == MotionLimits()
    assert limits.refused_count == 1


def test_an_old_wish_that_arrives_late_cannot_raise_what_a_newer_one_lowered():
    limits = SessionLimits(MotionLimits())
    limits.ask({"max_speed_rad_s": 0.5, "t_ns": 20}, state=SafetyState.HOLD)
    with pytest.raises(ConfigError):
        limits.ask({"max_speed_rad_s": 1.0, "t_ns": 10}, state=SafetyState.HOLD)
    limits.ask({"max_speed_rad_s": 0.3, "t_ns": 15}, state=SafetyState.HOLD)
    assert limits.now.max_speed_rad_s == 0.3
    limits.ask({"max_speed_rad_s": 1.0, "t_ns": 30}, state=SafetyState.HOLD)
    assert limits.now.max_speed_rad_s == 1.0


def test_an_operator_that_was_started_again_raises_what_it_lowered_before_whatever_its_clock_says():
    limits = SessionLimits(MotionLimits())
    limits.ask({"max_speed_rad_s": 0.5, "t_ns": 10**15, "start": 1}, state=SafetyState.HOLD)
    limits.ask({"max_speed_rad_s": 1.0, "t_ns": 20, "start": 2}, state=SafetyState.HOLD)
    with pytest.raises(ConfigError):  # a repeat from before the restart
        limits.ask({"max_speed_rad_s": 2.0, "t_ns": 2 * 10**15, "start": 1}, state=SafetyState.HOLD)
    assert limits.now.max_speed_rad_s == 1.0


@pytest.mark.parametrize(
    "change",
    [{"max_speed_rad_s": 0.0}, {"max_speed_rad_s": 7.0}, {"workspace_radius_m": 0.6}, {"workspace_height_m": 0.0}],
)
def test_a_session_with_limits_that_the_arm_does_not_have_is_refused(change):
    with pytest.raises(ConfigError, match="out of range"):
        SessionCfg(**change)
