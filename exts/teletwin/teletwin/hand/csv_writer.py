"""Poses as CSV with a header that names columns and units; any spreadsheet opens it, `read_csv` reads it back."""

from __future__ import annotations

from pathlib import Path

from teletwin.errors import RecordingError
from teletwin.hand.recording import HandRecording

CSV_HEADER = "t_ns,x_m,y_m,z_m,qw,qx,qy,qz"


def csv_text(recording: HandRecording) -> str:
    """Text of a recording: nanoseconds as they are, metres and quaternions wxyz to 1e-9."""
    lines = [CSV_HEADER]
    for t_ns, pose in zip(recording.t_ns.tolist(), recording.poses.tolist(), strict=True):
        lines.append(f"{t_ns}," + ",".join(f"{value:.9f}" for value in pose))
    return "\n".join(lines) + "\n"


def write_csv(path: str | Path, recording: HandRecording) -> None:
    """Write a recording as CSV.

    Raises:
        RecordingError: The file cannot be written there.
    """
    try:
        Path(path).write_text(csv_text(recording), encoding="utf-8")
    except OSError as error:
        raise RecordingError("the recording cannot be written", given=path, mend=error.strerror or "") from error
