"""Recorded hands in tables whose first line names the columns: ROSMA and WearMoCap, see recording_sets."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from teletwin.bounded import Allowance
from teletwin.clock import NS_PER_S
from teletwin.errors import RecordingError
from teletwin.geometry import Array, quat_from_matrix, quat_normalize
from teletwin.hand.readers.checked import checked_recording, seconds_to_ns
from teletwin.hand.readers.text import text_lines
from teletwin.hand.recording import HandRecording

ROSMA_HANDS = ("MTML", "MTMR")
"""The masters: a person's left and right hand."""
_ROSMA_HZ = 50.0
_ORTHONORMAL = 0.02
_ROW_BYTES = 400
"""What a kept row takes until it is a recording."""
_WEARMOCAP = (
    "sw_dt",
    *(f"gt_hand_orig_cal_{axis}" for axis in "xyz"),
    *(f"gt_larm_6drr_cal_{number}" for number in range(1, 7)),
)


def read_rosma(path: Path, *, hand: str) -> HandRecording:
    """One master of a trial; rows are 50 Hz apart, there are no times.

    Raises:
        RecordingError: The file cannot be read or trusted; with file and line.
    """
    names = [f"{hand}_position_{axis}" for axis in "xyz"] + [f"{hand}_orientation_{axis}" for axis in "wxyz"]
    rows, numbers = _columns(path, names)
    t_ns = np.round(np.arange(len(rows)) * (NS_PER_S / _ROSMA_HZ)).astype(np.int64)
    return checked_recording(path, t_ns, rows, unit="line", numbers=numbers, name=f"{path.stem} {hand}")


def read_wearmocap(path: Path) -> HandRecording:
    """The hand beside the hip, turned as the lower arm, by optical motion capture; a row for each watch sample.

    Raises:
        RecordingError: The file cannot be read or trusted, or holds no rotations; with file and line.
    """
    rows, numbers = _columns(path, _WEARMOCAP)
    t_s = np.cumsum(np.maximum(rows[:, 0], 0.0))
    kept = np.concatenate([[True], np.diff(t_s) > 0.0])  # a row that was written twice has no time of its own
    rows, t_s, numbers = rows[kept], t_s[kept], np.asarray(numbers)[kept]
    t_ns = seconds_to_ns(t_s, NS_PER_S, where=lambda sample: f"{path}, line {numbers[sample]}")
    poses = np.concatenate([rows[:, 1:4], quat_normalize(quat_from_matrix(_rotations(path, rows[:, 4:])))], axis=1)
    return checked_recording(path, t_ns, poses, unit="line", numbers=numbers, name=path.stem, longest_piece=True)


def _rotations(path: Path, six: Array) -> Array:
    """Rotation matrices (n, 3, 3) of their first two columns (n, 6), one after the other or row by row."""
    for pair in (six.reshape(-1, 2, 3), six.reshape(-1, 3, 2).swapaxes(1, 2)):
        first, second = pair[:, 0], pair[:, 1]
        norms = np.abs(np.linalg.norm(pair, axis=2) - 1.0).max(axis=1)
        if np.median(np.maximum(norms, np.abs((first * second).sum(axis=1)))) < _ORTHONORMAL:
            return np.stack([first, second, np.cross(first, second)], axis=2)
    raise RecordingError(f"{path}: the six numbers of the lower arm are no two columns of a rotation")


def _columns(path: Path, names: Sequence[str]) -> tuple[Array, Sequence[int]]:
    """These columns (n, names) of a table with commas, and the number of the line of each row."""
    lines = text_lines(path)
    _, header = next(lines, (0, ""))
    titles = [title.strip() for title in header.split(",")]
    missing = [name for name in names if name not in titles]
    if missing:
        raise RecordingError(f"{path}: the table lacks columns", given=header[:120], allowed=", ".join(missing))
    places = [titles.index(name) for name in names]
    values, numbers, allowance = array("d"), array("q"), Allowance(path)
    for number, line in lines:
        allowance.take(_ROW_BYTES)
        cells = line.split(",")
        try:
            values.extend([float(cells[place]) for place in places])
        except (ValueError, IndexError):
            raise RecordingError(f"{path}, line {number}: not numbers", given=line[:120]) from None
        numbers.append(number)
    if not numbers:
        raise RecordingError("the recording holds no samples", given=path)
    return np.array(values).reshape(len(numbers), len(places)), numbers
