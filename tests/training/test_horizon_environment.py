"""The loop that policies are trained in beside the live one on the virtual clock: same motion, times and errors."""

from __future__ import annotations

import numpy as np
import pytest
from made_hands import handwriting
from noted_session import (
    LATE,
    NotedSession,
    foretell,
    joint_differences,
    loops_of,
    root_mean_squares,
    steady,
    with_outages,
)

from teletwin.clock import NS_PER_S
from teletwin.messages import LinkSettings
from teletwin.session.build import SERVO_LAG_S
from teletwin.session.config import HorizonCfg
from teletwin_training.horizon.conditions import HOPS
from teletwin_training.horizon.hands import bank_of
from teletwin_training.horizon.timing import TICKS_PER_SLOT

DIED_AWAY = 700
"""Slot by which nothing is left of the start: training begins with the arm at home, at slot 300."""
JUDGED = 420
"""Slot from which on errors are compared."""


@pytest.fixture(scope="module")
def hand():
    return handwriting(1500)


@pytest.fixture(scope="module")
def hands(hand):
    return bank_of([hand])


@pytest.fixture(scope="module")
def silences(hand, hands):
    """50 ms; commands are lost for 90 ms and for 0.4 s, then packets for 0.3 s: differences of joints by slot."""
    outages = {"command": [(7.3, 0.09), (7.8, 0.4)], "up": [(9.0, 0.3)]}
    schedule = with_outages(steady(50.0), outages)
    noted = NotedSession(schedule, hand, has_pictures=False).run(10.2).noted
    loops = loops_of(hands, foretell(schedule, 11.0).bank, LATE[None], arm="rmpflow")
    return joint_differences(noted, loops, LATE[None], end_slot=1019)


@pytest.fixture(scope="module")
def rough(hand):
    schedule = steady(50.0, 30.0)
    return NotedSession(schedule, hand, knows_clocks=True).run(8.0).noted, foretell(schedule, 9.0)


@pytest.fixture(scope="module")
def changing(hand):
    """20, then 120, then 50 ms with jitter and loss; every hop fails for 0.3 s, one after the other."""

    def settings(delay_ms, loss=0.01):
        return LinkSettings(delay_ms=delay_ms, jitter_ms=10.0, loss=loss)

    schedule = {
        hop: [
            (0, settings(20.0)),
            (round(2.0 * NS_PER_S), settings(120.0)),
            (round((2.5 + 0.4 * number) * NS_PER_S), settings(120.0, loss=1.0)),
            (round((2.8 + 0.4 * number) * NS_PER_S), settings(50.0)),
        ]
        for number, hop in enumerate(HOPS)
    }
    return NotedSession(schedule, hand, knows_clocks=True).run(6.0).noted, foretell(schedule, 7.0)


@pytest.fixture(scope="module")
def as_it_is(hand):
    """60 +- 10 ms with everything that is learned while running, and an arm with masses and drives."""
    schedule = steady(60.0, 10.0)
    session = NotedSession(schedule, hand, learns_servo_lag=True, physics=True, settle_s=0.01 * JUDGED).run(8.0)
    return session, foretell(schedule, 9.0)


def test_late_bound_arms_move_as_the_live_arm(silences):
    assert silences[300] > 0.1  # the arms begin apart, so that being together later means something
    calm = [rad for slot, rad in silences.items() if DIED_AWAY <= slot < 730]
    assert len(calm) > 5
    assert max(calm) <= 1e-6


def test_an_arm_without_commands_holds_and_comes_back_as_the_live_arm(silences):
    # The approach after a silence ends within a tick of the live arm's: 0.1 mrad for some slots, then nothing again.
    assert max(rad for slot, rad in silences.items() if 730 <= slot < 900) <= 1e-4
    assert max(rad for slot, rad in silences.items() if 760 <= slot < 780 or 860 <= slot < 900) <= 1e-6


def test_an_arm_whose_twin_got_no_packets_comes_back_near_the_live_arm(silences):
    # The live twin starts again from where the arm was measured when that is more than 0.02 rad off its last command;
    # in training it starts from that command. They are together again 0.3 s later.
    assert max(rad for slot, rad in silences.items() if slot >= 900) <= 0.05
    assert max(rad for slot, rad in silences.items() if slot >= 970) <= 1e-3
    assert max(rad for slot, rad in silences.items() if slot >= 1015) <= 1e-4


