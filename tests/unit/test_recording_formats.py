"""Formats of recorded motion: small files of each kind, read back exactly, refused with the place of the fault."""

from __future__ import annotations

import builtins
import json
import struct

import numpy as np
import pytest

from teletwin.clock import VirtualClock
from teletwin.errors import MissingPartError, RecordingError
from teletwin.geometry import quat_from_rotvec, quat_to_matrix, rotation_angle
from teletwin.hand import load_hand
from teletwin.hand.csv_writer import write_csv
from teletwin.hand.readers import read_recording
from teletwin.hand.readers.parquet import ParquetLayout, read_parquet
from teletwin.hand.recording import HandRecording
from teletwin.hand.synthetic import draw_recording
from teletwin.messages import PoseSample
from teletwin.recording.log import SessionLog
from teletwin.recording.trajectory import write_tum

HOME = np.array([-0.382479, -0.131123, 0.244324, 0.0, 1.0, 0.0, 0.0])
T_NS = 1_700_000_000_000_000_000 + 10_000_000 * np.arange(200)


def moving(seed=0, *, count=200):
    t = 0.01 * np.arange(count)[:, None]
    phase = np.random.default_rng(seed).uniform(0, 6, size=6)
    position = 0.05 * np.sin(3.0 * t + phase[:3]) + [0.4, -0.1, 0.3]
    return np.concatenate([position, quat_from_rotvec(0.3 * np.sin(2.0 * t + phase[3:]))], axis=1)


def assert_same_motion(recording, poses, *, atol=1e-9):
    np.testing.assert_allclose(recording.poses[:, :3], poses[:, :3], atol=atol)
    assert rotation_angle(recording.poses[:, 3:], poses[:, 3:]).max() < 10 * max(atol, 1e-8)


def test_tum_and_csv_that_were_written_are_read_back(tmp_path):
    recording = draw_recording("reach", seed=1, duration_s=3.0)
    write_csv(tmp_path / "a.csv", recording)
    write_tum(tmp_path / "a.tum", recording.t_ns, recording.poses)
    for name in ("a.csv", "a.tum"):
        again = read_recording(tmp_path / name)
        np.testing.assert_array_equal(again.t_ns - again.t_ns[0], recording.t_ns - recording.t_ns[0])
        assert_same_motion(again, recording.poses, atol=2e-9)
    with pytest.raises(RecordingError, match="cannot be written"):
        write_csv(tmp_path / "none" / "a.csv", recording)


def test_other_csv_columns_that_begin_like_a_pose_are_skipped_and_two_of_one_name_refused(tmp_path):
    rows = "".join(f"{k / 100},{1 + k / 1e3},2,3,1,0,0,0,9,{k}\n" for k in range(50))
    path = tmp_path / "a.CSV"
    path.write_text("t_s,x_m,y,z,qw,qx,qy,qz,x_vel,t_received\n" + rows)
    again = read_recording(path)
    np.testing.assert_allclose(again.poses[:, :3], [[1 + k / 1e3, 2, 3] for k in range(50)])
    assert again.t_ns[-1] - again.t_ns[0] == pytest.approx(490_000_000, abs=2)
    path.write_text("t,x,y,z,qw,qx,qy,qz,x_mm,t_received\n" + rows)
    with pytest.raises(RecordingError, match="two columns are x"):
        read_recording(path)


# MCAP


