"""The recorder of a role, as the callback that the loops know."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from teletwin.clock import Clock
from teletwin.messages import Message, PoseSample
from teletwin.recording import SessionLog
from teletwin.session.role_cfg import RoleCfg

LogMessage = Callable[[str, Message | PoseSample, int, int], None]
"""Role, message, time of the log entry [ns], time of sending [ns]."""


def log_path(cfg: RoleCfg) -> Path:
    """The role's own file beside the session's: session.mcap, session.twin.mcap ..."""
    path = Path(cfg.record)
    return path if cfg.role == "operator" else path.with_name(f"{path.stem}.{cfg.role}{path.suffix}")


def open_log(stack: contextlib.ExitStack, cfg: RoleCfg, clock: Clock) -> LogMessage | None:
    """Open the role's recorder for as long as the stack lives; None when nothing is recorded."""
    if not cfg.record:
        return None
    log = stack.enter_context(SessionLog(log_path(cfg), clock=clock))
    log.write_metadata("configuration", cfg.session)
    return writer(log)


def writer(log: SessionLog) -> LogMessage:
    """The callback that writes to a log."""

    def write(role: str, message: Message | PoseSample, t_log_ns: int, t_sent_ns: int) -> None:
        log.write(message, role=role, t_ns=t_log_ns, t_motion_ns=t_sent_ns)

    return write
