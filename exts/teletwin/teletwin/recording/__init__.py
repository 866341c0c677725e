"""Session logs: every message with its times in MCAP, read back on one clock and exported."""

from __future__ import annotations

from teletwin.recording.export import EXPORTED, export_tum
from teletwin.recording.log import SessionLog
from teletwin.recording.logged_message import LoggedMessage
from teletwin.recording.merged import write_merged
from teletwin.recording.message_table import MessageTable
from teletwin.recording.reader import read_log, read_logs, read_session
from teletwin.recording.rerun_file import write_rerun
from teletwin.recording.session_recording import SessionRecording

__all__ = [
    "EXPORTED",
    "LoggedMessage",
    "MessageTable",
    "SessionLog",
    "SessionRecording",
    "export_tum",
    "read_log",
    "read_logs",
    "read_session",
    "write_merged",
    "write_rerun",
]