def cdr(t_ns, pose, *, frame="map", child=None, order="<"):
    out = bytearray(struct.pack(f"{order}iI", t_ns // 10**9, t_ns % 10**9))
    for text in [frame] + ([] if child is None else [child]):
        out += b"\0" * (-len(out) % 4) + struct.pack(f"{order}I", len(text) + 1) + text.encode() + b"\0"
    out += b"\0" * (-len(out) % 8)
    out += struct.pack(f"{order}7d", *pose[:3], *pose[4:], pose[3])
    return bytes([0, order == "<", 0, 0]) + bytes(out)


def write_mcap(path, topics, *, log_ns=T_NS):
    """topics: name -> (schema, encoding, messages)."""
    from mcap.writer import Writer

    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        for topic, (schema, encoding, messages) in topics.items():
            kind = writer.register_schema(schema, "ros2msg", b"")
            channel = writer.register_channel(topic, encoding, kind)
            for t_ns, data in zip(log_ns.tolist(), messages, strict=False):
                writer.add_message(channel, t_ns, data, t_ns)
        writer.finish()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("frame", ["", "map", "base", "base_link"])
@pytest.mark.parametrize(
    ("schema", "child"),
    [
        ("geometry_msgs/msg/PoseStamped", None),
        ("geometry_msgs/msg/TransformStamped", "tool0"),
        ("nav_msgs/msg/Odometry", "stylus"),
    ],
)
def test_ros_poses_in_an_mcap_are_read_with_their_own_stamps(tmp_path, schema, child, frame, order):
    poses = moving()
    data = [cdr(int(t), pose, frame=frame, child=child, order=order) for t, pose in zip(T_NS, poses, strict=True)]
    write_mcap(tmp_path / "a.mcap", {"/stylus": (schema, "cdr", data)}, log_ns=T_NS + 5_000)
    recording = read_recording(tmp_path / "a.mcap")
    np.testing.assert_array_equal(recording.t_ns, T_NS)
    assert_same_motion(recording, poses)


def test_poses_that_nobody_stamped_take_the_time_of_the_log(tmp_path):
    data = [cdr(0, pose) for pose in moving()]
    write_mcap(tmp_path / "a.mcap", {"/stylus": ("geometry_msgs/msg/PoseStamped", "cdr", data)})
    np.testing.assert_array_equal(read_recording(tmp_path / "a.mcap").t_ns, T_NS)


def test_of_several_topics_one_must_be_named_after_a_hash(tmp_path):
    left, right = ([cdr(int(t), p) for t, p in zip(T_NS, moving(seed), strict=True)] for seed in (1, 2))
    kind = "geometry_msgs/msg/PoseStamped"
    words = ("std_msgs/msg/String", "cdr", [b"\0\1\0\0"])
    write_mcap(tmp_path / "a.mcap", {"/left": (kind, "cdr", left), "/right": (kind, "cdr", right), "/words": words})
    with pytest.raises(RecordingError, match=r"which topic.*allowed: /left, /right.*a\.mcap#/left"):
        read_recording(tmp_path / "a.mcap")
    with pytest.raises(RecordingError, match="which topic"):
        read_recording(f"{tmp_path}/a.mcap#/words")
    assert_same_motion(read_recording(f"{tmp_path}/a.mcap#/right"), moving(2))


def test_a_session_that_was_recorded_here_plays_as_a_hand(tmp_path):
    poses, clock = moving(), VirtualClock(start_ns=int(T_NS[0]))
    with SessionLog(tmp_path / "session.mcap", clock=clock) as log:
        for t_ns, pose in zip(T_NS.tolist(), poses, strict=True):
            clock.sleep_until(t_ns)
            log.write(PoseSample(t_ns=t_ns, pose=pose), role="operator")
            log.write_pose("/tool/measured", pose, t_ns=t_ns)
    recording = read_recording(tmp_path / "session.mcap")
    np.testing.assert_array_equal(recording.t_ns, T_NS)
    assert_same_motion(recording, poses)
    assert load_hand(f"{tmp_path}/session.mcap#/tool/measured", home_pose=HOME).scale == 1.0


def test_an_mcap_that_ends_too_early_is_read_up_to_there(tmp_path):
    count = 20_000
    times = T_NS[0] + 10_000_000 * np.arange(count)
    data = [cdr(int(t), p) for t, p in zip(times, moving(count=count), strict=True)]
    write_mcap(tmp_path / "a.mcap", {"/a": ("geometry_msgs/msg/PoseStamped", "cdr", data)}, log_ns=times)
    whole = (tmp_path / "a.mcap").read_bytes()
    (tmp_path / "a.mcap").write_bytes(whole[: int(0.8 * len(whole))])
    assert 100 < len(read_recording(tmp_path / "a.mcap").t_ns) < count


def test_bad_messages_and_files_are_refused_with_their_number(tmp_path):
    poses = moving()
    kind = "geometry_msgs/msg/PoseStamped"
    good = [cdr(int(t), p) for t, p in zip(T_NS, poses, strict=True)]
    late = [cdr(int(t) + 10**9, p) for t, p in zip(T_NS[100:], poses[100:], strict=True)]
    fast = poses.copy()
    fast[50:, 0] += 0.5  # 0.5 m in 10 ms: 50 m/s
    cases = {
        "message 7: not a geometry": [*good[:6], good[6][:40], *good[7:]],
        "message 3: not a geometry": [*good[:2], b"\7\7", *good[3:]],
        "message 51: the hand is faster": [cdr(int(t), p) for t, p in zip(T_NS, fast, strict=True)],
        "message 11: time does not increase": [*good[:10], good[9], *good[11:]],
        "message 101: a gap in time": [*good[:100], *late],
        "message 5: the quaternion": [*good[:4], cdr(int(T_NS[4]), poses[4] * 1.1), *good[5:]],
    }
    for words, messages in cases.items():
        write_mcap(tmp_path / "a.mcap", {"/a": (kind, "cdr", messages)})
        with pytest.raises(RecordingError, match=words):
            read_recording(tmp_path / "a.mcap")
    (tmp_path / "b.mcap").write_bytes(b"this is no mcap file at all")
    with pytest.raises(RecordingError, match="no topic holds poses"):
        read_recording(tmp_path / "b.mcap")
    with pytest.raises(RecordingError, match="cannot be opened"):
        read_recording(tmp_path / "c.mcap")


# Parquet


def write_parquet(path, columns):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(pyarrow.table(columns), path)


def lerobot(root, poses, *, names, numbers, column="observation.state", nested=True):
    half = len(poses) // 2
    columns = {
        "timestamp": np.concatenate([0.01 * np.arange(half)] * 2),
        "episode_index": np.repeat([4, 5], half),
        column: numbers.tolist(),
    }
    path = root / "data/chunk-000/episode_000000.parquet"
    write_parquet(path, columns)
    (root / "meta").mkdir(exist_ok=True)
    listed = {"motors": names} if nested else names
    (root / "meta/info.json").write_text(json.dumps({"features": {column: {"names": listed}}}))
    return path


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["x", "y", "z", "qx", "qy", "qz", "qw", "gripper"], [0, 1, 2, 4, 5, 6, 3]),
        (["ee.pos_x", "ee.pos_y", "ee.pos_z", "ee.quat_w", "ee.quat_x", "ee.quat_y", "ee.quat_z"], range(7)),
    ],
)
def test_a_lerobot_episode_is_read_by_the_names_of_its_data_set(tmp_path, names, order, nested):
    poses = moving()
    numbers = np.column_stack([poses[:, list(order)], np.ones((200, len(names) - 7))])
    path = lerobot(tmp_path, poses, names=names, numbers=numbers, nested=nested)
    first, second = read_recording(path), read_recording(f"{path}#observation.state:5")
    assert first.name.endswith("episode 4")
    assert_same_motion(first, poses[:100])
    assert_same_motion(second, poses[100:])
    with pytest.raises(RecordingError, match=r"no such episode.*given: 9"):
        read_recording(f"{path}#observation.state:9")
    with pytest.raises(RecordingError, match="no such column"):
        read_recording(f"{path}#action")


