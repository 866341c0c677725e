"""The last step of every reader: refuse what cannot be a hand, with the place in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.hand.recording import HandRecording, check_track


def checked_recording(
    path: Path, t_ns: NDArray[np.int64], poses: Array, *, unit: str, numbers: Sequence[int], name: str = ""
) -> HandRecording:
    """A recording of what was read.

    Args:
        path: The file.
        t_ns: Times (n,) [ns].
        poses: (n, 7), quaternions wxyz.
        unit: What the file is made of: 'line', 'row', 'message'.
        numbers: Number of the line (row, message) of each sample.
        name: What to call it; the file's stem when empty.

    Raises:
        RecordingError: See check_track.
    """

    def where(sample: int) -> str:
        return f"{path}, {unit} {numbers[sample]}" if sample < len(numbers) else str(path)

    if not len(t_ns):
        raise RecordingError("the recording holds no samples", given=path)
    check_track(t_ns, poses, where=where)
    return HandRecording(name=name or path.stem, t_ns=t_ns, poses=poses)


def seconds_to_ns(times: Array, unit_ns: float, *, where: Callable[[int], str]) -> NDArray[np.int64]:
    """Times (n,) from the first sample on [ns], so that epoch seconds keep their nanoseconds as far as they have them.

    Raises:
        RecordingError: A time is not a finite number.
    """
    bad = ~np.isfinite(times)
    if bad.any():
        first = int(np.argmax(bad))
        raise RecordingError(f"{where(first)}: the time is not a finite number", given=times[first])
    return np.round((times - times[0]) * unit_ns).astype(np.int64)


def opened_error(path: Path, error: OSError) -> RecordingError:
    """The one line for a file that cannot be opened."""
    return RecordingError("the recording cannot be opened", given=path, mend=error.strerror or str(error))
