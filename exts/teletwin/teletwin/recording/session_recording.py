"""What a session log holds: its messages, read from the file when asked, and what was noted about the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from teletwin.recording.message_table import MessageTable

if TYPE_CHECKING:
    from teletwin.recording.clocks import Alignment


@dataclass(frozen=True, kw_only=True)
class SessionRecording:
    """What a log holds, in the order of its times."""

    path: Path
    messages: MessageTable
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    role: str = "operator"
    """Whose log it is; of a whole session: whose clock it is on."""
    complete: bool = True
    """False when the file ended too early or is damaged; what came before is here."""
    alignments: tuple[Alignment, ...] = ()
    """How the clocks of a session's files were brought together."""

    @property
    def topics(self) -> list[str]:
        """Names of all topics, sorted."""
        return sorted(self.messages.topics())

    def of_kind(self, kind: str) -> MessageTable:
        """All messages of one type, whoever sent them."""
        return self.messages.chosen(lambda topic, schema, role: schema.rpartition(".")[2] == kind)

    def on_topic(self, topic: str) -> MessageTable:
        """All messages of one topic."""
        return self.messages.chosen(lambda name, schema, role: name == topic)
