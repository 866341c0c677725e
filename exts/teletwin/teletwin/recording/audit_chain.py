"""One line of an audit log: JSON that ends with its own hash and names the hash of the line before.

The hash is SHA-256 over the line's bytes up to its own hash. Without a key it shows that lines belong together, not who
wrote them: see `audit_check`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from teletwin.errors import RecordingError

NO_LINE_BEFORE = "0" * 64
"""What the first line names as the line before."""
START, LOST, END = "log_start", "log_lost", "log_end"
"""Kinds of the first line, of one that counts entries that could not be kept, and of the closing line."""
LINE_BYTES_MAX = 16384
"""No line is longer [bytes]."""
_SEAL = re.compile(rb'^(?P<body>\{.*),"hash":"(?P<hash>[0-9a-f]{64})"\}$')


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One line, as it was read."""

    number: int
    utc: str
    t_ns: int
    kind: str
    values: dict[str, Any]
    before: str
    """Hash of the line before (hex)."""
    hash: str
    """Hash that the line claims for itself (hex)."""
    is_own_hash_right: bool


def sealed_line(*, number: int, utc: str, t_ns: int, kind: str, values: object, before: str) -> tuple[bytes, str]:
    """The line's bytes with its line feed, and its hash (hex); `values` are ready for JSON."""
    entry = {"number": number, "utc": utc, "t_ns": t_ns, "kind": kind, "values": values, "before": before}
    body = json.dumps(entry, separators=(",", ":"), allow_nan=False).encode("ascii")[:-1]
    digest = hashlib.sha256(body).hexdigest()
    return body + b',"hash":"' + digest.encode("ascii") + b'"}\n', digest


def read_line(raw: bytes) -> AuditLine:
    """The line in raw bytes, without its line feed.

    Raises:
        RecordingError: It is none.
    """
    sealed = _SEAL.match(raw)
    if sealed is None:
        raise RecordingError("this is no line of an audit log", given=repr(raw[:60]))
    body, told = sealed["body"], sealed["hash"].decode("ascii")
    try:
        entry = json.loads(body + b"}")
        line = AuditLine(**entry, hash=told, is_own_hash_right=hashlib.sha256(body).hexdigest() == told)
    except (ValueError, TypeError, RecursionError):
        raise RecordingError("this is no line of an audit log", given=repr(raw[:60])) from None
    if type(line.number) is not int or not isinstance(line.values, dict) or not isinstance(line.before, str):
        raise RecordingError("this is no line of an audit log", given=repr(raw[:60]))
    return line
