"""HDF5 trials of the BROAD data set (Laidig et al., Data 6(7), 2021): optical motion capture at 285.7 Hz.

`opt_pos` (n, 3) [m] and `opt_quat` (n, 4) wxyz; a sample that the cameras did not see is NaN.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bounded import Allowance, memory_capped
from teletwin.clock import NS_PER_S
from teletwin.errors import MissingPartError, RecordingError
from teletwin.hand.readers.checked import checked_recording, opened_error
from teletwin.hand.readers.pose_rows import POSE_BYTES
from teletwin.hand.recording import HandRecording

_RATE_HZ = 2000.0 / 7.0


def read_broad(path: str | Path, *, longest_piece: bool = False) -> HandRecording:
    """Read the optically measured motion of a trial; unseen samples are left out.

    Args:
        path: The file.
        longest_piece: Keep only the longest stretch without a gap, instead of refusing the gap.

    Raises:
        RecordingError: The file cannot be read or trusted; with file and row.
        MissingPartError: h5py is not installed.
    """
    path = Path(path)
    try:
        import h5py
    except ImportError as error:
        raise MissingPartError("HDF5 files need h5py", mend="pip install 'teletwin[readers]'") from error
    if not path.is_file():
        raise RecordingError("the recording cannot be opened", given=path, mend="No such file")
    try:
        with memory_capped(path), h5py.File(path, "r") as file:
            position, quat, rate_hz = _columns(path, file)
    except OSError as error:
        raise opened_error(path, error) from error
    poses = np.concatenate([position, quat], axis=1)
    seen = np.flatnonzero(np.isfinite(poses).all(axis=1))
    t_ns = np.round(seen * (NS_PER_S / rate_hz)).astype(np.int64)
    return checked_recording(path, t_ns, poses[seen], unit="row", numbers=seen + 1, longest_piece=longest_piece)


def _columns(path: Path, file: Any) -> tuple[np.ndarray, np.ndarray, float]:
    missing = [name for name in ("opt_pos", "opt_quat") if name not in file]
    if missing:
        given = ", ".join(itertools.islice(file, 8))
        raise RecordingError(f"{path}: not a BROAD trial", given=given, allowed="opt_pos and opt_quat")
    datasets = [file["opt_pos"], file["opt_quat"]]
    count = _row_count(path, *datasets)
    allowance = Allowance(path)
    allowance.take(POSE_BYTES * count + sum(_chunk_bytes(each) for each in datasets))
    position, quat = (np.asarray(each[()], dtype=np.float64) for each in datasets)
    rate_hz = _rate_hz(path, file)
    if not 2.0 <= rate_hz <= 20_000.0:
        raise RecordingError(f"{path}: the sampling rate is out of range", given=rate_hz, allowed="2 ... 20000 Hz")
    return position, quat, rate_hz


def _row_count(path: Path, position: Any, quat: Any) -> int:
    """How many rows both datasets have, by what the file says of them: nothing is read yet."""
    for each in (position, quat):
        if getattr(each, "dtype", np.dtype(object)).kind not in "fiu" or each.external or each.is_virtual:
            raise RecordingError(f"{path}: not a BROAD trial", given=each, allowed="numbers, in this file")
    if position.ndim != 2 or position.shape[1] != 3 or quat.shape != (len(position), 4):
        raise RecordingError(
            f"{path}: not a BROAD trial", given=f"{position.shape}, {quat.shape}", allowed="(n, 3), (n, 4)"
        )
    return len(position)


def _chunk_bytes(dataset: Any) -> int:
    """What unpacking one chunk takes, which may be larger than all that is in it."""
    return 0 if dataset.chunks is None else 2 * math.prod(dataset.chunks) * dataset.dtype.itemsize


def _rate_hz(path: Path, file: Any) -> float:
    """What the file says, as a dataset or an attribute, or else BROAD's own."""
    stated = file["sampling_rate"] if "sampling_rate" in file else file.attrs.get("sampling_rate", _RATE_HZ)
    if getattr(stated, "size", 1) != 1:
        raise RecordingError(f"{path}: the sampling rate is not one number", given=stated)
    try:
        return float(np.ravel(stated[()] if hasattr(stated, "chunks") else stated)[0])
    except (TypeError, ValueError) as error:
        raise RecordingError(f"{path}: the sampling rate is not a number", given=str(error)[:80]) from error
