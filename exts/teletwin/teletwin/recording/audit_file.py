"""The file of an audit log: appends lines to the chain, whole or not at all."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from teletwin.errors import RecordingError
from teletwin.jsonable import to_jsonable
from teletwin.recording.audit_chain import LINE_BYTES_MAX, NO_LINE_BEFORE, sealed_line


class AuditFile:
    """Seals lines and writes them; a part of a line that the disk did not take whole is taken out again.

    Args:
        stream: The file, open for binary writing without a buffer, empty and seekable.
        bytes_max: The file's allowance [bytes]; only the closing line may pass it.
        fsync: Brings the file to the disk.
    """

    def __init__(self, stream: BinaryIO, *, bytes_max: int, fsync: Callable[[int], None]) -> None:
        self.line_count = 0
        """Lines in the file."""
        self.head = NO_LINE_BEFORE
        """Hash of the newest line (hex)."""
        self.fault = ""
        """The newest reason why a line was not written, in words; empty when all were."""
        self.is_unsynced = False
        """Whether something is written that the disk may not have yet."""
        self._stream, self._bytes_max, self._fsync = stream, bytes_max, fsync
        self._byte_count = 0

    def write(self, kind: str, t_ns: int, utc: str, values: Mapping[str, object], *, is_last: bool = False) -> bool:
        """Append a line; whether it is in the file. Nothing is raised."""
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
        self.head, self.line_count, self.is_unsynced = digest, self.line_count + 1, True
        self._byte_count += len(raw)
        return True

    def sync(self) -> None:
        """Bring what is written to the disk."""
        self.is_unsynced = False
        try:
            self._fsync(self._stream.fileno())
        except (OSError, ValueError) as error:
            self._warn(f"the audit log does not reach the disk: {error}")

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            self._stream.close()

    def _sealed(self, kind: str, t_ns: int, utc: str, values: Mapping[str, object]) -> tuple[bytes, str]:
        def seal(plain: object) -> tuple[bytes, str]:
            return sealed_line(number=self.line_count, utc=utc, t_ns=t_ns, kind=kind, values=plain, before=self.head)

        try:
            raw, digest = seal(to_jsonable(values))
        except Exception as error:  # whatever a value's own code raises, the chain goes on
            return seal({"unreadable": type(error).__name__})
        return (raw, digest) if len(raw) <= LINE_BYTES_MAX else seal({"too_long_bytes": len(raw)})

    def _warn(self, fault: str) -> None:
        if not self.fault:  # once: a full disk would fill the terminal too
            logging.getLogger(__name__).warning(fault)
        self.fault = fault


def new_file(path: Path) -> BinaryIO:
    """A new file that only its owner reads and writes, without a buffer.

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
    return os.fdopen(number, "wb", buffering=0)
