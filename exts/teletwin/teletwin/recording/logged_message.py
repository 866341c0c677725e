"""One message of a session log."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from teletwin.bounded import parse_json
from teletwin.errors import RecordingError
from teletwin.recording.encoding import message_from_values


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
            TooLargeError: It would take too much memory.
        """
        try:
            values = parse_json(self.data, source=f"a logged {self.kind}")
        except ValueError as error:
            raise RecordingError(f"a logged {self.kind} is not JSON", given=str(error)[:80]) from None
        if not isinstance(values, dict):
            raise RecordingError(f"a logged {self.kind} has no fields", given=str(values)[:80])
        return values

    def message(self) -> Any:
        """The message as the dataclass of `teletwin.messages`."""
        return message_from_values(self.kind, self.values)
