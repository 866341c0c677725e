"""The audit log of a role: who did what and when, as JSON lines chained by their hashes, for after an incident.

The loop only puts entries into a bounded queue; a thread numbers, seals and writes them. What cannot be kept, because
the queue, the file's allowance or the disk is full, is counted, and the next line that can be written says so.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from teletwin.clock import NS_PER_S, Clock, utc_ms_text
from teletwin.recording.audit_chain import END, LOST, START
from teletwin.recording.audit_file import AuditFile, new_file

FSYNC_PERIOD_S = 1.0
"""Lines reach the system at once, and the disk at most this often."""
_BYTES_MAX = 256 << 20
_POLL_S = 0.25
_CLOSE_S = 5.0
"""A disk that hangs longer than this does not hold up the end of a role."""

_Entry = tuple[str, int, str, Mapping[str, object]]


class AuditLog:
    """Writes entries to a file as a chain of lines. A context manager: enter writes the first line, exit the last.

    Args:
        stream: The file, open for binary writing without a buffer, empty and seekable.
        facts: What the first line says: session, versions, revision, digest of the settings. No secrets.
        clock: Times of the entries [ns].
        utc: The wall clock's time as text.
        capacity: Entries that may wait for the writer.
        bytes_max: The file's allowance [bytes]; a flood of entries must not fill the disk.
        fsync: Brings the file to the disk.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        facts: Mapping[str, object],
        clock: Clock,
        utc: Callable[[], str] = utc_ms_text,
        capacity: int = 1024,
        bytes_max: int = _BYTES_MAX,
        fsync: Callable[[int], None] = os.fsync,
    ) -> None:
        self._file = AuditFile(stream, bytes_max=bytes_max, fsync=fsync)
        self._clock, self._utc, self._capacity = clock, utc, capacity
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._refused_count = self._unwritten_count = self._told_lost_count = 0
        self._refusing = threading.Lock()
        self._is_closed, self._ended_by = False, ""
        self._synced_ns = clock.now_ns()
        self._queue.put(self._entry(START, facts))
        self._thread = threading.Thread(target=self._run, name="audit-log", daemon=True)

    @property
    def line_count(self) -> int:
        """Lines in the file."""
        return self._file.line_count

    @property
    def head(self) -> str:
        """Hash of the newest line (hex): the anchor, to be noted elsewhere."""
        return self._file.head

    @property
    def fault(self) -> str:
        """The newest reason why a line was not written, in words; empty when all were."""
        return self._file.fault

    @property
    def lost_count(self) -> int:
        """Entries that could not be kept: the queue, the file's allowance or the disk was full."""
        return self._refused_count + self._unwritten_count

    def add(self, kind: str, values: Mapping[str, object]) -> None:
        """Queue an entry; never waits and never raises. What `values` holds must not be changed afterwards.

        Kinds that begin with `log_` are the log's own.
        """
        if not self._is_closed and self._queue.qsize() < self._capacity:
            with contextlib.suppress(Exception):  # values that are no mapping: a mistake must not stop the arm's loop
                self._queue.put(self._entry(kind, values))
                return
        with self._refusing:  # held for one addition, by callers only
            self._refused_count += 1

    def __enter__(self) -> AuditLog:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(ended_by="" if kind is None else kind.__name__)

    def close(self, *, ended_by: str = "") -> None:
        """Write what is queued and the closing line, with the error that ended the role; a second call does nothing."""
        if not self._is_closed:
            self._is_closed, self._ended_by = True, ended_by
            self._queue.put(None)
            if self._thread.ident is not None:
                self._thread.join(_CLOSE_S)

    def _entry(self, kind: str, values: Mapping[str, object]) -> _Entry:
        return kind, self._clock.now_ns(), self._utc(), dict(values)

    def _run(self) -> None:
        while True:
            with contextlib.suppress(queue.Empty):
                entry = self._queue.get(timeout=_POLL_S if self._file.is_unsynced else None)
                if entry is None:
                    break
                self._tell_lost()
                self._unwritten_count += not self._file.write(*entry)
            if self._file.is_unsynced and self._clock.now_ns() - self._synced_ns >= FSYNC_PERIOD_S * NS_PER_S:
                self._synced_ns = self._clock.now_ns()
                self._file.sync()
        self._tell_lost()
        counts = {"line_count": self.line_count + 1, "lost_count": self.lost_count, "ended_by": self._ended_by}
        self._file.write(*self._entry(END, counts), is_last=True)
        self._file.sync()
        self._file.close()

    def _tell_lost(self) -> None:
        lost_count = self.lost_count
        if lost_count > self._told_lost_count:
            values = {"lost_count": lost_count, "since_last": lost_count - self._told_lost_count}
            if self._file.write(*self._entry(LOST, values)):
                self._told_lost_count = lost_count


def open_audit_log(path: Path, *, facts: Mapping[str, object], clock: Clock) -> AuditLog:
    """An audit log in a new file that only its owner reads and writes.

    Raises:
        RecordingError: There is such a file already, or it cannot be written.
    """
    return AuditLog(new_file(path), facts=facts, clock=clock)
