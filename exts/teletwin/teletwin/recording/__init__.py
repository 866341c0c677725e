"""Session logs: every message with its times in MCAP, read back and exported as TUM trajectories."""

from __future__ import annotations

from teletwin.recording.export import EXPORTED, export_tum
from teletwin.recording.log import SessionLog
from teletwin.recording.reader import LoggedMessage, SessionRecording, read_log, read_session

__all__ = ["EXPORTED", "LoggedMessage", "SessionLog", "SessionRecording", "export_tum", "read_log", "read_session"]
