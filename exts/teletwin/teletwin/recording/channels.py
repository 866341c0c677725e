"""Channels of an MCAP file by topic, each with its schema, registered on first use."""

from __future__ import annotations

from typing import Any

from teletwin.recording.encoding import MESSAGE_TYPES
from teletwin.recording.schemas import FOXGLOVE_SCHEMAS, foxglove_schema, message_schema


class Channels:
    """Of one `mcap.writer.Writer`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}

    def of(self, topic: str, schema: str) -> int:
        """The channel of a topic whose messages follow a schema: 'foxglove.PoseInFrame', 'teletwin.ArmState'."""
        if topic not in self._channels:
            self._channels[topic] = self._writer.register_channel(topic, "json", self._schema(schema))
        return self._channels[topic]

    def _schema(self, name: str) -> int:
        if name not in self._schemas:
            self._schemas[name] = self._writer.register_schema(name, "jsonschema", _schema_text(name))
        return self._schemas[name]


def _schema_text(name: str) -> bytes:
    kind = name.rpartition(".")[2]
    if name in FOXGLOVE_SCHEMAS:
        return foxglove_schema(name)
    if kind in MESSAGE_TYPES:
        return message_schema(MESSAGE_TYPES[kind])
    return b'{"type": "object"}'  # of a later version: its JSON stands for itself
