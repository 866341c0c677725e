"""HDF5 trials of the BROAD data set (Laidig et al., Data 6(7), 2021): optical motion capture at 285.7 Hz.

`opt_pos` (n, 3) [m] and `opt_quat` (n, 4) wxyz; a sample that the cameras did not see is NaN.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import MissingPartError, RecordingError
from teletwin.hand.readers.checked import checked_recording, opened_error
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
        with h5py.File(path, "r") as file:
            position, quat, rate_hz = _columns(path, file)
    except OSError as error:
        raise opened_error(path, error) from error
    poses = np.concatenate([position, quat], axis=1)
    seen = np.flatnonzero(np.isfinite(poses).all(axis=1))
    t_ns = np.round(seen * (NS_PER_S / rate_hz)).astype(np.int64)
    numbers = (seen + 1).tolist()
    return checked_recording(path, t_ns, poses[seen], unit="row", numbers=numbers, longest_piece=longest_piece)


def _columns(path: Path, file: Any) -> tuple[np.ndarray, np.ndarray, float]:
    missing = [name for name in ("opt_pos", "opt_quat") if name not in file]
    if missing:
        raise RecordingError(f"{path}: not a BROAD trial", given=", ".join(file), allowed="opt_pos and opt_quat")
    position, quat = (np.asarray(file[name][()], dtype=np.float64) for name in ("opt_pos", "opt_quat"))
    if position.ndim != 2 or position.shape[1] != 3 or quat.shape != (len(position), 4):
        raise RecordingError(
            f"{path}: not a BROAD trial", given=f"{position.shape}, {quat.shape}", allowed="(n, 3), (n, 4)"
        )
    stated = file["sampling_rate"][()] if "sampling_rate" in file else file.attrs.get("sampling_rate", _RATE_HZ)
    rate_hz = float(np.ravel(stated)[0])
    if not 2.0 <= rate_hz <= 20_000.0:
        raise RecordingError(f"{path}: the sampling rate is out of range", given=rate_hz, allowed="2 ... 20000 Hz")
    return position, quat, rate_hz
