"""From a session log to trajectories: hand, tool command, measured arm and what was shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.recording.session_recording import LoggedMessage, SessionRecording
from teletwin.recording.trajectory import increasing, write_tum

ToolPose = Callable[[Array], Array]
"""Joint positions (n, 6) [rad] to tool poses (n, 7) in the UR base frame."""
Trajectory = tuple[np.ndarray, Array]
"""Times [ns] (n,) and poses (n, 7)."""
OTHER_CLOCK_NS = 200_000_000
"""Nothing of ours waits so long between its own time and its sending: a larger lag is another clock's offset."""


def hand_trajectory(log: SessionRecording) -> Trajectory:
    """Hand poses at the time of the sample; from the forecast packets when no samples were logged."""
    samples = log.of_kind("PoseSample") or log.of_kind("ForecastPacket")
    return _trajectory([(t_ns, values["pose"]) for t_ns, values in _own_times(samples)])


def command_trajectory(log: SessionRecording, tool_pose: ToolPose) -> Trajectory:
    """Tool poses of the joint commands at the time when they shall hold."""
    commands = [(t_ns, values["q"]) for t_ns, values in _own_times(log.of_kind("JointCommand"))]
    if not commands:  # the operator's log: the twin tells what it commands
        commands = [(t_ns, values["q_command"]) for t_ns, values in _sent_times(log.of_kind("TwinStatus"))]
    return _from_joints(commands, tool_pose)


def arm_trajectory(log: SessionRecording, tool_pose: ToolPose) -> Trajectory:
    """Tool poses of the measured joints at the time of the measurement."""
    states = [(t_ns, values["q"]) for t_ns, values in _own_times(log.of_kind("ArmState"))]
    if not states:  # the operator's log: the twin relays what the arm said
        for t_ns, values in _sent_times(log.of_kind("TwinStatus")):
            states.append((t_ns - values["t_ns"] + values["arm"]["t_ns"], values["arm"]["q"]))
    return _from_joints(states, tool_pose)


def shown_trajectory(log: SessionRecording) -> Trajectory:
    """Tool poses of the pictures at the time when they were drawn (of arrival when no viewer answered)."""
    drawn = {
        each.values["frame_id"]: each.t_log_ns for each in reversed(log.of_kind("FrameAck")) if each.values["drawn"]
    }
    frames = [each for each in log.of_kind("Frame") if each.file_role != "renderer"] or log.of_kind("Frame")
    poses = [(each.values["frame_id"], each.t_log_ns, each.values["shown_pose"]) for each in frames]
    if drawn:
        return _trajectory([(drawn[number], pose) for number, _, pose in poses if number in drawn])
    return _trajectory([(arrived, pose) for _, arrived, pose in poses])


EXPORTED = ("hand", "command", "arm", "shown")
"""Names of the files that export_tum may write."""


def export_tum(log: SessionRecording, folder: str | Path, *, tool_pose: ToolPose | None = None) -> dict[str, Path]:
    """Write hand.tum, command.tum, arm.tum and shown.tum, those that the log has; return them by name.

    Args:
        log: A log that was read.
        folder: Where the files go; made when missing.
        tool_pose: Kinematics of the arm; the UR3e's own when left out.

    Raises:
        RecordingError: The log holds no motion, or the folder cannot be written.
    """
    return _write_all(Path(folder), trajectories(log, tool_pose=tool_pose))


def trajectories(log: SessionRecording, *, tool_pose: ToolPose | None = None) -> dict[str, Trajectory]:
    """Those of hand, command, arm and shown that the log has, by name.

    Raises:
        RecordingError: The log holds no motion, or messages without the fields that say where.
    """
    tool = tool_pose or ur3e_tool_pose
    try:
        found = {
            "hand": hand_trajectory(log),
            "command": command_trajectory(log, tool),
            "arm": arm_trajectory(log, tool),
            "shown": shown_trajectory(log),
        }
    except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
        told = f"{log.path}: {type(error).__name__} {error}"[:200]
        raise RecordingError("messages of the log do not say where things were", given=told) from error
    found = {name: each for name, each in found.items() if len(each[0])}
    if not found:
        raise RecordingError("the session log holds no motion", given=log.path, mend="record a session that runs")
    return found


def ur3e_tool_pose(q: Array) -> Array:
    """Tool poses (n, 7) of joint positions (n, 6) [rad], UR base frame."""
    from teletwin.robot.ur3e import tool_pose_in_ur_base

    return tool_pose_in_ur_base(q)


def _write_all(folder: Path, found: dict[str, Trajectory]) -> dict[str, Path]:
    paths = {name: folder / f"{name}.tum" for name in found}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (t_ns, poses) in found.items():
            write_tum(paths[name], t_ns, poses)
    except OSError as error:
        raise RecordingError(
            "the trajectories cannot be written", given=folder, mend=error.strerror or str(error)
        ) from error
    return paths


def _own_times(messages: list[LoggedMessage]) -> list[tuple[int, dict[str, Any]]]:
    """Each message's own time with its values; a clock that plainly is another host's is set to the log's."""
    if not messages:
        return []
    own = [each for each in messages if each.role == each.file_role and "/from_" not in each.topic]
    messages = own or messages
    lags_ns = sorted(each.t_publish_ns - each.shift_ns - each.values["t_ns"] for each in messages)
    lag_ns = lags_ns[len(lags_ns) // 2]
    lag_ns = lag_ns if abs(lag_ns) > OTHER_CLOCK_NS else 0
    return [(each.values["t_ns"] + lag_ns + each.shift_ns, each.values) for each in messages]


def _sent_times(messages: list[LoggedMessage]) -> list[tuple[int, dict[str, Any]]]:
    """Messages that describe the moment of their sending, which the log knows on its own clock."""
    return [(each.t_publish_ns, each.values) for each in messages]


def _trajectory(rows: list[tuple[int, list[float]]]) -> Trajectory:
    times = np.array([time for time, _ in rows], dtype=np.int64)
    return increasing(times, np.array([pose for _, pose in rows], dtype=np.float64).reshape(-1, 7))


def _from_joints(rows: list[tuple[int, list[float]]], tool_pose: ToolPose) -> Trajectory:
    if not rows:
        return _trajectory([])
    times = np.array([time for time, _ in rows], dtype=np.int64)
    return increasing(times, tool_pose(np.array([q for _, q in rows], dtype=np.float64)))
