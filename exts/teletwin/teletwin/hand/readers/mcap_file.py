"""Poses from an MCAP file: ROS 2 stamped poses in CDR, and foxglove.PoseInFrame in JSON as teletwin logs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from teletwin.bounded import Allowance, parse_json
from teletwin.errors import RecordingError
from teletwin.hand.readers.checked import checked_recording, opened_error
from teletwin.hand.readers.pose_rows import PoseRows
from teletwin.hand.readers.ros_cdr import ROS_POSES, StampedPose, decode_ros_pose
from teletwin.hand.recording import HandRecording
from teletwin.mcap_records import FoundMessage, McapRecord, take_records

_FOXGLOVE = "foxglove.PoseInFrame"
_OWN_TOPIC = "/hand/pose"


@dataclass(frozen=True, slots=True)
class _Topic:
    schema: str
    encoding: str

    @property
    def holds_poses(self) -> bool:
        ros = self.schema in ROS_POSES and self.encoding == "cdr"
        return ros or (self.schema == _FOXGLOVE and self.encoding == "json")


def read_mcap(path: str | Path, *, part: str | None = None) -> HandRecording:
    """Read the poses of one topic.

    Args:
        path: The file; one that ends too early is read up to there.
        part: The topic; when left out '/hand/pose', or the only one that holds poses.

    Raises:
        RecordingError: No such topic, or the file cannot be read or trusted; with file and message number.
        TooLargeError: It would take more memory than a file may.
    """
    path = Path(path)
    allowance, poses = Allowance(path), PoseRows(path)
    try:
        with path.open("rb") as stream:
            topics = _Topics(allowance)
            take_records(stream, topics.take)
            wanted = _chosen(path, topics.by_name, part)
            stream.seek(0)
            hear = partial(_take_pose, poses, topics.by_name[wanted], path)
            take_records(stream, _Topics(allowance, wanted=wanted, hear=hear).take)
    except OSError as error:
        raise opened_error(path, error) from error
    return checked_recording(path, poses.t_ns(), poses.poses(), unit="message", numbers=range(1, len(poses) + 1))


class _Topics:
    """The topics of a file by name, and the messages of one of them as they pass."""

    def __init__(
        self, allowance: Allowance, *, wanted: str | None = None, hear: Callable[[FoundMessage], None] = lambda _: None
    ) -> None:
        self.by_name: dict[str, _Topic] = {}
        self._allowance, self._wanted, self._hear = allowance, wanted, hear
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, str] = {}

    def take(self, record: McapRecord) -> None:
        """Note one record."""
        from mcap.records import Channel, Schema

        if isinstance(record, FoundMessage):
            if self._channels[record.channel_id] == self._wanted:
                self._hear(record)
        elif isinstance(record, Schema):
            self._allowance.take(4 * len(record.name) + 100)
            self._schemas[record.id] = record.name
        elif isinstance(record, Channel):
            self._allowance.take(4 * len(record.topic) + 4 * len(record.message_encoding) + 400)
            self._channels[record.id] = record.topic
            schema = self._schemas.get(record.schema_id, "")
            self.by_name.setdefault(record.topic, _Topic(schema=schema, encoding=record.message_encoding))


def _chosen(path: Path, topics: dict[str, _Topic], wanted: str | None) -> str:
    posed = sorted(name for name, topic in topics.items() if topic.holds_poses)
    if not posed:
        raise RecordingError(
            f"{path}: no topic holds poses",
            given=", ".join(f"{name} ({topic.schema}, {topic.encoding})" for name, topic in topics.items())[:400]
            or "no topics",
            allowed=f"{', '.join(ROS_POSES)} in cdr; {_FOXGLOVE} in json",
        )
    name = wanted or (_OWN_TOPIC if _OWN_TOPIC in posed else posed[0])
    if name not in posed or (wanted is None and name != _OWN_TOPIC and len(posed) > 1):
        raise RecordingError(
            f"{path}: which topic?",
            given=wanted or "none",
            allowed=", ".join(posed)[:400],
            mend=f"put it after a #: {path.name}#{posed[0]}",
        )
    return name


def _take_pose(poses: PoseRows, topic: _Topic, path: Path, message: FoundMessage) -> None:
    """The pose of a message, at its own time or, where nobody stamped it, at the log's."""
    decode = partial(decode_ros_pose, topic.schema) if topic.encoding == "cdr" else _from_json
    try:
        t_ns, pose = decode(message.data)
        poses.add(t_ns or message.log_time, pose)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        where = f"{path}, message {len(poses) + 1}"
        raise RecordingError(f"{where}: not a {topic.schema}", given=str(error)[:80]) from error


def _from_json(data: bytes) -> StampedPose:
    values = parse_json(data)
    stamp, place, turn = values["timestamp"], values["pose"]["position"], values["pose"]["orientation"]
    numbers = [place["x"], place["y"], place["z"], turn["w"], turn["x"], turn["y"], turn["z"]]
    pose = [float("nan") if number is None else float(number) for number in numbers]
    return int(stamp["sec"]) * 1_000_000_000 + int(stamp["nsec"]), pose
