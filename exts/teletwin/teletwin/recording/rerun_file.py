"""A session for the rerun viewer: paths of hand, command, arm and picture, their errors, joints and the video.

Calls follow rerun-sdk 0.24 and later (https://ref.rerun.io/docs/python): `send_columns` takes whole columns, and a
`VideoStream` takes H.264 as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bounded import Allowance
from teletwin.errors import MissingPartError, RecordingError
from teletwin.geometry import Array
from teletwin.recording.export import is_own, trajectories
from teletwin.recording.message_table import MessageTable
from teletwin.recording.rows import ToolPose, Trajectory, allowance_beside
from teletwin.recording.session_recording import SessionRecording

_COLOURS = {"hand": (240, 150, 40), "command": (120, 120, 200), "arm": (20, 130, 120), "shown": (60, 170, 240)}
_TIMELINE = "session"
_STATE_BYTES = 600
"""What the joints of one state take of memory on their way."""


def write_rerun(log: SessionRecording, path: str | Path, *, tool_pose: ToolPose | None = None) -> Path:
    """Write a .rrd file; times count from the log's first message.

    Raises:
        MissingPartError: rerun-sdk is not installed.
        RecordingError: The log holds no motion, or the file cannot be written.
    """
    rr = _rerun()
    found, path = trajectories(log, tool_pose=tool_pose), Path(path)
    start_ns = log.messages[0].t_log_ns
    recording = rr.RecordingStream("teletwin", recording_id=str(log.path.stem))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        recording.save(str(path))
    except OSError as error:
        raise RecordingError("the file cannot be written", given=path, mend=error.strerror or str(error)) from error
    sheet = _Sheet(rr, recording, start_ns, allowance_beside(log))
    for name, trajectory in found.items():
        sheet.path(name, trajectory)
    sheet.errors(found)
    sheet.joints(log.of_kind("ArmState"))
    sheet.video(log.on_topic("/shown/video"))
    recording.flush()
    recording.disconnect()
    return path


def _rerun() -> Any:
    try:
        import rerun
    except ImportError as error:
        raise MissingPartError("rerun is not installed", mend="pip install 'teletwin[rerun]'") from error
    return rerun


class _Sheet:
    """Columns of one recording."""

    def __init__(self, rr: Any, recording: Any, start_ns: int, allowance: Allowance) -> None:
        self._rr, self._recording, self._start_ns, self._allowance = rr, recording, start_ns, allowance

    def path(self, name: str, trajectory: Trajectory) -> None:
        """A moving point, and the whole way as a line."""
        rr, (t_ns, poses) = self._rr, trajectory
        positions, colour = poses[:, :3].astype(np.float32), _COLOURS[name]
        self._send(f"tool/{name}", t_ns, rr.Points3D.columns(positions=positions))
        look = rr.Points3D.from_fields(colors=[colour], radii=[0.006])
        rr.log(f"tool/{name}", look, static=True, recording=self._recording)
        way = rr.LineStrips3D([positions[:: max(len(positions) // 5000, 1)]], colors=[colour], radii=[0.0008])
        rr.log(f"way/{name}", way, static=True, recording=self._recording)

    def errors(self, found: Mapping[str, Trajectory]) -> None:
        """Distance of arm and picture from the hand at the same instant [mm]."""
        if "hand" not in found:
            return
        for name in ("arm", "shown"):
            if name in found:
                t_ns, distance_mm = _apart_mm(found["hand"], found[name])
                self._send(f"error_mm/{name}", t_ns, self._rr.Scalars.columns(scalars=distance_mm))

    def joints(self, states: MessageTable) -> None:
        """Measured joints [rad]."""
        own = states.chosen(lambda topic, _, role: is_own(topic, role)) or states
        if own:
            self._allowance.take(_STATE_BYTES * len(own))
            t_ns = own.log_times_ns()
            q = np.array([each.values["q"] for each in own])
            for joint in range(q.shape[1]):
                self._send(f"joints_rad/{joint + 1}", t_ns, self._rr.Scalars.columns(scalars=q[:, joint]))

    def video(self, pictures: MessageTable) -> None:
        """The pictures as they arrived."""
        rr = self._rr
        if not pictures or not hasattr(rr, "VideoStream"):
            return
        rr.log("picture", rr.VideoStream(codec=rr.VideoCodec.H264), static=True, recording=self._recording)
        samples = []
        for each in pictures:
            self._allowance.take(2 * len(each.data))
            samples.append(base64.b64decode(each.values["data"]))
        self._send("picture", pictures.log_times_ns(), rr.VideoStream.columns(sample=samples))

    def _send(self, entity: str, t_ns: np.ndarray, columns: Any) -> None:
        times = self._rr.TimeColumn(_TIMELINE, duration=(t_ns - self._start_ns) * 1e-9)
        self._rr.send_columns(entity, indexes=[times], columns=columns, recording=self._recording)


def _apart_mm(hand: Trajectory, other: Trajectory) -> tuple[np.ndarray, Array]:
    """Distances [mm] at the other's times that the hand's cover."""
    (hand_ns, hand_poses), (t_ns, poses) = hand, other
    inside = (t_ns >= hand_ns[0]) & (t_ns <= hand_ns[-1])
    t_ns, poses = t_ns[inside], poses[inside]
    since = (hand_ns - hand_ns[0]).astype(np.float64)
    at = [np.interp((t_ns - hand_ns[0]).astype(np.float64), since, hand_poses[:, axis]) for axis in range(3)]
    return t_ns, 1e3 * np.linalg.norm(np.stack(at, axis=1) - poses[:, :3], axis=1)
