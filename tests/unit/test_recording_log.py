from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.clock import SystemClock, VirtualClock
from teletwin.errors import RecordingError
from teletwin.messages import (
    CURVE_KNOTS,
    ArmState,
    ForecastPacket,
    Frame,
    FrameAck,
    Horizons,
    JointCommand,
    Mode,
    PoseSample,
)
from teletwin.recording import SessionLog, export_tum, read_log, read_session

POSE = np.array([0.1, -0.2, 0.3, 1.0, 0.0, 0.0, 0.0])


def packet(slot: int) -> ForecastPacket:
    curve = np.random.default_rng(slot).normal(size=(CURVE_KNOTS, 7))
    return ForecastPacket(
        t_ns=slot * 10_000_000, pose=POSE, curve=curve, horizons=Horizons(), mode=Mode.ENGAGED, slot=slot
    )


def frame(frame_id: int) -> Frame:
    return Frame(
        frame_id=frame_id,
        codec="h264",
        is_key=True,
        width=64,
        height=36,
        input_seq=0,
        pose_t_ns=0,
        shown_pose=POSE + np.eye(7)[0] * frame_id,
        shadow_poses=np.tile(POSE, (2, 1)),
        horizon_used_s=0.0,
        stages_ms={},
        t_ready_ns=0,
        data=b"picture",
    )


def joints(t_ns: int, q0: float) -> JointCommand:
    q = np.full(6, q0)
    return JointCommand(
        t_ns=t_ns,
        q=q,
        qd=q,
        q_shadows=np.tile(q, (2, 1)),
        qd_shadows=np.tile(q, (2, 1)),
        pose_t_ns=0,
        mode=Mode.ENGAGED,
    )


def fake_tool_pose(q: np.ndarray) -> np.ndarray:
    return np.hstack([q[:, :3], np.tile([1.0, 0.0, 0.0, 0.0], (len(q), 1))])


def write_packets(path: Path, count: int) -> None:
    with SessionLog(path, clock=VirtualClock()) as log:
        for slot in range(count):
            log.write(packet(slot), role="operator", t_ns=slot * 10_000_000 + 5, seq=slot)


def test_every_message_comes_back_with_its_times_and_numbers(tmp_path: Path) -> None:
    write_packets(tmp_path / "a.mcap", 50)
    log = read_log(tmp_path / "a.mcap")
    assert log.complete
    assert log.topics == ["/operator/ForecastPacket"]
    assert [each.seq for each in log.messages] == list(range(50))
    last = log.messages[-1]
    assert (last.role, last.kind, last.t_log_ns, last.t_publish_ns) == (
        "operator",
        "ForecastPacket",
        490_000_005,
        490_000_000,
    )
    np.testing.assert_array_equal(last.message().curve, packet(49).curve)


def test_the_configuration_is_kept_as_metadata(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=VirtualClock()) as log:
        log.write_metadata("configuration", {"seed": 3, "link": Horizons(control_s=0.2)})
    metadata = read_log(tmp_path / "a.mcap").metadata
    assert metadata["configuration"]["seed"] == "3"
    assert '"control_s":0.2' in metadata["configuration"]["link"]


