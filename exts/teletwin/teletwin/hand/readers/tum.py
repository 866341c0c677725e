"""The TUM trajectory format: `timestamp tx ty tz qx qy qz qw`; seconds, metres, unit quaternion; # is a comment."""

from __future__ import annotations

from pathlib import Path

from teletwin.hand.readers.checked import checked_recording, seconds_to_ns
from teletwin.hand.readers.text import number_rows, text_lines
from teletwin.hand.recording import HandRecording

_TO_WXYZ = [1, 2, 3, 7, 4, 5, 6]


def read_tum(path: str | Path, *, longest_piece: bool = False) -> HandRecording:
    """Read a TUM file.

    Args:
        path: The file.
        longest_piece: Keep only the longest stretch without a gap, instead of refusing the gap.

    Raises:
        RecordingError: The file cannot be read or trusted; with file and line.
    """
    path = Path(path)
    rows, numbers = number_rows(path, text_lines(path), separator=None, columns=8)
    t_ns = seconds_to_ns(rows[:, 0], 1e9, where=lambda sample: f"{path}, line {numbers[sample]}")
    return checked_recording(path, t_ns, rows[:, _TO_WXYZ], unit="line", numbers=numbers, longest_piece=longest_piece)
