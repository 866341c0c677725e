"""From a session log to trajectories: hand, tool command, measured arm and what was shown."""

from __future__ import annotations

from pathlib import Path

from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.recording.message_table import MessageTable
from teletwin.recording.rows import Rows, ToolPose, Trajectory
from teletwin.recording.session_recording import SessionRecording
from teletwin.recording.trajectory import write_tum

_DRAWN_BYTES = 200
"""What remembering when a picture was drawn takes of memory."""


def hand_trajectory(log: SessionRecording) -> Trajectory:
    """Hand poses at the time of the sample; from the forecast packets when no samples were logged."""
    rows = Rows(log, width=7)
    for each in _own(log, "PoseSample") or _own(log, "ForecastPacket"):
        rows.add_own(each, each.values["pose"])
    return rows.trajectory()


def command_trajectory(log: SessionRecording, tool_pose: ToolPose) -> Trajectory:
    """Tool poses of the joint commands at the time when they shall hold."""
    rows = Rows(log, width=6)
    for each in _own(log, "JointCommand"):
        rows.add_own(each, each.values["q"])
    if not len(rows):  # the operator's log: the twin tells what it commands
        for each in log.of_kind("TwinStatus"):
            rows.add(each.t_publish_ns, each.values["q_command"])
    return rows.trajectory(tool_pose)


def arm_trajectory(log: SessionRecording, tool_pose: ToolPose) -> Trajectory:
    """Tool poses of the measured joints at the time of the measurement."""
    rows = Rows(log, width=6)
    for each in _own(log, "ArmState"):
        rows.add_own(each, each.values["q"])
    if not len(rows):  # the operator's log: the twin relays what the arm said
        for each in log.of_kind("TwinStatus"):
            values = each.values
            rows.add(each.t_publish_ns - values["t_ns"] + values["arm"]["t_ns"], values["arm"]["q"])
    return rows.trajectory(tool_pose)


def shown_trajectory(log: SessionRecording) -> Trajectory:
    """Tool poses of the pictures at the time when they were drawn (of arrival when no viewer answered)."""
    rows, frames = Rows(log, width=7), log.of_kind("Frame")
    drawn: dict[int, int] = {}
    for each in log.of_kind("FrameAck"):
        values = each.values
        if values["drawn"]:
            rows.allowance.take(_DRAWN_BYTES)
            drawn.setdefault(int(values["frame_id"]), each.t_log_ns)
    by_others = frames.roles() - {"renderer"}
    for each in frames:
        if each.file_role == "renderer" and by_others:
            continue
        values = each.values
        if not drawn:
            rows.add(each.t_log_ns, values["shown_pose"])
        elif values["frame_id"] in drawn:
            rows.add(drawn[values["frame_id"]], values["shown_pose"])
    return rows.trajectory()


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


def is_own(topic: str, role: str) -> bool:
    """Whether a topic of a role's log is what the role made itself, not what it heard."""
    return topic.split("/")[1:2] == [role] and "/from_" not in topic


def _own(log: SessionRecording, kind: str) -> MessageTable:
    """The messages of one type in the logs of those who made them; where there are none, as others heard them."""
    whole = log.of_kind(kind)
    return whole.chosen(lambda topic, _, role: is_own(topic, role)) or whole
