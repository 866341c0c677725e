"""A session's logs as one MCAP file on one clock, for Foxglove and whatever else opens MCAP."""

from __future__ import annotations

from pathlib import Path

from teletwin.errors import RecordingError
from teletwin.recording.encoding import MESSAGE_TYPES
from teletwin.recording.reader import LoggedMessage, SessionRecording
from teletwin.recording.schemas import FOXGLOVE_SCHEMAS, foxglove_schema, message_schema


def write_merged(log: SessionRecording, path: str | Path) -> Path:
    """Write every message at its time on the session's clock; topics as they are.

    Raises:
        RecordingError: The file cannot be written.
    """
    from mcap.writer import Writer

    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            writer = Writer(stream)
            writer.start(profile="", library="teletwin")
            for name, values in log.metadata.items():
                writer.add_metadata(name, values)
            channels = _Channels(writer)
            for each in log.messages:
                _add(writer, channels.of(each), each)
            writer.finish()
    except OSError as error:
        raise RecordingError("the file cannot be written", given=path, mend=error.strerror or str(error)) from error
    return path


def _add(writer: object, channel: int, each: LoggedMessage) -> None:
    writer.add_message(  # pyright: ignore[reportAttributeAccessIssue]
        channel,
        log_time=max(each.t_log_ns, 0),
        publish_time=max(each.t_publish_ns, 0),
        sequence=each.seq & 0xFFFFFFFF,
        data=each.data,
    )


class _Channels:
    """Channels by topic, with the schemas that this version knows."""

    def __init__(self, writer: object) -> None:
        self._writer = writer
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}

    def of(self, each: LoggedMessage) -> int:
        """The channel of a message's topic."""
        if each.topic not in self._channels:
            register = self._writer.register_channel  # pyright: ignore[reportAttributeAccessIssue]
            self._channels[each.topic] = register(each.topic, "json", self._schema(each.schema))
        return self._channels[each.topic]

    def _schema(self, name: str) -> int:
        if name not in self._schemas:
            self._schemas[name] = self._register(name)
        return self._schemas[name]

    def _register(self, name: str) -> int:
        kind = name.rpartition(".")[2]
        if name in FOXGLOVE_SCHEMAS:
            text = foxglove_schema(name)
        elif kind in MESSAGE_TYPES:
            text = message_schema(MESSAGE_TYPES[kind])
        else:  # of a later version: its JSON stands for itself
            text = b'{"type": "object"}'
        return self._writer.register_schema(name, "jsonschema", text)  # pyright: ignore[reportAttributeAccessIssue]
