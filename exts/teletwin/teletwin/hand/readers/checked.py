"""The last step of every reader: refuse what cannot be a hand, with the place in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teletwin.bounded import Allowance
from teletwin.clock import NS_PER_S
from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.hand.recording import GAP_MAX_S, HandRecording, check_track

_PLAYED_EVERY_NS, _PLAYED_BYTES = 10_000_000, 300
"""A recording is worked on in slots of so long, each of which takes so much of memory."""


class GapError(RecordingError):
    """A recording with gaps in time; `pieces` makes recordings of what lies between them."""

    def __init__(self, what: str, *, pieces: Callable[[], tuple[HandRecording, ...]]) -> None:
        super().__init__(what)
        self.pieces = pieces


def checked_recording(
    path: Path,
    t_ns: NDArray[np.int64],
    poses: Array,
    *,
    unit: str,
    numbers: Sequence[int] | NDArray[np.int64],
    name: str = "",
    longest_piece: bool = False,
) -> HandRecording:
    """A recording of what was read.

    Args:
        path: The file.
        t_ns: Times (n,) [ns].
        poses: (n, 7), quaternions wxyz.
        unit: What the file is made of: 'line', 'row', 'message'.
        numbers: Number of the line (row, message) of each sample.
        name: What to call it; the file's stem when empty.
        longest_piece: Keep only the longest stretch without a gap, instead of refusing the gap.

    Raises:
        GapError: There is a gap.
        RecordingError: See check_track.
        TooLargeError: Working with it would take more memory than a file may, however few its samples are.
    """

    def where(sample: int) -> str:
        return f"{path}, {unit} {numbers[sample]}" if sample < len(numbers) else str(path)

    if not len(t_ns):
        raise RecordingError("the recording holds no samples", given=path)
    if longest_piece:
        kept = longest_gapless(t_ns)
        t_ns, poses, numbers = t_ns[kept], poses[kept], numbers[kept]
    stretches = gapless(t_ns)
    if len(stretches) > 1:
        at = stretches[1].start
        raise GapError(
            f"{where(at)}: a gap in time; given: {(t_ns[at] - t_ns[at - 1]) / NS_PER_S:.6g}; "
            f"allowed: at most {GAP_MAX_S:g} s; cut the file there",
            pieces=lambda: tuple(
                checked_recording(
                    path,
                    t_ns[kept],
                    poses[kept],
                    unit=unit,
                    numbers=numbers[kept],
                    name=f"{name or path.stem} piece {number}",
                )
                for number, kept in enumerate(stretches, start=1)
                if kept.stop - kept.start > 1
            ),
        )
    check_track(t_ns, poses, where=where)
    Allowance(path).take(_PLAYED_BYTES * int((t_ns[-1] - t_ns[0]) // _PLAYED_EVERY_NS))
    return HandRecording(name=name or path.stem, t_ns=t_ns, poses=poses)


def longest_gapless(t_ns: NDArray[np.int64]) -> slice:
    """The samples between two gaps (or ends) that span the longest time."""
    return max(gapless(t_ns), key=lambda kept: int(t_ns[kept.stop - 1] - t_ns[kept.start]))


def gapless(t_ns: NDArray[np.int64]) -> list[slice]:
    """The samples of every stretch without a gap, in order."""
    edges = [0, *(np.flatnonzero(np.diff(t_ns) > GAP_MAX_S * NS_PER_S) + 1).tolist(), len(t_ns)]
    return [slice(first, end) for first, end in pairwise(edges)]


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
