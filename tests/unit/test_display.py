"""What the operator saw: every sample's motion to photon, errors at equal instants, and lost frames."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.buffer import PoseHistory
from teletwin.messages import Frame
from teletwin.session.credit import Credit
from teletwin.session.display import DisplayTrack, FrameGate
from teletwin.session.trace import Trace
from teletwin.telemetry import ErrorTrack

MS = 1_000_000
POSE = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])


def frame(frame_id, *, pose_ms=0, shown=0.0, horizon_s=0.0, is_key=False, codec="h264"):
    pose, shadow = POSE.copy(), POSE.copy()
    pose[0], shadow[0] = shown, shown + 0.05
    return Frame(
        frame_id=frame_id,
        codec=codec,
        is_key=is_key,
        width=64,
        height=64,
        input_seq=0,
        pose_t_ns=pose_ms * MS,
        shown_pose=pose,
        shadow_poses=np.tile(shadow, (2, 1)),
        horizon_used_s=horizon_s,
        stages_ms={},
        t_ready_ns=0,
        data=b"1234",
    )


def track():
    hand = PoseHistory()
    made = DisplayTrack(hand, errors=[ErrorTrack() for _ in range(3)])
    for t_ms in range(0, 2000, 10):
        pose = POSE.copy()
        pose[0] = 1e-4 * t_ms  # 0.1 m/s
        hand.append(t_ms * MS, pose)
        made.sampled(t_ms * MS)
    return made


def test_every_sample_is_timed_to_the_first_frame_that_contains_it():
    shown = track()
    for frame_id, (pose_ms, drawn_ms) in enumerate([(10, 60), (20, 90), (50, 120)]):
        shown.arrived(frame(frame_id, pose_ms=pose_ms, horizon_s=0.04), t_ready_ns=(drawn_ms - 5) * MS)
        assert shown.drawn(frame_id, drawn_ms * MS, engaged=True) == pytest.approx(5.0)
    # samples 0 and 10 in the first frame, 20 in the second, 30 40 50 in the third
    assert shown.mtp_ms.count == 6
    assert shown.mtp_ms.summary()["max"] == pytest.approx(90.0, rel=0.05)
    assert shown.mtp_ms.summary()["mean"] == pytest.approx((60 + 50 + 70 + 90 + 80 + 70) / 6, rel=0.02)
    assert shown.effective_mtp_ms.summary()["mean"] == pytest.approx(70.0 - 40.0, rel=0.05)


def test_the_error_is_that_of_the_frame_on_the_screen_at_each_instant():
    shown = track()
    for frame_id in range(2):
        shown.arrived(frame(frame_id, pose_ms=10, shown=0.01), t_ready_ns=0)
    shown.drawn(0, 100 * MS, engaged=True)
    shown.drawn(1, 200 * MS, engaged=True)
    # the hand goes from 10 mm to 19 mm while 10 mm is shown
    expected = np.sqrt(np.mean((np.arange(10) * 1e-3) ** 2))
    assert shown._errors[0].whole().count == 10
    assert shown._errors[0].whole().position_m == pytest.approx(expected)
    assert shown._errors[1].whole().position_m > expected


def test_a_frame_that_was_never_announced_counts_for_nothing():
    shown = track()
    assert shown.drawn(7, 100 * MS, engaged=True) == 0.0
    assert shown.drawn_count == 0


def test_what_was_sampled_while_nobody_looked_is_not_held_against_the_picture():
    shown = track()
    shown.arrived(frame(0, pose_ms=10), t_ready_ns=0)
    shown.drawn(0, 40 * MS, engaged=False)
    shown.arrived(frame(1, pose_ms=1500), t_ready_ns=0)
    shown.drawn(1, 1540 * MS, engaged=False)
    assert shown.mtp_ms.summary()["max"] < 100.0


def test_the_gate_lets_nothing_through_between_a_loss_and_a_key_frame():
    gate = FrameGate()
    assert not gate.admit(frame(1)), "nothing can be decoded before the first key frame"
    assert gate.need_key
    assert gate.admit(frame(2, is_key=True))
    assert gate.admit(frame(3))
    assert not gate.admit(frame(5)), "4 is missing"
    assert gate.lost_count == 1
    assert not gate.admit(frame(4)), "too late"
    assert gate.late_count == 1
    assert not gate.admit(frame(6))
    assert gate.admit(frame(7, is_key=True))
    assert gate.admit(frame(8))


def test_a_renderer_that_started_again_is_seen_again():
    gate = FrameGate()
    assert gate.admit(frame(500, is_key=True))
    assert not gate.admit(frame(420, is_key=True)), "late by less than a restart"
    assert not gate.admit(frame(1)), "new numbers, and no key frame yet"
    assert gate.need_key
    assert gate.admit(frame(2, is_key=True))
    assert gate.admit(frame(3))
    assert gate.lost_count == 0


def test_pictures_that_stand_alone_need_no_key_frame():
    gate = FrameGate()
    assert gate.admit(frame(1, codec="jpeg"))
    assert gate.admit(frame(9, codec="jpeg"))
    assert gate.lost_count == 7


def test_two_frames_may_be_under_way_and_an_ack_gives_the_credit_of_older_ones_back():
    credit = Credit()
    for frame_id in (1, 2):
        assert credit.is_open(0, 30.0)
        credit.sent(frame_id, 0)
    assert not credit.is_open(MS, 30.0)
    credit.acknowledged(2, 10 * MS)
    assert credit.is_open(10 * MS, 30.0)


def test_the_credit_fills_a_long_way_but_not_a_queue():
    credit = Credit()
    credit.sent(1, 0)
    credit.acknowledged(1, 120 * MS)  # the way itself: 3.6 frames at 30 Hz
    under_way = 0
    while credit.is_open(200 * MS, 30.0):
        under_way += 1
        credit.sent(1 + under_way, 200 * MS)
    assert under_way == 5


def test_a_frame_whose_ack_is_lost_gives_its_credit_back_after_a_second():
    credit = Credit()
    credit.sent(1, 0)
    credit.sent(2, 0)
    assert not credit.is_open(900 * MS, 30.0)
    assert credit.is_open(1100 * MS, 30.0)


def test_a_burst_of_loss_costs_three_round_trips_and_not_a_second():
    credit = Credit()
    for k in range(10):
        credit.sent(k, 33 * k * MS)
        credit.acknowledged(k, (33 * k + 60) * MS)
    for k in (10, 11, 12):
        credit.sent(k, 400 * MS)
    assert not credit.is_open(560 * MS, 30.0)
    assert credit.is_open(590 * MS, 30.0)
    assert credit.lost_count == 3
    credit.acknowledged(11, 591 * MS)
    assert credit.lost_count == 3, "late after all, and counted once"


def test_when_nobody_draws_one_try_in_a_second_is_enough():
    credit = Credit()
    credit.sent(0, 0)
    credit.acknowledged(0, 20 * MS)
    credit.sent(1, 1500 * MS)
    credit.sent(2, 1500 * MS)
    assert not credit.is_open(2400 * MS, 30.0)
    assert credit.is_open(2501 * MS, 30.0)


def test_the_drawn_line_keeps_its_newest_points_a_millimetre_apart():
    trace = Trace(capacity=50)
    for k in range(1000):
        trace.add(np.array([1e-4 * k, 0.0, 0.0]))
    points = trace.points
    assert len(points) == 50
    assert (np.diff(points[:, 0]) >= 1e-3 - 1e-12).all()
    assert points[-1, 0] == pytest.approx(0.099, abs=1.1e-3)
    trace.clear()
    assert len(trace.points) == 0