def test_hand_and_picture_also_appear_as_foxglove_draws_them(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=VirtualClock()) as log:
        log.write(PoseSample(t_ns=1_500_000_000, pose=POSE), role="operator")
        log.write(frame(1), role="renderer")
        log.write_pose("/tool/measured", POSE, t_ns=4)
    read = read_log(tmp_path / "a.mcap")
    hand = read.on_topic("/hand/pose")[0]
    assert hand.schema == "foxglove.PoseInFrame"
    assert hand.values["timestamp"] == {"sec": 1, "nsec": 500_000_000}
    assert hand.values["pose"]["position"] == {"x": 0.1, "y": -0.2, "z": 0.3}
    assert read.on_topic("/shown/video")[0].values["format"] == "h264"
    assert read.on_topic("/tool/measured")[0].t_publish_ns == 4


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_log_reads_up_to_its_end(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.mcap"
    write_packets(path, 200)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    log = read_log(path)
    assert not log.complete
    assert len(log.messages) > 200 * (share - 0.2)
    assert [each.seq for each in log.messages] == list(range(len(log.messages)))


@settings(max_examples=40, deadline=None)
@given(position=st.integers(8, 30_000), flip=st.integers(1, 255))
def test_a_damaged_byte_never_does_worse_than_shorten_the_log(
    tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    source = folder / "whole.mcap"
    if not source.exists():
        write_packets(source, 30)
    damaged = bytearray(source.read_bytes())
    damaged[position % len(damaged)] ^= flip
    path = folder / "damaged.mcap"
    path.write_bytes(damaged)
    with contextlib.suppress(RecordingError):  # the very head was hit
        assert len(read_log(path).messages) <= 30


def test_the_logs_of_all_roles_read_as_one_session(tmp_path: Path) -> None:
    for name, role, start in (
        ("a.mcap", "operator", 0),
        ("a.arm.mcap", "arm", 5),
        ("b.mcap", "other", 9),
        ("a.1.mcap", "other", 9),
    ):
        with SessionLog(tmp_path / name, clock=VirtualClock()) as log:
            log.write_metadata("configuration", {"role": role})
            for tick in range(3):
                log.write(packet(tick), role=role, t_ns=start + tick * 10)
    session = read_session(tmp_path / "a.mcap")
    assert [each.role for each in session.messages] == ["operator", "arm"] * 3
    assert session.metadata == {"configuration": {"role": "operator"}, "configuration (a.arm)": {"role": "arm"}}


def test_what_is_no_log_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").write_text("timestamp tx ty tz\n")
    with pytest.raises(RecordingError, match="not a session log"):
        read_log(tmp_path / "a.mcap")
    with pytest.raises(RecordingError, match="cannot be read"):
        read_log(tmp_path / "none.mcap")


def test_a_place_that_cannot_be_written_is_refused_before_the_loop_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RecordingError, match="cannot be written"),
        SessionLog(tmp_path / "file" / "a.mcap", clock=VirtualClock()),
    ):
        pass


def test_a_full_queue_drops_and_counts_and_never_blocks(tmp_path: Path) -> None:
    log = SessionLog(tmp_path / "a.mcap", clock=VirtualClock(), capacity=10)
    for slot in range(15):  # before entering nobody empties the queue
        log.write(packet(slot), role="operator")
    assert log.dropped_count == 5
    with log:
        pass
    assert log.written_count == 10


def test_a_value_of_the_wrong_shape_is_counted_and_the_log_goes_on(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=VirtualClock()) as log:
        log.write_pose("/bad", np.zeros(3), t_ns=1)
        log.write_pose("/good", POSE, t_ns=2)
    assert (log.dropped_count, log.written_count) == (1, 1)
    assert read_log(log.path).topics == ["/good"]


def test_writing_after_the_end_is_counted_not_raised(tmp_path: Path) -> None:
    log = SessionLog(tmp_path / "a.mcap", clock=VirtualClock())
    with log:
        pass
    log.write(packet(0), role="operator")
    log.close()
    assert log.dropped_count == 1


def test_several_threads_may_write_at_once(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=SystemClock()) as log:
        threads = [
            threading.Thread(target=lambda: [log.write(packet(slot), role="twin") for slot in range(100)])
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read_log(log.path).messages) == 300


def test_the_exported_trajectories_carry_the_right_times(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=VirtualClock()) as log:
        for tick in range(4):
            t_ns = tick * 10_000_000
            log.write(PoseSample(t_ns=t_ns, pose=POSE), role="operator", t_ns=t_ns + 1)
            log.write(joints(t_ns, 0.1 * tick), role="twin", t_ns=t_ns + 2)
            state = ArmState(
                t_ns=t_ns + 4,
                q=np.full(6, tick),
                qd=POSE[:6],
                q_shadows=np.tile(POSE[:6], (2, 1)),
                pose_t_ns=0,
                mode=Mode.ENGAGED,
            )
            log.write(state, role="arm", t_ns=t_ns + 5)
            log.write(frame(tick), role="renderer", t_ns=t_ns + 6)
            log.write(FrameAck(frame_id=tick, drawn=tick != 2), role="operator", t_ns=t_ns + 3_000_000)
    paths = export_tum(read_log(log.path), tmp_path / "out", tool_pose=fake_tool_pose)
    assert set(paths) == {"hand", "command", "arm", "shown"}
    arm = np.loadtxt(paths["arm"])
    assert paths["arm"].read_text().splitlines()[2].startswith("0.010000004 1.000000000 ")
    np.testing.assert_allclose(arm[:, 1], [0, 1, 2, 3])
    shown = np.loadtxt(paths["shown"])
    np.testing.assert_allclose(shown[:, 0], [0.003, 0.013, 0.033])  # drawn, and only what was drawn
    np.testing.assert_allclose(np.loadtxt(paths["command"])[:, 3], [0, 0.1, 0.2, 0.3])
    assert np.loadtxt(paths["hand"]).shape == (4, 8)


