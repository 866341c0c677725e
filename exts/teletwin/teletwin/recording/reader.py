"""Reads a session log; a file that ends too early is read up to where it is whole."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from teletwin.errors import RecordingError
from teletwin.mcap_records import take_records
from teletwin.recording.clocks import align
from teletwin.recording.session_recording import LoggedMessage, SessionRecording

if TYPE_CHECKING:
    from mcap.records import McapRecord


def read_log(path: str | Path) -> SessionRecording:
    """Read a whole log.

    Raises:
        RecordingError: There is no such file, or it is not a session log at all.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            reader = _LogReader()
            complete = reader.read(stream)
    except OSError as error:
        raise RecordingError(
            "the session log cannot be read", given=path, mend=f"{error.strerror}; name an existing .mcap file"
        ) from error
    if not reader.started:
        raise RecordingError(
            "this is not a session log", given=path, allowed="an MCAP file", mend="record one with --record"
        )
    role = reader.metadata.get("host", {}).get("role") or _role_of(path)
    messages = [dataclasses.replace(each, file_role=role) for each in reader.messages]
    messages.sort(key=lambda each: each.t_log_ns)
    return SessionRecording(path=path, messages=messages, metadata=reader.metadata, role=role, complete=complete)


def read_session(path: str | Path) -> SessionRecording:
    """Read a session's log together with those of its other roles (`a.mcap` with `a.arm.mcap`, ...), on its clock.

    Raises:
        RecordingError: As read_log.
    """
    path = Path(path)
    parts, alignments = align([read_log(each) for each in session_files(path)])
    metadata = dict(parts[0].metadata)
    for part in parts[1:]:
        for name, values in part.metadata.items():
            metadata.setdefault(name if name not in metadata else f"{name} ({part.path.stem})", values)
    messages = [message for part in parts for message in part.messages]
    messages.sort(key=lambda each: each.t_log_ns)
    return SessionRecording(
        path=path,
        messages=messages,
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
    """Collects the records of one stream."""

    def __init__(self) -> None:
        self.started = False
        self.messages: list[LoggedMessage] = []
        self.metadata: dict[str, dict[str, str]] = {}
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[str, str]] = {}

    def read(self, stream: IO[bytes]) -> bool:
        """Take in every whole record; return whether the file ends as it should."""
        return take_records(stream, self._take)

    def _take(self, record: McapRecord) -> None:
        from mcap.records import Channel, Header, Message, Metadata, Schema

        if isinstance(record, Message):
            self._take_message(record)
        elif isinstance(record, Channel):
            self._channels[record.id] = (record.topic, self._schemas.get(record.schema_id, ""))
        elif isinstance(record, Schema):
            self._schemas[record.id] = record.name
        elif isinstance(record, Metadata):
            self.metadata[record.name] = dict(record.metadata)
        elif isinstance(record, Header):
            self.started = True

    def _take_message(self, record: Any) -> None:
        topic, schema = self._channels[record.channel_id]
        self.messages.append(
            LoggedMessage(
                topic=topic,
                schema=schema,
                t_log_ns=record.log_time,
                t_publish_ns=record.publish_time,
                seq=record.sequence,
                data=record.data,
                place=len(self.messages),
            )
        )
