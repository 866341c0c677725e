"""The session log: an MCAP file written beside the loop, never in its way.

A caller only appends to a bounded queue; a thread encodes and writes. Four times a second the chunk that is being
filled is closed, however small, and handed to the system: a killed process loses less than half a second.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from teletwin.clock import NS_PER_S, Clock
from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.jsonable import to_jsonable
from teletwin.messages import Frame, Message, PoseSample
from teletwin.recording.encoding import MESSAGE_TYPES, to_json
from teletwin.recording.schemas import foxglove_schema, message_schema

CHUNK_BYTES = 32 * 1024
"""Some 0.1 s of a running loop."""
FLUSH_PERIOD_S = 0.25
_POLL_S = 0.02
_BURST = 4
"""Entries encoded before the thread lets go of the interpreter: a control tick waits < 1 ms for it."""
_CATCH_UP = 64
"""The more wait the longer it goes on: one more for each so many."""
_BEHIND_SHARE = 16
"""Beyond this part of the capacity disk or machine are too slow: pictures are left out until the next key frame,
the rest shall reach the last second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    role: str
    value: Message | PoseSample | Array
    """A bare pose (7,) becomes a foxglove.PoseInFrame; `role` is then its whole topic."""
    t_log_ns: int
    t_publish_ns: int
    seq: int