def test_arms_in_paper_mode_move_as_the_live_arm(hand, hands):
    schedule, horizons = steady(50.0), np.array([[0.2, 0.15, 0.2, 0.15, 1.0, 0.0]])
    fixed = HorizonCfg(policy="fixed", horizon_control_ms=200, horizon_render_ms=150)
    session = NotedSession(schedule, hand, has_pictures=False, paper_mode=True, horizon=fixed)
    noted = session.run(7.6).noted
    loops = loops_of(hands, foretell(schedule, 9.0).bank, horizons, arm="rmpflow", stock=True)
    apart = joint_differences(noted, loops, horizons, end_slot=759)
    assert max(rad for slot, rad in apart.items() if slot >= DIED_AWAY) <= 1e-6


def test_arms_on_a_rough_network_move_as_the_live_arm(hands, rough):
    noted, foretold = rough
    loops = loops_of(hands, foretold.bank, LATE[None], arm="rmpflow")
    apart = joint_differences(noted, loops, LATE[None], end_slot=799)
    assert max(rad for slot, rad in apart.items() if slot >= DIED_AWAY) <= 1e-6


@pytest.mark.parametrize("network", ["rough", "changing"])
def test_times_are_those_of_the_live_session_with_the_same_seed(request, network):
    noted, foretold = request.getfixturevalue(network)
    timing, run = foretold.timing, foretold.pictures
    ticks, slots, pictures, before = len(noted.packets), len(noted.known), len(noted.begun), 100
    started = before * TICKS_PER_SLOT
    assert noted.packets[started:] == timing.packet[started:ticks].tolist()
    assert np.allclose(noted.downstream_s, timing.downstream_s[:ticks], rtol=0.0, atol=1e-12)
    aol_s, uplink_s, control_s, display_s = np.array(noted.known).T[:, before:]
    assert np.allclose(aol_s, timing.aol_s[before:slots], rtol=0.0, atol=1e-12)
    assert np.allclose(uplink_s, timing.uplink_age_s[before:slots], rtol=0.0, atol=1e-12)
    assert np.allclose(control_s - SERVO_LAG_S, timing.link_control_s[before:slots], rtol=0.0, atol=1e-12)
    assert np.allclose(display_s, foretold.bank.display_s[0, before:slots], rtol=0.0, atol=1e-12)
    begun = [(t_ns // 1_000_000, packet) for t_ns, packet, _ in noted.begun]
    assert begun == [row[:2] for row in run.rows[:pictures]]
    ways_s = [way_s for *_, way_s in noted.begun]
    assert np.allclose(ways_s, [row[4] for row in run.rows[:pictures]], rtol=0.0, atol=1e-12)
    assert noted.drawn == [(picture + 1, t_ns) for t_ns, picture, _ in run.drawn[: len(noted.drawn)]]


def test_what_the_operator_knows_is_off_by_what_the_clocks_are(as_it_is):
    # Live, offsets between clocks are estimated, and half the difference of the two ways' jitter stays in them. That
    # moves measured ages by milliseconds; the Age of Loop is on one clock alone and exact.
    session, foretold = as_it_is
    timing, before = foretold.timing, 200
    slots, ticks, started = len(session.noted.known), len(session.noted.packets), before * TICKS_PER_SLOT
    aol_s, uplink_s, _, display_s = np.array(session.noted.known).T[:, before:]
    assert session.noted.packets[started:] == timing.packet[started:ticks].tolist()
    assert np.array_equal(aol_s, timing.aol_s[before:slots])
    assert np.array_equal(display_s, foretold.bank.display_s[0, before:slots])
    for apart_s in (
        np.abs(uplink_s - timing.uplink_age_s[before:slots]),
        np.abs(np.array(session.noted.downstream_s) - timing.downstream_s[:ticks])[started:],
    ):
        assert apart_s.mean() < 0.004
        assert apart_s.max() < 0.01


def assert_errors_agree(hands, session, foretold):
    metrics = session.live.metrics
    control, shown = metrics.control.whole(), metrics.shown.whole()
    live = np.array([control.position_m, control.orientation_rad, shown.position_m, shown.orientation_rad])
    for arm in ("rmpflow", "lag"):
        loops = loops_of(hands, foretold.bank, LATE[None], arm=arm)
        trained = root_mean_squares(loops, LATE[None], first_slot=JUDGED, end_slot=799)[0]
        assert np.abs(trained / live - 1.0).max() < 0.15, f"{arm}: {trained} beside {live}"


def test_errors_are_those_of_the_live_session_with_jitter(hands, as_it_is):
    assert_errors_agree(hands, *as_it_is)


def test_errors_are_those_of_the_live_session_without_jitter(hand, hands):
    schedule = steady(50.0)
    session = NotedSession(schedule, hand, learns_servo_lag=True, physics=True, settle_s=0.01 * JUDGED).run(8.0)
    assert_errors_agree(hands, session, foretell(schedule, 9.0))
