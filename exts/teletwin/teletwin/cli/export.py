"""`teletwin export`: trajectories out of a session log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import tyro

from teletwin.cli.options import read_options
from teletwin.recording import export_tum, read_session
from teletwin.report import build_report, write_report


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of `teletwin export`."""

    log: tyro.conf.Positional[str]
    """A session log (.mcap); those of the other roles beside it are read too."""
    out: str = "trajectories"
    """Folder for hand.tum, command.tum, arm.tum and shown.tum."""
    report: str = ""
    """Write what was exported to this JSON file."""


def main(arguments: list[str]) -> int:
    """Export one session; return the exit status."""
    options = read_options(ExportOptions, arguments, command="export", description=__doc__ or "")
    return run_export(options.log, out=options.out, report=options.report or None)


def run_export(log: str | Path, *, out: str | Path, report: str | Path | None = None) -> int:
    """Write hand.tum, command.tum, arm.tum and shown.tum into `out`; 0 when something was written.

    Raises:
        RecordingError: There is no such log, it holds no motion, or `out` cannot be written.
    """
    recording = read_session(log)
    paths = export_tum(recording, out)
    counts = {name: len(path.read_text(encoding="utf-8").splitlines()) - 1 for name, path in paths.items()}
    for name, path in paths.items():
        print(f"{path}  {counts[name]} poses")
    if not recording.complete:
        print(f"note: {log} ends too early (killed while recording?); what came before is exported")
    if report is not None:
        results = {
            "pose_count": counts,
            "message_count": len(recording.messages),
            "is_complete": recording.complete,
            "files": {name: str(path) for name, path in paths.items()},
        }
        now = datetime.now(UTC).isoformat(timespec="seconds")
        settings = {"log": str(log), "out": str(out)}
        write_report(
            build_report("export", results=results, configuration=settings, seed=None, created_utc=now), report
        )
    return 0
