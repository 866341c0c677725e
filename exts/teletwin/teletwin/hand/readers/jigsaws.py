"""Kinematics of the JIGSAWS surgical data set (Gao et al., M2CAI 2014): 76 columns of text at 30 Hz, no times.

Four manipulators follow each other, 19 columns each: position (3) [m], rotation matrix (9, row by row), linear
velocity (3), angular velocity (3), gripper angle. The masters are the surgeon's hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import RecordingError
from teletwin.geometry import Array, quat_from_matrix
from teletwin.hand.readers.checked import checked_recording
from teletwin.hand.readers.text import number_rows, text_lines
from teletwin.hand.recording import HandRecording

JIGSAWS_COLUMNS = 76
JIGSAWS_PARTS = ("master-left", "master-right", "slave-left", "slave-right")
_COLUMNS_EACH = 19
_RATE_HZ = 30.0
_ROTATION_TOLERANCE = 0.05


def read_jigsaws(path: str | Path, *, part: str | None = None) -> HandRecording:
    """Read one manipulator of a JIGSAWS kinematics file.

    Args:
        path: The text file.
        part: One of JIGSAWS_PARTS; 'master-right' when left out.

    Raises:
        RecordingError: No such part, or the file cannot be read or trusted; with file and line.
    """
    path, part = Path(path), part or "master-right"
    if part not in JIGSAWS_PARTS:
        raise RecordingError("no such part of JIGSAWS kinematics", given=part, allowed=", ".join(JIGSAWS_PARTS))
    first = _COLUMNS_EACH * JIGSAWS_PARTS.index(part)
    kept = range(first, first + 12)
    rows, numbers = number_rows(path, text_lines(path), separator=None, columns=JIGSAWS_COLUMNS, kept=kept)
    rotation = rows[:, 3:].reshape(-1, 3, 3)
    _refuse_no_rotation(path, rotation, numbers)
    poses = np.concatenate([rows[:, :3], quat_from_matrix(rotation)], axis=1)
    t_ns = np.round(np.arange(len(rows)) * (NS_PER_S / _RATE_HZ)).astype(np.int64)
    name = f"{path.stem} {part}"
    return checked_recording(path, t_ns, poses, unit="line", numbers=numbers, name=name)


def _refuse_no_rotation(path: Path, rotation: Array, numbers: Sequence[int]) -> None:
    off = np.abs(rotation @ np.swapaxes(rotation, 1, 2) - np.eye(3)).max(axis=(1, 2))
    bad = ~(off < _ROTATION_TOLERANCE) | ~(np.linalg.det(np.nan_to_num(rotation)) > 0.0)
    if bad.any():
        first = int(np.argmax(bad))
        raise RecordingError(
            f"{path}, line {numbers[first]}: the matrix is no rotation",
            given=np.array2string(rotation[first].ravel(), precision=3),
            allowed="orthonormal rows, determinant 1",
        )
