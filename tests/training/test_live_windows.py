"""Training is told of a hand what the live loop is told, at any rate of samples: nothing before it has arrived."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_hands import waves
from noted_session import LATE, NotedSession, foretell, loops_of, root_mean_squares, steady

from teletwin.buffer import PoseHistory
from teletwin.forecast import WINDOW_COUNT, build_forecaster
from teletwin.hand import load_hand
from teletwin.hand.replay import ReplayHand
from teletwin.hand.resampled import SLOT_NS
from teletwin.messages import CURVE_KNOTS
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin_training.horizon.hands import bank_of

JUDGED, END_S = 420, 8.0


def hand_at(rate_hz, *, kind="reach"):
    """A person of 14 s who is seen so many times a second."""
    return load_hand(f"{kind}:seed=1,duration=14,rate={rate_hz}", home_pose=tool_pose_in_ur_base(HOME_Q))


@pytest.mark.parametrize("rate_hz", [30, 60, 100])
def test_errors_are_those_of_the_live_session_however_often_the_hand_is_seen(rate_hz):
    hand, schedule = hand_at(rate_hz), steady(60.0, 10.0)
    session = NotedSession(schedule, hand, knows_clocks=True, settle_s=0.01 * JUDGED).run(END_S)
    control, shown = session.live.metrics.control.whole(), session.live.metrics.shown.whole()
    live = np.array([control.position_m, control.orientation_rad, shown.position_m, shown.orientation_rad])
    loops = loops_of(bank_of([hand]), foretell(schedule, END_S + 1.0).bank, LATE[None], arm="rmpflow")
    trained = root_mean_squares(loops, LATE[None], first_slot=JUDGED, end_slot=799)[0]
    apart = np.abs(trained / live - 1.0)
    assert apart[:2].max() < 0.05, f"{trained} beside {live}"
    assert apart[2:].max() < 0.08, f"{trained} beside {live}: pictures are trained on an arm that lags, and no more"


@pytest.mark.parametrize("rate_hz", [30, 142])
def test_what_training_is_told_in_a_slot_is_what_the_live_queue_holds_then(rate_hz):
    hand = hand_at(rate_hz)
    bank, replay, history = bank_of([hand]), ReplayHand(hand, loop=False), PoseHistory()
    forecaster, curve = build_forecaster("arma"), np.zeros((CURVE_KNOTS, 7))
    for slot in range(400):
        for sample in replay.poll(slot * SLOT_NS):
            history.append(sample.t_ns, sample.pose)
        window = history.window(WINDOW_COUNT, step_ns=SLOT_NS)
        forecaster.forecast(window, out=curve)
        np.testing.assert_allclose(bank.seen[slot], window[-1], atol=1e-12)
        assert bank.age_s[slot] == pytest.approx(slot * 0.01 - 1e-9 * history.newest_t_ns)
        if slot >= WINDOW_COUNT:
            np.testing.assert_allclose(bank.curves[slot], curve, atol=1e-9)


@pytest.mark.parametrize("rate_hz", [30, 60, 100, 285])
def test_what_comes_later_changes_nothing_that_training_is_told(rate_hz):
    hand = hand_at(rate_hz)
    cut = int(np.searchsorted(hand.t_ns - hand.t_ns[0], 5_000_000_000))
    poses = hand.poses.copy()
    poses[cut:, :3] += 0.02
    first, second = (bank_of([replace(hand, poses=each)]) for each in (hand.poses, poses))
    known = int((hand.t_ns[cut] - hand.t_ns[0] - 1) // SLOT_NS) + 1
    for name in ("seen", "curves", "motion"):
        np.testing.assert_array_equal(getattr(first, name)[:known], getattr(second, name)[:known], err_msg=name)
    assert (first.curves[known + 5] != second.curves[known + 5]).any()


def test_on_the_grid_of_slots_nothing_is_old():
    bank = bank_of([waves(700)])
    assert not bank.age_s.any()
    np.testing.assert_allclose(bank.seen, bank.poses, atol=1e-15)
