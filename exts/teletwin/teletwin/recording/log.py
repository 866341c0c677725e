"""The session log: an MCAP file written beside the loop, never in its way.

A caller only appends to a bounded queue; a thread encodes and writes. Four times a second the chunk that is being
filled is closed, however small, and handed to the system: a killed process loses less than half a second.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from teletwin.clock import NS_PER_S, Clock
from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.jsonable import to_jsonable
from teletwin.messages import Frame, Message, PoseSample
from teletwin.recording.encoding import to_json
from teletwin.recording.mcap_file import Entry, McapFile

FLUSH_PERIOD_S = 0.25
_POLL_S = 0.02
_BURST = 4
"""Entries encoded before the thread lets go of the interpreter: a control tick waits < 1 ms for it."""
_CATCH_UP = 64
"""The more wait the longer it goes on: one more for each so many."""
_BEHIND_SHARE = 16
"""Beyond this part of the capacity disk or machine are too slow: pictures are left out until the next key frame,
the rest shall reach the last second."""


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
        self._queue: deque[Entry | tuple[str, dict[str, str]]] = deque()
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
        self._put(Entry(role=role, value=message, t_log_ns=t_log_ns, t_publish_ns=motion_ns, seq=seq))

    def write_pose(self, topic: str, pose: Array, *, t_ns: int) -> None:
        """Queue a pose (7,) that holds at t_ns [ns] for drawing, for example as '/tool/measured'."""
        self._put(Entry(role=topic, value=pose.copy(), t_log_ns=t_ns, t_publish_ns=t_ns, seq=0))

    def write_metadata(self, name: str, values: object) -> None:
        """Queue a configuration (a dataclass or a mapping) as metadata; nested values become JSON text."""
        plain = to_jsonable(values)
        if not isinstance(plain, Mapping):
            plain = {"value": plain}
        self._queue.append((name, {key: _metadata_text(item) for key, item in plain.items()}))

    def _put(self, entry: Entry) -> None:
        if len(self._queue) >= self._capacity or self.fault or self._closing.is_set():
            self.dropped_count += 1
            return
        self._queue.append(entry)

    def _run(self, stream: Any) -> None:
        if self._prepare is not None:
            self._prepare()
        try:
            with stream:
                writer = McapFile(stream)
                self._drain(writer, stream)
                left_out = {"pictures": self.thinned_count, "entries": self.dropped_count}
                if any(left_out.values()):
                    writer.add_metadata("left_out", {name: str(count) for name, count in left_out.items()})
                writer.finish()
        except (OSError, ImportError) as error:  # a full disk or a missing package must not stop the loop
            self.fault = f"the recording {self.path} ended early: {error}"
            self.dropped_count += len(self._queue)
            logging.getLogger(__name__).warning(self.fault)

    def _drain(self, writer: McapFile, stream: Any) -> None:
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

    def _write_burst(self, writer: McapFile) -> int:
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
