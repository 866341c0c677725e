"""Reads a session log; a file that ends too early is read up to where it is whole."""

from __future__ import annotations

from pathlib import Path

from teletwin.bounded import Allowance
from teletwin.errors import RecordingError
from teletwin.mcap_records import FoundMessage, McapRecord, take_records
from teletwin.recording.clocks import align
from teletwin.recording.message_table import ROW_BYTES, Blocks, Columns, MessageTable, merged
from teletwin.recording.session_recording import SessionRecording


def read_log(path: str | Path, *, allowance: Allowance | None = None, blocks: Blocks | None = None) -> SessionRecording:
    """Read a whole log; what its messages say stays in the file until it is asked for.

    Args:
        path: The file.
        allowance: What it may take of memory, where several files share one.
        blocks: The unpacked chunks, where several files share them.

    Raises:
        RecordingError: There is no such file, or it is not a session log at all.
        TooLargeError: It would take more memory than a file may.
    """
    path = Path(path)
    reader = _LogReader(Columns(path, blocks or Blocks()), allowance or Allowance(path))
    try:
        with path.open("rb") as stream:
            complete = take_records(stream, reader.take)
    except OSError as error:
        raise RecordingError(
            "the session log cannot be read", given=path, mend=f"{error.strerror}; name an existing .mcap file"
        ) from error
    if not reader.started:
        raise RecordingError(
            "this is not a session log", given=path, allowed="an MCAP file", mend="record one with --record"
        )
    role = reader.metadata.get("host", {}).get("role") or _role_of(path)
    reader.columns.role = role
    messages = MessageTable.of(reader.columns)
    return SessionRecording(path=path, messages=messages, metadata=reader.metadata, role=role, complete=complete)


def read_logs(path: str | Path) -> list[SessionRecording]:
    """A session's log and those of its other roles beside it, each on its own clock.

    Raises:
        RecordingError, TooLargeError: As read_log; the bound is that of all together.
    """
    allowance, blocks = Allowance(path), Blocks()
    return [read_log(each, allowance=allowance, blocks=blocks) for each in session_files(Path(path))]


def read_session(path: str | Path) -> SessionRecording:
    """Read a session's log together with those of its other roles (`a.mcap` with `a.arm.mcap`, ...), on its clock.

    Raises:
        RecordingError, TooLargeError: As read_log.
    """
    path = Path(path)
    parts, alignments = align(read_logs(path))
    metadata = dict(parts[0].metadata)
    for part in parts[1:]:
        for name, values in part.metadata.items():
            metadata.setdefault(name if name not in metadata else f"{name} ({part.path.stem})", values)
    return SessionRecording(
        path=path,
        messages=merged(part.messages for part in parts),
        metadata=metadata,
        role=parts[0].role,
        complete=all(part.complete for part in parts),
        alignments=tuple(alignments),
    )


_BESIDE = ("twin", "renderer", "arm")
"""Roles whose logs stand beside the operator's, `session.twin.mcap` beside `session.mcap`."""


def _role_of(path: Path) -> str:
    """The role that a file's name tells: session.twin.mcap; the operator's has none."""
    word = path.stem.rpartition(".")[2]
    return word if word in _BESIDE else "operator"


def session_files(path: Path) -> list[Path]:
    """The log at path, then those that other roles of the same session wrote beside it; other sessions' are not."""
    beside = (path.with_name(f"{path.stem}.{role}{path.suffix}") for role in sorted(_BESIDE))
    return [path, *(each for each in beside if each.exists())]


class _LogReader:
    """Collects the records of one file."""

    def __init__(self, columns: Columns, allowance: Allowance) -> None:
        self.started = False
        self.columns = columns
        self.metadata: dict[str, dict[str, str]] = {}
        self._allowance = allowance
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[str, str]] = {}

    def take(self, record: McapRecord) -> None:
        """Note one record."""
        from mcap.records import Channel, Header, Metadata, Schema

        if isinstance(record, FoundMessage):
            self._allowance.take(ROW_BYTES)
            self.columns.add(*self._channels[record.channel_id], record)
        elif isinstance(record, Channel):
            self._allowance.take(_kept_bytes(record.topic))
            self._channels[record.id] = (record.topic, self._schemas.get(record.schema_id, ""))
        elif isinstance(record, Schema):
            self._allowance.take(_kept_bytes(record.name))
            self._schemas[record.id] = record.name
        elif isinstance(record, Metadata):
            self._allowance.take(sum(_kept_bytes(text) for pair in record.metadata.items() for text in pair))
            self.metadata[record.name] = dict(record.metadata)
        elif isinstance(record, Header):
            self.started = True


def _kept_bytes(text: str) -> int:
    """What a text takes of memory: up to four bytes a character, and what stands around it."""
    return 4 * len(text) + 100
