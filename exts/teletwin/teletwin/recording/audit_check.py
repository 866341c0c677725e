"""Looks whether an audit log is what its role wrote, and says where it is not.

What the chain proves: nobody changed, removed, inserted, moved or cut off single lines without making all later hashes
anew. What it does not: there is no key in it, so whoever may write the file can write a whole new log that is sound in
itself. Only a hash that was noted elsewhere while the session ran or at its end, the anchor, tells such a log from the
real one; and it says nothing of what a role never wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from teletwin.errors import RecordingError
from teletwin.recording.audit_chain import END, LINE_BYTES_MAX, NO_LINE_BEFORE, START, AuditLine, read_line


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What was found."""

    is_sound: bool
    text: str
    """One line for a person; lines are counted from 1, as an editor does."""
    line_count: int
    """Lines that were read until the verdict was clear."""
    head: str
    """Hash of the last line that was read (hex)."""


def check_audit_log(path: Path, *, anchor: str = "") -> AuditVerdict:
    """Read a log and judge it; with an anchor, the hash (hex) of one of its lines, compare with that too.

    Raises:
        RecordingError: The file cannot be read.
    """
    line: AuditLine | None = None
    count, anchored_at = 0, 0
    for found in _lines(path):
        wrong = found if isinstance(found, str) else _break(path, line, found, count + 1)
        if wrong:
            return AuditVerdict(is_sound=False, text=wrong, line_count=count, head=line.hash if line else "")
        assert isinstance(found, AuditLine)
        line, count = found, count + 1
        anchored_at = count if anchor and line.hash == anchor else anchored_at
    wrong = _wrong_end(line, count)
    if not wrong and anchor and not anchored_at:
        wrong = "no line has the anchor's hash: this is another log, or the whole log was written anew"
    head = line.hash if line else ""
    text = wrong or f"sound: {count} lines{_anchored(anchored_at, count)}, head {head}"
    return AuditVerdict(is_sound=not wrong, text=text, line_count=count, head=head)


def _anchored(at: int, count: int) -> str:
    if not at:
        return ""
    return ", the anchor is the last of them" if at == count else f", the anchor is line {at} and stands for 1 to {at}"


def _lines(path: Path) -> Iterator[AuditLine | str]:
    """Every line, or in words why the next one is none."""
    try:
        with path.open("rb") as stream:
            number = 0
            while raw := stream.readline(LINE_BYTES_MAX + 1):
                number += 1
                if not raw.endswith(b"\n"):
                    long = len(raw) > LINE_BYTES_MAX
                    yield f"line {number} was changed: too long" if long else f"cut: line {number} is not whole"
                    return
                try:
                    yield read_line(raw[:-1])
                except RecordingError:
                    yield f"line {number} was changed or inserted: it is no line of an audit log"
                    return
    except OSError as error:
        raise RecordingError("the audit log cannot be read", given=path, mend=error.strerror or str(error)) from error


def _break(path: Path, last: AuditLine | None, line: AuditLine, at: int) -> str:
    """Why `line`, the at-th of the file, does not go on after the last one; empty when it does."""
    if not line.is_own_hash_right:
        return f"line {at} was changed: its hash does not fit what it says"
    if last is not None and last.kind == END:
        return f"line {at} was inserted: it stands after the closing line"
    if line.number == at - 1 and line.before == (last.hash if last else NO_LINE_BEFORE):
        return "" if last or line.kind == START else "line 1 was changed: it does not start a log"
    return _moved(path, line, at)


def _moved(path: Path, line: AuditLine, at: int) -> str:
    """What breaks the chain between lines that are whole in themselves."""
    if line.number > at - 1:
        return _gap(path, at)
    if line.number < at - 1:
        return f"line {at - 1} or {at} was inserted: both stand where the log has one line"
    if at == 1:
        return "line 1 was changed: it names a line before it"
    return f"line {at - 1} was changed and its hash made anew: line {at} names another one"


def _gap(path: Path, at: int) -> str:
    """Where the line is that belongs at the at-th place: elsewhere, or nowhere in the file."""
    lines = ((each.number, k) for k, each in enumerate(_lines(path), 1) if isinstance(each, AuditLine))
    number, place = min(each for each in lines if each[0] >= at - 1)
    if number == at - 1:
        return f"lines were reordered: line {place} belongs where line {at} stands"
    which = f"line {at} was" if number == at else f"lines {at} to {number} were"
    return f"{which} removed: the log goes on with line number {number + 1}"


def _wrong_end(line: AuditLine | None, count: int) -> str:
    if line is None:
        return "cut: the file is empty"
    if line.kind != END:
        return f"cut after line {count}: there is no closing line; or the role was killed, or still writes"
    told = line.values.get("line_count")
    return "" if told == count else f"line {count} was changed: it counts {told} lines, there are {count}"
