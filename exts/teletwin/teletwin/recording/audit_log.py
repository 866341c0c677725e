"""The audit log of a role: who did what and when, as JSON lines chained by their hashes, for after an incident.

The loop only puts entries into a bounded queue; a thread numbers, seals and writes them. What cannot be kept, because
the queue, the file's allowance or the disk is full, is counted, and the next line that can be written says so.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from teletwin.clock import NS_PER_S, Clock, utc_ms_text
from teletwin.errors import RecordingError
from teletwin.jsonable import to_jsonable
from teletwin.recording.audit_chain import END, LINE_BYTES_MAX, LOST, NO_LINE_BEFORE, START, sealed_line

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
        self.line_count = 0
        """Lines in the file."""
        self.head = NO_LINE_BEFORE
        """Hash of the newest line (hex): the anchor, to be noted elsewhere."""
        self.fault = ""
        """The newest reason why a line was not written, in words; empty when all were."""
        self._stream, self._clock, self._utc, self._fsync = stream, clock, utc, fsync
        self._capacity, self._bytes_max, self._byte_count = capacity, bytes_max, 0
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._refused_count = self._unwritten_count = self._told_lost_count = 0
        self._refusing = threading.Lock()
        self._is_closed = False
        self._is_unsynced, self._synced_ns = False, clock.now_ns()
        self._queue.put(self._entry(START, facts))
        self._thread = threading.Thread(target=self._run, name="audit-log", daemon=True)

    @property
    def lost_count(self) -> int:
        """Entries that could not be kept: the queue, the file's allowance or the disk was full."""
        return self._refused_count + self._unwritten_count

    def add(self, kind: str, values: Mapping[str, object]) -> None:
        """Queue an entry; never waits and never raises. What `values` holds must not be changed afterwards.

        Kinds that begin with `log_` are the log's own.
        """
        if self._is_closed or self._queue.qsize() >= self._capacity:
            with self._refusing:  # held for one addition, by callers only
                self._refused_count += 1
            return
        self._queue.put(self._entry(kind, values))

    def __enter__(self) -> AuditLog:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is queued and the closing line; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
            if self._thread.ident is not None:
                self._thread.join(_CLOSE_S)

    def _entry(self, kind: str, values: Mapping[str, object]) -> _Entry:
        return kind, self._clock.now_ns(), self._utc(), dict(values)

    def _run(self) -> None:
        while True:
            with contextlib.suppress(queue.Empty):
                entry = self._queue.get(timeout=_POLL_S if self._is_unsynced else None)
                if entry is None:
                    break
                self._tell_lost()
                if not self._write(*entry):
                    self._unwritten_count += 1
            if self._is_unsynced and self._clock.now_ns() - self._synced_ns >= FSYNC_PERIOD_S * NS_PER_S:
                self._sync()
        self._tell_lost()
        self._write(*self._entry(END, {"line_count": self.line_count + 1, "lost_count": self.lost_count}), is_last=True)
        self._sync()
        with contextlib.suppress(OSError):
            self._stream.close()

    def _tell_lost(self) -> None:
        lost_count = self.lost_count
        if lost_count > self._told_lost_count:
            values = {"lost_count": lost_count, "since_last": lost_count - self._told_lost_count}
            if self._write(*self._entry(LOST, values)):
                self._told_lost_count = lost_count

    def _write(self, kind: str, t_ns: int, utc: str, values: Mapping[str, object], *, is_last: bool = False) -> bool:
        """Whether the line is in the file; a part of a line is taken out again."""
        raw, digest = self._sealed(kind, t_ns, utc, values)
        if self._byte_count + len(raw) > self._bytes_max and not is_last:
            self._warn(f"the audit log has reached {self._bytes_max} bytes")
            return False
        try:
            if self._stream.write(raw) != len(raw):
                raise OSError("the disk is full")
        except (OSError, ValueError) as error:
            self._warn(f"the audit log cannot be written: {error}")
            with contextlib.suppress(OSError, ValueError):
                self._stream.seek(self._byte_count)
                self._stream.truncate()
            return False
        self.head, self.line_count, self._is_unsynced = digest, self.line_count + 1, True
        self._byte_count += len(raw)
        return True

    def _sealed(self, kind: str, t_ns: int, utc: str, values: Mapping[str, object]) -> tuple[bytes, str]:
        def seal(plain: object) -> tuple[bytes, str]:
            return sealed_line(number=self.line_count, utc=utc, t_ns=t_ns, kind=kind, values=plain, before=self.head)

        try:
            raw, digest = seal(to_jsonable(values))
        except Exception as error:  # whatever a value's own code raises, the chain goes on
            return seal({"unreadable": type(error).__name__})
        return (raw, digest) if len(raw) <= LINE_BYTES_MAX else seal({"too_long_bytes": len(raw)})

    def _sync(self) -> None:
        self._is_unsynced, self._synced_ns = False, self._clock.now_ns()
        try:
            self._fsync(self._stream.fileno())
        except (OSError, ValueError) as error:
            self._warn(f"the audit log does not reach the disk: {error}")

    def _warn(self, fault: str) -> None:
        if not self.fault:  # once: a full disk would fill the terminal too
            logging.getLogger(__name__).warning(fault)
        self.fault = fault


def open_audit_log(path: Path, *, facts: Mapping[str, object], clock: Clock) -> AuditLog:
    """An audit log in a new file that only its owner reads and writes.

    Raises:
        RecordingError: There is such a file already, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise RecordingError("an audit log is never written over", given=path, mend="name another file") from None
    except OSError as error:
        mend = f"{error.strerror or error}; --audit-log off goes without"
        raise RecordingError("the audit log cannot be written", given=path, mend=mend) from error
    return AuditLog(os.fdopen(number, "wb", buffering=0), facts=facts, clock=clock)
