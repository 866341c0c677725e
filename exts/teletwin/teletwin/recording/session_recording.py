"""What a session log holds: its messages, decoded only when asked, and what was noted about the session."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.errors import RecordingError
from teletwin.recording.encoding import message_from_values

if TYPE_CHECKING:
    from teletwin.recording.clocks import Alignment


@dataclass(frozen=True, kw_only=True)
class LoggedMessage:
    """One record of a log; decoded only when asked."""

    topic: str
    schema: str
    t_log_ns: int
    """When it was sent or arrived, clock of the log."""
    t_publish_ns: int
    """When what it describes holds, clock of the log."""
    seq: int
    data: bytes
    place: int = 0
    """Its number in its file: what a role did first stands first, whatever the times say."""
    file_role: str = ""
    """Whose log it stands in."""
    shift_ns: int = 0
    """What was added to both times to bring them to the clock of the session's first log [ns]."""

    def shifted(self, shift_ns: int) -> LoggedMessage:
        """The same on a clock that is shift_ns [ns] ahead."""
        t_log_ns, t_publish_ns = self.t_log_ns + shift_ns, self.t_publish_ns + shift_ns
        return dataclasses.replace(self, t_log_ns=t_log_ns, t_publish_ns=t_publish_ns, shift_ns=shift_ns)

    @property
    def role(self) -> str:
        """Whose message it is: the first part of the topic."""
        return self.topic.split("/")[1]

    @property
    def kind(self) -> str:
        """Name of the message type, for example 'ForecastPacket', or of a Foxglove form."""
        return self.schema.rpartition(".")[2]

    @cached_property
    def values(self) -> dict[str, Any]:
        """The message as plain JSON values.

        Raises:
            RecordingError: It is none.
        """
        try:
            values = json.loads(self.data)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"a logged {self.kind} is not JSON", given=str(error)[:80]) from None
        if not isinstance(values, dict):
            raise RecordingError(f"a logged {self.kind} has no fields", given=str(values)[:80])
        return values

    def message(self) -> Any:
        """The message as the dataclass of `teletwin.messages`."""
        return message_from_values(self.kind, self.values)


@dataclass(frozen=True, kw_only=True)
class SessionRecording:
    """What a log holds, in the order of its times."""

    path: Path
    messages: list[LoggedMessage]
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
        return sorted({each.topic for each in self.messages})

    def of_kind(self, kind: str) -> list[LoggedMessage]:
        """All messages of one type, whoever sent them."""
        return [each for each in self.messages if each.kind == kind]

    def on_topic(self, topic: str) -> list[LoggedMessage]:
        """All messages of one topic."""
        return [each for each in self.messages if each.topic == topic]
