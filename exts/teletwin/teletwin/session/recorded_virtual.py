"""A virtual session that is recorded as a live one is: a file a role, with configuration and clocks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from teletwin.clock import SystemClock
from teletwin.recording import SessionLog
from teletwin.session.config import SessionCfg
from teletwin.session.log import host_facts, role_path
from teletwin.session.virtual import Log, VirtualSession

_ROLES = ("operator", "twin", "arm")
_ALL_OF_IT = 1 << 40
"""Virtual time does not wait for a disk: nothing may be dropped."""


@contextlib.contextmanager
def recorded_session(
    path: str | Path,
    session: SessionCfg,
    *,
    clock_offsets_ms: Mapping[str, float] | None = None,
    clock_drifts_ppm: Mapping[str, float] | None = None,
    renders: bool = True,
) -> Iterator[VirtualSession]:
    """A virtual session whose messages go to `path` and to files of the other roles beside it.

    Raises:
        RecordingError: The files cannot be written.
    """
    offsets_ms, drifts_ppm = dict(clock_offsets_ms or {}), dict(clock_drifts_ppm or {})
    facts = {"clock_offsets_ms": offsets_ms, "clock_drifts_ppm": drifts_ppm, "renders": renders}
    with contextlib.ExitStack() as stack:
        logs: dict[str, Log] = {}
        for role in _ROLES:
            log = SessionLog(role_path(str(path), role), clock=SystemClock(), capacity=_ALL_OF_IT)
            stack.enter_context(log)
            log.write_metadata("configuration", session)
            clock = f"virtual/{offsets_ms.get(role, 0.0):g}/{drifts_ppm.get(role, 0.0):g}"
            log.write_metadata("host", host_facts(role, clock=clock))
            log.write_metadata("virtual", facts)
            logs[role] = _writer(log)
        yield VirtualSession(
            session, clock_offsets_ms=offsets_ms, clock_drifts_ppm=drifts_ppm, renders=renders, log=logs
        )


def _writer(log: SessionLog) -> Log:
    return lambda role, message, t_log_ns, t_sent_ns: log.write(
        message, role=role, t_ns=t_log_ns, t_motion_ns=t_sent_ns
    )