def test_roll_pitch_yaw_and_rotation_vectors_are_understood(tmp_path):
    angles = 0.4 * np.sin(0.05 * np.arange(200)[:, None] + [0.0, 1.0, 2.0])
    (cr, cp, cy), (sr, sp, sy) = np.cos(angles).T, np.sin(angles).T
    matrix = np.empty((200, 3, 3))  # about fixed x, then y, then z
    matrix[:, 0] = np.stack([cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr], axis=1)
    matrix[:, 1] = np.stack([sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr], axis=1)
    matrix[:, 2] = np.stack([-sp, cp * sr, cp * cr], axis=1)
    numbers = np.concatenate([moving()[:, :3], angles], axis=1)
    path = lerobot(tmp_path, numbers, names=["x", "y", "z", "roll", "pitch", "yaw"], numbers=numbers)
    np.testing.assert_allclose(quat_to_matrix(read_recording(path).poses[:, 3:]), matrix[:100], atol=1e-12)
    vectors = ParquetLayout(column="observation.state", names=("x", "y", "z", "rx", "ry", "rz"), length_m=1e-3)
    recording = read_parquet(path, layout=vectors)
    np.testing.assert_allclose(recording.poses[:, :3], 1e-3 * numbers[:100, :3], atol=1e-15)
    assert rotation_angle(recording.poses[:, 3:], quat_from_rotvec(angles[:100])).max() < 1e-7


