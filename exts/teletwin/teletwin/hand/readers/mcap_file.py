"""Poses from an MCAP file: ROS 2 stamped poses in CDR, and foxglove.PoseInFrame in JSON as teletwin logs them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from teletwin.errors import RecordingError
from teletwin.hand.readers.checked import checked_recording, opened_error
from teletwin.hand.readers.ros_cdr import ROS_POSES, StampedPose, decode_ros_pose
from teletwin.hand.recording import HandRecording
from teletwin.mcap_records import take_records

if TYPE_CHECKING:
    from mcap.records import McapRecord, Message

_FOXGLOVE = "foxglove.PoseInFrame"
_OWN_TOPIC = "/hand/pose"


@dataclass(slots=True)
class _Topic:
    schema: str
    encoding: str
    messages: list[Message] = field(default_factory=list)

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
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            topics = _read_topics(stream)
    except OSError as error:
        raise opened_error(path, error) from error
    topic = _chosen(path, topics, part)
    stamped = [_decode(path, topic, number, message) for number, message in enumerate(topic.messages, start=1)]
    t_ns = np.array([t for t, _ in stamped], dtype=np.int64)
    poses = np.array([pose for _, pose in stamped], dtype=np.float64).reshape(-1, 7)
    return checked_recording(path, t_ns, poses, unit="message", numbers=range(1, len(stamped) + 1))


def _read_topics(stream: IO[bytes]) -> dict[str, _Topic]:
    """Topics by name; a file that ends too early is whole up to there, one that is no MCAP has none."""
    from mcap.records import Channel, Message, Schema

    topics: dict[str, _Topic] = {}
    schemas: dict[int, str] = {}
    channels: dict[int, str] = {}

    def take(record: McapRecord) -> None:
        if isinstance(record, Schema):
            schemas[record.id] = record.name
        elif isinstance(record, Channel):
            channels[record.id] = record.topic
            topics.setdefault(
                record.topic, _Topic(schema=schemas.get(record.schema_id, ""), encoding=record.message_encoding)
            )
        elif isinstance(record, Message):
            topic = topics[channels[record.channel_id]]
            if topic.holds_poses:
                topic.messages.append(record)

    take_records(stream, take)
    return topics


def _chosen(path: Path, topics: dict[str, _Topic], wanted: str | None) -> _Topic:
    posed = sorted(name for name, topic in topics.items() if topic.holds_poses)
    if not posed:
        raise RecordingError(
            f"{path}: no topic holds poses",
            given=", ".join(f"{name} ({topic.schema}, {topic.encoding})" for name, topic in topics.items())
            or "no topics",
            allowed=f"{', '.join(ROS_POSES)} in cdr; {_FOXGLOVE} in json",
        )
    name = wanted or (_OWN_TOPIC if _OWN_TOPIC in posed else posed[0])
    if name not in posed or (wanted is None and name != _OWN_TOPIC and len(posed) > 1):
        raise RecordingError(
            f"{path}: which topic?",
            given=wanted or "none",
            allowed=", ".join(posed),
            mend=f"put it after a #: {path.name}#{posed[0]}",
        )
    return topics[name]


def _decode(path: Path, topic: _Topic, number: int, message: Message) -> StampedPose:
    try:
        stamped = decode_ros_pose(topic.schema, message.data) if topic.encoding == "cdr" else _from_json(message.data)
    except (ValueError, KeyError, TypeError) as error:
        raise RecordingError(f"{path}, message {number}: not a {topic.schema}", given=str(error)) from error
    return stamped if stamped[0] else (message.log_time, stamped[1])  # nobody stamped it


def _from_json(data: bytes) -> StampedPose:
    values = json.loads(data)
    stamp, place, turn = values["timestamp"], values["pose"]["position"], values["pose"]["orientation"]
    numbers = [place["x"], place["y"], place["z"], turn["w"], turn["x"], turn["y"], turn["z"]]
    pose = [float("nan") if number is None else float(number) for number in numbers]
    return int(stamp["sec"]) * 1_000_000_000 + int(stamp["nsec"]), pose
