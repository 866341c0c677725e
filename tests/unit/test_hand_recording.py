"""Files of motion: what is read, and what is refused with file and line."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.errors import ConfigError, RecordingError
from teletwin.geometry import quat_from_rotvec, rotation_angle
from teletwin.hand import load_hand, raw_hand
from teletwin.hand.readers import CsvUnits, read_recording
from teletwin.hand.recording import HandRecording
from teletwin.hand.scaling import ScalingCfg, scale_recording
from teletwin.hand.workspace import Workspace

HOME = np.array([-0.382479, -0.131123, 0.244324, 0.0, 1.0, 0.0, 0.0])


def circling(count=600, *, speed_m_s=0.3, radius_m=0.05, turn_rad=0.2):
    t = 0.01 * np.arange(count)
    phase = speed_m_s / radius_m * t
    position = radius_m * np.stack([np.cos(phase), np.sin(phase), 0.1 * t], axis=1) + [3.0, -2.0, 1.0]
    quat = quat_from_rotvec(turn_rad * np.stack([np.sin(t), np.cos(2 * t), np.sin(3 * t)], axis=1))
    return t, np.concatenate([position, quat], axis=1)


def write_tum(path, t, poses):
    rows = np.column_stack([t, poses[:, :3], poses[:, [4, 5, 6, 3]]])
    lines = ["# a comment", *(" ".join(f"{v:.9f}" for v in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return lines


def test_a_tum_file_is_read_with_its_quaternion_order(tmp_path):
    t, poses = circling()
    write_tum(tmp_path / "a.tum", t + 1305031098.5, poses)
    recording = read_recording(tmp_path / "a.tum")
    np.testing.assert_allclose(recording.poses, poses, atol=1e-8)
    assert recording.rate_hz == pytest.approx(100.0)
    assert recording.duration_s == pytest.approx(t[-1], abs=1e-6)


@pytest.mark.parametrize(
    ("header", "time_factor", "length_factor", "units"),
    [
        ("t,x,y,z,qw,qx,qy,qz", 1.0, 1.0, None),
        ("t,x,y,z,qw,qx,qy,qz", 1e3, 1e3, None),
        ("t,x,y,z,qw,qx,qy,qz", 1e9, 1.0, None),
        ("t_ms,x_mm,y_mm,z_mm,qw,qx,qy,qz", 1e3, 1e3, None),
        ("t_us,x,y,z,qw,qx,qy,qz,note", 1e6, 1.0, None),
        ("t,x,y,z,qw,qx,qy,qz", 1e6, 1e2, CsvUnits(time="us", length="cm")),
    ],
)
def test_a_csv_file_is_read_in_its_units(tmp_path, header, time_factor, length_factor, units):
    t, poses = circling()
    scaled = np.column_stack([t * time_factor, poses[:, :3] * length_factor, poses[:, 3:]])
    tail = ",7" if header.endswith("note") else ""
    (tmp_path / "a.csv").write_text("\n".join([header, *(",".join(f"{v:.9f}" for v in row) + tail for row in scaled)]))
    recording = read_recording(tmp_path / "a.csv", units=units)
    np.testing.assert_allclose(recording.poses, poses, atol=1e-8)
    np.testing.assert_allclose(recording.t_ns, np.round(t * 1e9), atol=2000)


@pytest.mark.parametrize(
    ("line", "change", "message"),
    [
        (5, lambda f: [*f[:3], "abc", *f[4:]], "line 5: not 8 numbers"),
        (6, lambda f: f[:-1], "line 6: not 8 numbers"),
        (7, lambda f: [*f[:2], "nan", *f[3:]], "line 7: a value is not a finite number"),
        (8, lambda f: ["inf", *f[1:]], "line 8: the time is not a finite number"),
        (9, lambda f: [*f[:4], "0", "0", "0", "0"], "line 9: the quaternion is not of unit length"),
        (10, lambda f: ["0.001", *f[1:]], "line 10: time does not increase"),
        (11, lambda f: [f[0], "9.0", *f[2:]], "line 11: the hand is faster than any hand"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, change, message):
    lines = write_tum(tmp_path / "bad.tum", *circling(50))
    lines[line - 1] = " ".join(change(lines[line - 1].split()))
    (tmp_path / "bad.tum").write_text("\n".join(lines))
    with pytest.raises(RecordingError, match=message) as caught:
        read_recording(tmp_path / "bad.tum")
    assert "bad.tum" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gap_is_named_with_its_line(tmp_path):
    t, poses = circling(50)
    t[20:] += 2.0
    write_tum(tmp_path / "gap.tum", t, poses)
    with pytest.raises(RecordingError, match="line 22: a gap in time"):
        read_recording(tmp_path / "gap.tum")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.tum", b"# nothing\n", "no samples"),
        ("one.tum", b"0 0 0 0 0 0 0 1\n", "not a track"),
        ("binary.tum", b"\xff\xfe\x00\x01", "not a text file"),
        ("kind.bag", b"", "no reader"),
        ("header.csv", b"t,x,y\n1,2,3\n", "lacks columns"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=message):
        read_recording(tmp_path / name)


def test_a_mistyped_hand_is_told_which_hands_there_are():
    with pytest.raises(ConfigError, match="no such hand; given: handwritting; allowed: handwriting, line, "):
        raw_hand("handwritting")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="cannot be opened"):
        read_recording(tmp_path / "none.tum")


def test_unknown_units_are_refused():
    with pytest.raises(ConfigError, match="auto, m, cm, mm"):
        CsvUnits(length="inch")


def test_a_recording_is_read_only_and_in_one_hemisphere():
    t, poses = circling(100)
    poses[40:60, 3:] *= -1.0
    recording = HandRecording(name="a", t_ns=np.round(t * 1e9).astype(np.int64), poses=poses)
    assert (np.sum(recording.poses[1:, 3:] * recording.poses[:-1, 3:], axis=1) > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        recording.poses[0, 0] = 1.0


def test_a_fast_hand_enters_at_the_speed_of_the_arm_and_says_its_scale():
    t, poses = circling(speed_m_s=1.0, radius_m=0.1, turn_rad=1.5)
    recording = HandRecording(name="fast", t_ns=np.round(t * 1e9).astype(np.int64), poses=poses)
    scaled = scale_recording(recording, home_pose=HOME)
    speed = np.linalg.norm(np.diff(scaled.poses[:, :3], axis=0), axis=1) / 0.01
    turn_rate = rotation_angle(scaled.poses[1:, 3:], scaled.poses[:-1, 3:]) / 0.01
    assert scaled.scale == pytest.approx(0.4, rel=0.05)
    assert np.percentile(speed, 99) <= 0.41
    assert np.percentile(turn_rate, 99) <= 1.55
    assert rotation_angle(scaled.poses[:, 3:], HOME[3:]).max() <= ScalingCfg().turn_max_rad + 1e-3


def test_a_slow_small_hand_keeps_its_size():
    t, poses = circling(speed_m_s=0.1, radius_m=0.03)
    recording = HandRecording(name="slow", t_ns=np.round(t * 1e9).astype(np.int64), poses=poses)
    scaled = scale_recording(recording, home_pose=HOME)
    assert scaled.scale == 1.0
    np.testing.assert_allclose(np.diff(scaled.poses[:, :3], axis=0), np.diff(poses[:, :3], axis=0), atol=1e-12)


def test_every_recorded_target_lies_in_the_workspace():
    t, poses = circling(speed_m_s=0.4, radius_m=0.6)
    recording = HandRecording(name="wide", t_ns=np.round(t * 1e9).astype(np.int64), poses=poses)
    scaled = scale_recording(recording, home_pose=HOME)
    assert scaled.scale < 1.0
    assert all(Workspace().contains(place) for place in scaled.poses[:, :3])


def test_the_default_hand_is_handwriting_that_anyone_can_repeat(capfd):
    first, second = (load_hand("handwriting", home_pose=HOME) for _ in range(2))
    assert first.poses.tobytes() == second.poses.tobytes()
    assert capfd.readouterr().out == ""
    assert 35.0 <= first.duration_s <= 60.0
    speed = np.linalg.norm(np.diff(first.poses[:, :3], axis=0), axis=1) * first.rate_hz
    assert 0.03 < np.median(speed) < 0.15
    assert speed.max() < 0.3
    acceleration = np.linalg.norm(np.diff(first.poses[:, :3], n=2, axis=0), axis=1) * first.rate_hz**2
    assert acceleration.max() < 3.0
    assert all(Workspace().contains(place) for place in first.poses[:, :3])
    assert np.linalg.norm(first.poses[0, :3] - first.poses[-1, :3]) < 2e-3