def test_a_message_of_another_hosts_clock_is_set_to_the_clock_of_the_log(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=VirtualClock()) as log:
        for tick in range(5):
            log.write(
                PoseSample(t_ns=10**15 + tick * 10_000_000, pose=POSE),
                role="operator",
                t_ns=tick * 10_000_000 + 3,
                t_motion_ns=tick * 10_000_000,
            )
    hand = np.loadtxt(export_tum(read_log(log.path), tmp_path / "out")["hand"])
    np.testing.assert_allclose(hand[:, 0], [0.0, 0.01, 0.02, 0.03, 0.04])


def test_the_time_of_sending_does_not_shift_a_trajectory(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=VirtualClock()) as log:
        for tick in range(1, 6):
            log.write(
                PoseSample(t_ns=tick * 10_000_000, pose=POSE), role="operator", t_motion_ns=tick * 10_000_000 + 40
            )
    text = export_tum(read_log(log.path), tmp_path / "out")["hand"].read_text()
    assert text.splitlines()[1].startswith("0.010000000 ")


def test_a_log_that_is_behind_leaves_out_pictures_and_not_words(tmp_path: Path) -> None:
    waits = threading.Event()
    log = SessionLog(tmp_path / "a.mcap", clock=SystemClock(), capacity=800, prepare=waits.wait)
    with log:
        for k in range(200):
            log.write(frame(k) if k % 10 == 0 else packet(k), role="operator", seq=k)
        waits.set()
    recording = read_log(tmp_path / "a.mcap")
    assert len(recording.of_kind("Frame")) == 20
    assert len(recording.of_kind("ForecastPacket")) == 180
    assert 5 < log.thinned_count < 20
    assert len(recording.on_topic("/shown/video")) == 20 - log.thinned_count


def test_a_log_without_motion_exports_nothing_and_says_so(tmp_path: Path) -> None:
    with SessionLog(tmp_path / "a.mcap", clock=VirtualClock()) as log:
        log.write(FrameAck(frame_id=1), role="operator")
    with pytest.raises(RecordingError, match="holds no motion"):
        export_tum(read_log(log.path), tmp_path)


@pytest.mark.live
@pytest.mark.parametrize(("rate_hz", "count"), [(100, 120), (10, 16)], ids=["as-the-loop", "hardly-anything"])
def test_a_killed_process_leaves_a_log_that_reads_to_its_last_second(tmp_path: Path, rate_hz: int, count: int) -> None:
    path = tmp_path / "a.mcap"
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_recording_log import packet, POSE, PoseSample, SessionLog, SystemClock
with SessionLog({str(path)!r}, clock=SystemClock()) as log:
    log.write_metadata("configuration", {{"seed": 7}})
    for slot in range(100_000):
        message = packet(slot) if {rate_hz} > 50 else PoseSample(t_ns=slot, pose=POSE)
        log.write(message, role="operator", seq=slot)
        print(slot, flush=True)
        time.sleep(1 / {rate_hz})
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    while int(process.stdout.readline()) < count:
        pass
    os.kill(process.pid, signal.SIGKILL)
    last = [int(line) for line in process.communicate()[0].split()][-1:] or [count]
    log = read_log(path)
    assert not log.complete
    assert log.metadata["configuration"]["seed"] == "7"
    newest = max(each.seq for each in log.messages)
    assert newest >= last[0] - rate_hz, "what was written a second before the end is there"
    numbers = [each.seq for each in log.messages if each.topic.startswith("/operator")]
    assert numbers == list(range(len(numbers))), "and all that came before"
