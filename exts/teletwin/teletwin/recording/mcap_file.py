"""The file behind a session log: messages with their times, and the forms of them that Foxglove draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.messages import SCENE_CODEC, Frame, Message, PoseSample
from teletwin.recording.channels import Channels
from teletwin.recording.encoding import MESSAGE_TYPES, to_json

CHUNK_BYTES = 32 * 1024
"""Some 0.1 s of a running loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message on its way into the file."""

    role: str
    value: Message | PoseSample | Array
    """A bare pose (7,) becomes a foxglove.PoseInFrame; `role` is then its whole topic."""
    t_log_ns: int
    t_publish_ns: int
    seq: int


class McapFile:
    """The MCAP writer with its channels, opened on first use."""

    def __init__(self, stream: Any) -> None:
        from mcap.writer import Writer

        self._writer = Writer(stream, chunk_size=CHUNK_BYTES)
        self._writer.start(profile="", library="teletwin")
        self._channels = Channels(self._writer)
        self._is_open = True  # the head of the file already is worth handing over

    def add(self, entry: Entry, *, without_picture: bool = False) -> None:
        """Write one entry, and its forms for Foxglove."""
        value = entry.value
        if not isinstance(value, tuple(MESSAGE_TYPES.values())):
            self._add_pose(entry.role, value, entry)
            return
        kind = type(value).__name__
        if isinstance(value, Frame) and value.data:
            self._add_pose("/shown/pose", value.shown_pose, entry)
            if value.codec != SCENE_CODEC:
                if not without_picture:
                    self._add_picture(value, entry)
                value = replace(value, data=b"")  # the picture stands once in the file
        self._add(f"/{entry.role}/{kind}", f"teletwin.{kind}", entry, to_json(value))
        if isinstance(value, PoseSample):
            self._add_pose("/hand/pose", value.pose, entry)

    def add_metadata(self, name: str, values: dict[str, str]) -> None:
        """Write one metadata record."""
        self._is_open = True
        self._writer.add_metadata(name, values)

    def hand_over(self) -> None:
        """Close the chunk and hand it to the system, so that a reader finds it although nothing follows."""
        if self._is_open:
            self._is_open = False
            self._writer.flush()

    def finish(self) -> None:
        """Write the index and the end of the file."""
        self._writer.finish()

    def _add_picture(self, frame: Frame, entry: Entry) -> None:
        schema = "foxglove.CompressedImage" if frame.codec == "jpeg" else "foxglove.CompressedVideo"
        values = {
            "timestamp": _timestamp(entry.t_log_ns),
            "frame_id": "camera",
            "format": frame.codec,
            "data": frame.data,
        }
        topic = "/shown/image" if frame.codec == "jpeg" else "/shown/video"
        self._add(topic, schema, entry, to_json(values))

    def _add_pose(self, topic: str, pose: Any, entry: Entry) -> None:
        x, y, z, qw, qx, qy, qz = (float(part) for part in pose)
        values = {
            "timestamp": _timestamp(entry.t_publish_ns),
            "frame_id": "base",
            "pose": {"position": {"x": x, "y": y, "z": z}, "orientation": {"x": qx, "y": qy, "z": qz, "w": qw}},
        }
        self._add(topic, "foxglove.PoseInFrame", entry, to_json(values))

    def _add(self, topic: str, schema: str, entry: Entry, data: bytes) -> None:
        self._is_open = True
        self._writer.add_message(
            self._channels.of(topic, schema),
            log_time=max(entry.t_log_ns, 0),
            data=data,
            publish_time=max(entry.t_publish_ns, 0),
            sequence=entry.seq & 0xFFFFFFFF,
        )


def _timestamp(t_ns: int) -> dict[str, int]:
    sec, nsec = divmod(t_ns, NS_PER_S)
    return {"sec": sec, "nsec": nsec}