class SessionLog:
    """Writes messages with their times to an MCAP file. A context manager: enter opens, exit finishes.

    Topics are `/<role>/<type>`; hand poses, shown poses and pictures also appear in the form that Foxglove
    draws (`/hand/pose`, `/shown/pose`, `/shown/video`; a Frame's own record leaves its bytes to the last).
    Times are on the given clock.
    """

    def __init__(
        self, path: str | Path, *, clock: Clock, capacity: int = 8192, prepare: Callable[[], None] | None = None
    ) -> None:
        self.path = Path(path)
        self._prepare = prepare
        self.written_count = 0
        self.thinned_count = 0
        """Pictures left out of their messages because too much waited."""
        self.dropped_count = 0
        """Entries refused because the queue was full, or the disk."""
        self.fault = ""
        """Why writing ended early, in words; empty when all is well."""
        self._clock = clock
        self._capacity = capacity
        self._queue: deque[_Entry | tuple[str, dict[str, str]]] = deque()
        self._is_broken = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> SessionLog:
        """Open the file and start the writing thread.

        Raises:
            RecordingError: The file cannot be written there.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            stream = self.path.open("wb")
        except OSError as error:
            raise RecordingError(
                "the recording cannot be written",
                given=self.path,
                allowed="a file in a folder that can be written",
                mend=error.strerror or str(error),
            ) from error
        self._thread = threading.Thread(target=self._run, args=(stream,), name="session-log", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is queued, finish the file and stop the thread; a second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._closing.set()
            thread.join()

    def write(
        self,
        message: Message | PoseSample,
        *,
        role: str,
        t_ns: int | None = None,
        t_motion_ns: int | None = None,
        seq: int = 0,
    ) -> None:
        """Queue a message; never blocks.

        Args:
            message: Any message of the loop.
            role: Who sent it: 'operator', 'twin', 'renderer', 'arm'.
            t_ns: When it was sent or arrived, this clock [ns]; now when left out.
            t_motion_ns: Its publish time, this clock [ns]: when it was sent or when what it describes holds; its
                own t_ns when left out.
            seq: Its number in its stream.
        """
        t_log_ns = self._clock.now_ns() if t_ns is None else t_ns
        motion_ns: int = getattr(message, "t_ns", t_log_ns) if t_motion_ns is None else t_motion_ns
        self._put(_Entry(role=role, value=message, t_log_ns=t_log_ns, t_publish_ns=motion_ns, seq=seq))

    def write_pose(self, topic: str, pose: Array, *, t_ns: int) -> None:
        """Queue a pose (7,) that holds at t_ns [ns] for drawing, for example as '/tool/measured'."""
        self._put(_Entry(role=topic, value=pose.copy(), t_log_ns=t_ns, t_publish_ns=t_ns, seq=0))

    def write_metadata(self, name: str, values: object) -> None:
        """Queue a configuration (a dataclass or a mapping) as metadata; nested values become JSON text."""
        plain = to_jsonable(values)
        if not isinstance(plain, Mapping):
            plain = {"value": plain}
        self._queue.append((name, {key: _metadata_text(item) for key, item in plain.items()}))

    def _put(self, entry: _Entry) -> None:
        if len(self._queue) >= self._capacity or self.fault or self._closing.is_set():
            self.dropped_count += 1
            return
        self._queue.append(entry)

    def _run(self, stream: Any) -> None:
        if self._prepare is not None:
            self._prepare()
        try:
            with stream:
                writer = _McapFile(stream)
                self._drain(writer, stream)
                left_out = {"pictures": self.thinned_count, "entries": self.dropped_count}
                if any(left_out.values()):
                    writer.add_metadata("left_out", {name: str(count) for name, count in left_out.items()})
                writer.finish()
        except OSError as error:  # a full disk must not stop the loop
            self.fault = f"the recording {self.path} ended early: {error}"
            self.dropped_count += len(self._queue)
            logging.getLogger(__name__).warning(self.fault)

    def _drain(self, writer: _McapFile, stream: Any) -> None:
        flush_due_ns = self._clock.now_ns()
        while True:
            closing = self._closing.is_set()  # read before the queue: what came first is still written
            wrote = self._write_burst(writer)
            if closing and not wrote:
                return
            if self._clock.now_ns() >= flush_due_ns:
                writer.hand_over()
                flush_due_ns = self._clock.now_ns() + int(FLUSH_PERIOD_S * NS_PER_S)
            self._closing.wait(_POLL_S if not wrote else 1e-4)

    def _write_burst(self, writer: _McapFile) -> int:
        waiting = len(self._queue)
        count = min(waiting, _BURST + waiting // _CATCH_UP)
        for _ in range(count):
            entry = self._queue.popleft()
            if isinstance(entry, tuple):
                writer.add_metadata(*entry)
                continue
            thins = isinstance(entry.value, Frame) and self._leaves_out(entry.value, waiting)
            self.thinned_count += thins
            try:
                writer.add(entry, without_picture=thins)
                self.written_count += 1
            except (TypeError, ValueError):  # a pose of another shape, a text where a number belongs
                self.dropped_count += 1
        return count

    def _leaves_out(self, frame: Frame, waiting: int) -> bool:
        """Whether a picture is left out: too much waits, or it builds on one that was."""
        if not frame.data:
            return False
        self._is_broken = waiting > self._capacity // _BEHIND_SHARE or (self._is_broken and not frame.is_key)
        return self._is_broken


def _metadata_text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


def _timestamp(t_ns: int) -> dict[str, int]:
    sec, nsec = divmod(t_ns, NS_PER_S)
    return {"sec": sec, "nsec": nsec}


class _McapFile:
    """The MCAP writer with its channels, opened on first use."""

    def __init__(self, stream: Any) -> None:
        from mcap.writer import Writer

        self._writer = Writer(stream, chunk_size=CHUNK_BYTES)
        self._writer.start(profile="", library="teletwin")
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._is_open = True  # the head of the file already is worth handing over

    def add(self, entry: _Entry, *, without_picture: bool = False) -> None:
        """Write one entry, and its forms for Foxglove."""
        value = entry.value
        if not isinstance(value, tuple(MESSAGE_TYPES.values())):
            self._add_pose(entry.role, value, entry)
            return
        kind = type(value).__name__
        if isinstance(value, Frame) and value.data:
            self._add_pose("/shown/pose", value.shown_pose, entry)
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

    def _add_picture(self, frame: Frame, entry: _Entry) -> None:
        schema = "foxglove.CompressedImage" if frame.codec == "jpeg" else "foxglove.CompressedVideo"
        values = {
            "timestamp": _timestamp(entry.t_log_ns),
            "frame_id": "camera",
            "format": frame.codec,
            "data": frame.data,
        }
        topic = "/shown/image" if frame.codec == "jpeg" else "/shown/video"
        self._add(topic, schema, entry, to_json(values))

    def _add_pose(self, topic: str, pose: Any, entry: _Entry) -> None:
        x, y, z, qw, qx, qy, qz = (float(part) for part in pose)
        values = {
            "timestamp": _timestamp(entry.t_publish_ns),
            "frame_id": "base",
            "pose": {"position": {"x": x, "y": y, "z": z}, "orientation": {"x": qx, "y": qy, "z": qz, "w": qw}},
        }
        self._add(topic, "foxglove.PoseInFrame", entry, to_json(values))

    def _add(self, topic: str, schema: str, entry: _Entry, data: bytes) -> None:
        if topic not in self._channels:
            self._channels[topic] = self._writer.register_channel(topic, "json", self._schema(schema))
        self._is_open = True
        self._writer.add_message(
            self._channels[topic],
            log_time=max(entry.t_log_ns, 0),
            data=data,
            publish_time=max(entry.t_publish_ns, 0),
            sequence=entry.seq & 0xFFFFFFFF,
        )

    def _schema(self, name: str) -> int:
        if name not in self._schemas:
            source, _, kind = name.partition(".")
            text = foxglove_schema(name) if source == "foxglove" else message_schema(MESSAGE_TYPES[kind])
            self._schemas[name] = self._writer.register_schema(name, "jsonschema", text)
        return self._schemas[name]
