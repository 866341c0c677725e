"""A session's logs as one MCAP file on one clock, for Foxglove and whatever else opens MCAP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from teletwin.errors import RecordingError
from teletwin.recording.channels import Channels
from teletwin.recording.logged_message import LoggedMessage
from teletwin.recording.session_recording import SessionRecording


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
            channels = Channels(writer)
            for each in log.messages:
                _add(writer, channels.of(each.topic, each.schema), each)
            writer.finish()
    except OSError as error:
        raise RecordingError("the file cannot be written", given=path, mend=error.strerror or str(error)) from error
    return path


def _add(writer: Any, channel: int, each: LoggedMessage) -> None:
    writer.add_message(
        channel,
        log_time=max(each.t_log_ns, 0),
        publish_time=max(each.t_publish_ns, 0),
        sequence=each.seq & 0xFFFFFFFF,
        data=each.data,
    )