def test_a_flat_table_is_read_and_numbers_without_names_are_refused(tmp_path):
    poses = moving()
    columns = dict(zip(("x", "y", "z", "qw", "qx", "qy", "qz"), poses.T, strict=True))
    write_parquet(tmp_path / "flat.parquet", {"note": ["a"] * 200, "t": 0.01 * np.arange(200), **columns})
    assert_same_motion(read_recording(tmp_path / "flat.parquet"), poses)
    columns["x"] = np.where(np.arange(200) < 120, columns["x"], columns["x"] + 1.0)
    write_parquet(tmp_path / "fast.parquet", {"t": 0.01 * np.arange(200), **columns})
    with pytest.raises(RecordingError, match=r"row 121: the hand is faster"):
        read_recording(tmp_path / "fast.parquet")
    write_parquet(tmp_path / "bare.parquet", {"timestamp": 0.01 * np.arange(200), "action": poses.tolist()})
    with pytest.raises(RecordingError, match=r"which numbers are the pose.*meta/info\.json"):
        read_recording(tmp_path / "bare.parquet")
    (tmp_path / "no.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(RecordingError, match="not a Parquet file"):
        read_recording(tmp_path / "no.parquet")


# BROAD


def write_broad(path, poses, **attributes):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        file["opt_pos"], file["opt_quat"] = poses[:, :3], poses[:, 3:]


def test_a_broad_trial_is_read_without_the_samples_that_no_camera_saw(tmp_path):
    poses = moving()
    poses[20:25, 0] = np.nan
    poses[60, 4] = np.nan
    write_broad(tmp_path / "a.hdf5", poses, sampling_rate=2000.0 / 7.0)
    recording = read_recording(tmp_path / "a.hdf5")
    seen = np.isfinite(poses).all(axis=1)
    assert len(recording.t_ns) == 194
    assert recording.t_ns[20] == round(25 * 3.5e6)
    assert_same_motion(recording, poses[seen])


def test_what_is_no_broad_trial_is_refused(tmp_path):
    poses = moving()
    poses[30:110] = np.nan
    write_broad(tmp_path / "gap.hdf5", poses, sampling_rate=100.0)
    with pytest.raises(RecordingError, match="row 111: a gap in time"):
        read_recording(tmp_path / "gap.hdf5")
    write_broad(tmp_path / "rate.hdf5", moving(), sampling_rate=0.0)
    with pytest.raises(RecordingError, match="sampling rate"):
        read_recording(tmp_path / "rate.hdf5")
    import h5py

    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["imu"] = np.zeros(3)
    with pytest.raises(RecordingError, match="not a BROAD trial"):
        read_recording(tmp_path / "other.hdf5")
    (tmp_path / "no.hdf5").write_bytes(b"not hdf5")
    for name in ("no.hdf5", "none.hdf5"):
        with pytest.raises(RecordingError, match="cannot be opened"):
            read_recording(tmp_path / name)


# JIGSAWS


def write_jigsaws(path, *, seeds=(1, 2, 3, 4)):
    parts = []
    for seed in seeds:
        poses = moving(seed)
        matrix = quat_to_matrix(poses[:, 3:]).reshape(-1, 9)
        parts.append(np.column_stack([poses[:, :3], matrix, np.zeros((200, 7))]))
    rows = np.concatenate(parts, axis=1)
    path.write_text("\n".join("   ".join(f"{value:.6f}" for value in row) for row in rows) + "\n")
    return rows


@pytest.mark.parametrize(
    ("part", "seed"), [("", 2), ("#master-left", 1), ("#master-right", 2), ("#slave-left", 3), ("#slave-right", 4)]
)
def test_each_manipulator_of_jigsaws_is_read_at_30_hz(tmp_path, part, seed):
    write_jigsaws(tmp_path / "Suturing_B001.txt")
    recording = read_recording(f"{tmp_path}/Suturing_B001.txt{part}")
    assert recording.rate_hz == pytest.approx(30.0, rel=1e-6)
    assert_same_motion(recording, moving(seed), atol=2e-6)


def test_jigsaws_that_cannot_be_trusted_is_refused_with_its_line(tmp_path):
    rows = write_jigsaws(tmp_path / "a.txt")
    rows[40, 22:25] *= -1.0  # a mirror, no rotation
    (tmp_path / "a.txt").write_text("\n".join(" ".join(map(str, row)) for row in rows))
    with pytest.raises(RecordingError, match=r"a\.txt, line 41: the matrix is no rotation"):
        read_recording(tmp_path / "a.txt")
    with pytest.raises(RecordingError, match="allowed: master-left"):
        read_recording(f"{tmp_path}/a.txt#left-hand")


# All


def test_a_package_that_is_absent_is_named_with_its_pip_line(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] in ("pyarrow", "h5py"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in ("a.parquet", "a.hdf5"):
        with pytest.raises(MissingPartError, match=r"pip install 'teletwin\[readers\]'"):
            read_recording(tmp_path / name)


def test_an_unknown_kind_of_file_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(RecordingError, match=r"allowed: \.tum.*\.mcap.*\.parquet.*\.hdf5"):
        read_recording(tmp_path / "a.bvh")


def test_a_rate_no_sensor_has_and_an_extent_no_hand_has_are_refused():
    poses = moving()
    with pytest.raises(RecordingError, match="rate"):
        HandRecording(name="a", t_ns=np.arange(200) * 1_000, poses=np.tile(poses[0], (200, 1)))
    far = poses.copy()
    far[:, 0] = 0.6 * np.arange(200)
    with pytest.raises(RecordingError, match="further than any hand"):
        HandRecording(name="a", t_ns=100_000_000 * np.arange(200), poses=far)
