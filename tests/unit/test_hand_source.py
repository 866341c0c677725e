"""Replay, the person at the page, the clutch, and who has the tool."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.geometry import quat_from_rotvec, rotation_angle
from teletwin.hand.browser import BrowserHand, HandInput
from teletwin.hand.clutch import Clutch, ClutchCfg
from teletwin.hand.recording import HandRecording
from teletwin.hand.replay import ReplayHand
from teletwin.hand.source import HandSwitch

HOME = np.array([-0.382479, -0.131123, 0.244324, 0.0, 1.0, 0.0, 0.0])
MS = 1_000_000


def open_stroke(rate_hz=100.0, duration_s=2.0):
    """A recording whose end lies 0.1 m and some angle from its start."""
    t = np.arange(0.0, duration_s, 1.0 / rate_hz)
    poses = np.tile(HOME, (len(t), 1))
    poses[:, 1] += 0.05 * t
    poses[:, 3:] = quat_from_rotvec(np.outer(0.2 * t, [0.0, 0.0, 1.0]))
    return HandRecording(name="stroke", t_ns=np.round(t * 1e9).astype(np.int64), poses=poses)


def played(hand, *, start_ns=0, duration_s=10.0, step_ms=7):
    samples = []
    for now_ns in range(start_ns, start_ns + round(duration_s * 1e9), step_ms * MS):
        polled = hand.poll(now_ns)
        assert all(sample.t_ns <= now_ns for sample in polled)
        samples += polled
    return np.array([s.t_ns for s in samples]), np.array([s.pose for s in samples])


@pytest.mark.parametrize("rate_hz", [30.0, 100.0, 250.0])
def test_a_looped_recording_has_no_jump_and_no_gap(rate_hz):
    t_ns, poses = played(ReplayHand(open_stroke(rate_hz)), start_ns=5 * 10**9)
    step_s = np.diff(t_ns) / 1e9
    assert (step_s > 0).all()
    assert step_s.max() <= max(0.01, 1.0 / rate_hz) + 1e-6
    assert (np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1) / step_s).max() < 0.3
    assert (rotation_angle(poses[1:, 3:], poses[:-1, 3:]) / step_s).max() < 1.5


@pytest.mark.parametrize("rate_hz", [30.0, 200.0])
def test_recorded_samples_come_as_they_were_recorded(rate_hz):
    recording = open_stroke(rate_hz)
    t_ns, poses = played(ReplayHand(recording, loop=False), duration_s=1.0)
    np.testing.assert_array_equal(poses, recording.poses[: len(poses)])
    np.testing.assert_array_equal(t_ns, recording.t_ns[: len(t_ns)])


def test_a_closed_recording_loops_without_a_bridge():
    t = np.arange(0, 2.0, 0.01)
    poses = np.tile(HOME, (200, 1))
    poses[:, 2] += 0.02 * np.sin(np.pi * t)
    recording = HandRecording(name="closed", t_ns=np.round(t * 1e9).astype(np.int64), poses=poses)
    t_ns, played_poses = played(ReplayHand(recording), duration_s=4.0)
    np.testing.assert_allclose(played_poses[200:399], poses[:199], atol=1e-12)
    assert np.ptp(np.diff(t_ns)) == 0


def test_without_loop_the_hand_rests_at_the_end():
    recording = open_stroke()
    t_ns, poses = played(ReplayHand(recording, loop=False), duration_s=3.0)
    assert t_ns[-1] > 2.9e9
    np.testing.assert_array_equal(poses[-1], recording.poses[-1])


@pytest.mark.parametrize("loop", [True, False])
def test_after_a_stall_only_the_last_second_is_given(loop):
    hand = ReplayHand(open_stroke(), loop=loop)
    hand.poll(0)
    samples = hand.poll(3600 * 10**9)
    assert 90 <= len(samples) <= 110
    assert samples[0].t_ns >= 3599 * 10**9


def test_a_recording_starts_when_it_is_told_to():
    hand = ReplayHand(open_stroke(), start_ns=10**9)
    assert hand.poll(10**9 - 1) == []
    assert hand.poll(10**9)[0].t_ns == 10**9


def clutch(**cfg):
    return Clutch(ClutchCfg(hand_to_base=(1.0, 0.0, 0.0, 0.0), **cfg), tool_pose=HOME)


def hand_at(x=0.0, y=0.0, z=0.0, turn=(0.0, 0.0, 0.0)):
    return np.array([x, y, z, *quat_from_rotvec(turn)])


def test_the_tool_follows_the_hand_only_while_the_clutch_is_closed():
    mapping = clutch(scale=0.5)
    mapping.update(hand_at(5.0), closed=False)
    np.testing.assert_allclose(mapping.update(hand_at(7.0), closed=True), HOME, atol=1e-12)
    moved = mapping.update(hand_at(7.04), closed=True)
    np.testing.assert_allclose(moved[:3] - HOME[:3], [0.02, 0, 0], atol=1e-12)
    np.testing.assert_array_equal(mapping.update(hand_at(9.0), closed=False), moved)
    np.testing.assert_allclose(mapping.update(hand_at(1.0), closed=True), moved, atol=1e-12)


def test_the_orientation_is_re_indexed_too():
    mapping = clutch()
    mapping.update(hand_at(turn=(0.7, 0, 0)), closed=True)
    turned = mapping.update(hand_at(turn=(0.9, 0, 0)), closed=True)
    assert rotation_angle(turned[3:], HOME[3:]) == pytest.approx(0.2, abs=1e-9)
    mapping.update(hand_at(turn=(0.1, 0.4, 0)), closed=False)
    again = mapping.update(hand_at(turn=(0.1, 0.4, 0)), closed=True)
    assert rotation_angle(again[3:], turned[3:]) < 1e-7


def test_up_on_the_screen_is_up_and_towards_the_viewer_is_away_from_the_base():
    mapping = Clutch(ClutchCfg(scale=1.0), tool_pose=HOME)
    mapping.update(hand_at(), closed=True)
    up = mapping.update(hand_at(y=0.01), closed=True)[:3] - HOME[:3]
    towards = mapping.update(hand_at(z=0.01), closed=True)[:3] - HOME[:3]
    np.testing.assert_allclose(up, [0, 0, 0.01], atol=1e-12)
    np.testing.assert_allclose(towards, 0.01 * np.array([*HOME[:2], 0]) / np.linalg.norm(HOME[:2]), atol=1e-12)


@pytest.mark.parametrize("cfg", [{"scale": 0.0}, {"hand_to_base": (1.0, 1.0, 0.0, 0.0)}, {"rotation_scale": 0.5}])
def test_a_clutch_that_cannot_be_is_refused(cfg):
    with pytest.raises(ConfigError, match="given"):
        ClutchCfg(**cfg)


def page_input(seq, t_ms, pose=None, *, closed=True, viewer=0):
    return HandInput(
        seq=seq, t_ns=t_ms * MS, pose=hand_at() if pose is None else pose, clutch=closed, device="mouse", viewer=viewer
    )


def test_every_input_becomes_a_sample_and_a_resting_hand_is_sampled_at_100_hz():
    hand = BrowserHand(clutch())
    for seq in range(1, 7):
        hand.put(page_input(seq, 16 * seq, hand_at(0.001 * seq)))
    samples = hand.poll(100 * MS)
    assert [s.input_seq for s in samples] == [1, 2, 3, 4, 5, 6]
    rest = [s for now in range(101, 1101) for s in hand.poll(now * MS)]
    assert len(rest) >= 97
    assert max(np.diff([s.t_ns for s in rest])) <= 10 * MS
    np.testing.assert_array_equal(rest[-1].pose, samples[-1].pose)


def test_bad_and_old_inputs_are_counted_and_move_nothing():
    hand = BrowserHand(clutch())
    hand.put(page_input(5, 10))
    before = hand.clutch.tool_pose
    assert not hand.put(page_input(6, 20, hand_at(np.nan)))
    assert not hand.put(page_input(7, 30, np.zeros(7)))
    assert not hand.put(page_input(5, 40, hand_at(0.1)))
    assert (hand.invalid_count, hand.stale_count) == (2, 1)
    np.testing.assert_array_equal(hand.clutch.tool_pose, before)


def test_a_reloaded_page_starts_over_without_a_jump():
    hand = BrowserHand(clutch())
    hand.put(page_input(100, 10, hand_at(0.0), viewer=1))
    tool = hand.clutch.update(hand_at(0.02), closed=True)
    assert hand.put(page_input(1, 20, hand_at(-3.0), viewer=2))
    np.testing.assert_allclose(hand.clutch.tool_pose, tool, atol=1e-12)


def test_two_hands_at_once_do_not_cancel_each_other():
    hand = BrowserHand(clutch())

    def both(k, *, mouse):
        hand.put(page_input(k, 10 * k, hand_at(0.001 * k), viewer=1))  # a leader arm: its clutch is always closed
        hand.put(page_input(k, 10 * k + 5, hand_at(-0.001 * k), closed=mouse, viewer=2))
        return hand.clutch.tool_pose[:3].copy()

    start = hand.clutch.tool_pose[:3].copy()
    led = [both(k, mouse=False) for k in range(1, 40)][-1]
    assert np.linalg.norm(led - start) > 0.03, "an idle mouse does not hold the leader up"
    dragged = [both(k, mouse=True) for k in range(40, 80)][-1]
    assert np.linalg.norm(dragged - led) > 0.03, "who takes hold of the picture has the tool"
    assert (dragged - led) @ (led - start) < 0.0
    back = [both(k, mouse=False) for k in range(80, 120)][-1]
    assert (back - dragged) @ (led - start) > 0.0, "the leader goes on"


def test_the_recording_plays_until_the_clutch_closes_and_again_on_command():
    hand = HandSwitch(open_stroke(), home_pose=HOME, start_ns=0, clutch=ClutchCfg(hand_to_base=(1.0, 0.0, 0.0, 0.0)))
    t_ns, poses = [], []

    def run(start_ms, stop_ms, seq=0, *, closed=False, speed=0.0):
        for now_ms in range(start_ms, stop_ms, 10):
            if seq:
                seq += 1
                hand.put(page_input(seq, now_ms, hand_at(3.0, speed * (now_ms - start_ms) / 1e3), closed=closed))
            for sample in hand.poll(now_ms * MS):
                t_ns.append(sample.t_ns)
                poses.append(sample.pose)
        return seq

    run(0, 1000)
    seq = run(1000, 1200, 1)  # the page is there, the clutch open
    assert hand.source == "recording"
    seq = run(1200, 2000, seq, closed=True, speed=0.1)
    assert hand.source == "person"
    assert poses[-1][1] - poses[len(poses) // 2 + 25][1] > 0.02
    hand.replay(2000 * MS)
    seq = run(2000, 4500, seq, closed=True)  # still held: the person must let go first
    assert hand.source == "recording"
    seq = run(4500, 4600, seq)
    seq = run(4600, 4700, seq, closed=True)
    assert hand.source == "person"
    hand.recentre()
    run(4700, 7000, seq)
    np.testing.assert_allclose(poses[-1], HOME, atol=1e-6)
    assert (np.diff(t_ns) > 0).all()
    assert max(np.diff(t_ns)) <= 30 * MS
    assert np.linalg.norm(np.diff(poses, axis=0)[:, :3], axis=1).max() < 0.005
