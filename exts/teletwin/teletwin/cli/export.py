"""`teletwin export`: trajectories out of a session log, or the session for another viewer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.recording import SessionRecording, export_tum, read_session, write_merged, write_rerun
from teletwin.report import build_report, write_report


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of `teletwin export`."""

    log: tyro.conf.Positional[str]
    """A session log (.mcap); those of the other roles beside it are read too, and brought to its clock."""
    to: Literal["tum", "mcap", "rerun"] = "tum"
    """Trajectories as TUM text (evo), one MCAP file of all roles (Foxglove), or a file for the rerun viewer."""
    out: str = ""
    """Folder of the trajectories, or the file to write."""
    report: str = ""
    """Write what was exported to this JSON file."""


def main(arguments: list[str]) -> int:
    """Export one session; return the exit status."""
    options = read_options(ExportOptions, arguments, command="export", description=__doc__ or "")
    if options.to == "tum":
        return run_export(options.log, out=options.out or "trajectories", report=options.report or None)
    recording, stem = read_session(options.log), Path(options.log).stem
    _tell_clocks(recording)
    if options.to == "mcap":
        path = write_merged(recording, options.out or f"{stem}-merged.mcap")
    else:
        path = write_rerun(recording, options.out or f"{stem}.rrd")
    print(f"{path}  {len(recording.messages)} messages")
    if options.report:
        _write(options.report, recording, {"files": {options.to: str(path)}}, options)
    return 0


def _line_count(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(1 for _ in stream)


def _tell_clocks(recording: SessionRecording) -> None:
    """Which files were moved to another clock, and which could not be."""
    for each in recording.alignments:
        if each.how == "shifted":
            print(f"the {each.role}'s times are moved by {each.shift_ms:+.2f} ms to the {recording.role}'s clock")
        elif each.how == "unknown":
            print(f"note: how the {each.role}'s clock stands to the {recording.role}'s is not known; left as it is")


def _write(report: str | Path, recording: SessionRecording, results: dict[str, object], settings: object) -> None:
    """The report of an export."""
    results = {
        **results,
        "message_count": len(recording.messages),
        "is_complete": recording.complete,
        "clock_shifts_ms": {each.role: each.shift_ms for each in recording.alignments},
    }
    now = utc_text()
    write_report(build_report("export", results=results, configuration=settings, seed=None, created_utc=now), report)


def run_export(log: str | Path, *, out: str | Path, report: str | Path | None = None) -> int:
    """Write hand.tum, command.tum, arm.tum and shown.tum into `out`; 0 when something was written.

    Raises:
        RecordingError: There is no such log, it holds no motion, or `out` cannot be written.
    """
    recording = read_session(log)
    paths = export_tum(recording, out)
    counts = {name: _line_count(path) - 1 for name, path in paths.items()}
    for name, path in paths.items():
        print(f"{path}  {counts[name]} poses")
    _tell_clocks(recording)
    if not recording.complete:
        print(f"note: {log} ends too early (killed while recording?); what came before is exported")
    if report is not None:
        files = {name: str(path) for name, path in paths.items()}
        _write(report, recording, {"pose_count": counts, "files": files}, {"log": str(log), "out": str(out)})
    return 0
