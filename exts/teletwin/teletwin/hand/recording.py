"""A recorded hand: times and poses that were checked once and are trusted afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_S
from teletwin.errors import RecordingError
from teletwin.geometry import Array, align_hemispheres, quat_normalize

GAP_MAX_S = 0.5
SPEED_MAX_M_S = 20.0
NORM_TOLERANCE = 0.02
RATE_MAX_HZ = 20_000.0
EXTENT_MAX_M = 100.0
_STILL_NS = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRecording:
    """Poses of a hand against time; arrays are read-only.

    Construction refuses what cannot be a hand: see `check_track`.
    """

    name: str
    t_ns: NDArray[np.int64]
    """(n,), increasing; starts anywhere."""
    poses: Array
    """(n, 7) position [m] and unit quaternion wxyz, in one hemisphere throughout."""
    scale: float = 1.0
    """Metres here over metres of the original motion; to be said wherever a result is quoted in metres."""
    rotation_scale: float = 1.0
    """Radians here over radians of the original motion."""

    def __post_init__(self) -> None:
        t_ns = np.array(self.t_ns, dtype=np.int64)
        poses = np.array(self.poses, dtype=np.float64)
        check_track(t_ns, poses, where=lambda sample: f"recording '{self.name}', sample {sample}")
        poses[:, 3:] = align_hemispheres(quat_normalize(poses[:, 3:]))
        t_ns.setflags(write=False)
        poses.setflags(write=False)
        object.__setattr__(self, "t_ns", t_ns)
        object.__setattr__(self, "poses", poses)

    @property
    def duration_s(self) -> float:
        """From the first to the last sample [s]."""
        return float(self.t_ns[-1] - self.t_ns[0]) / NS_PER_S

    @property
    def rate_hz(self) -> float:
        """Median sample rate [Hz]."""
        return NS_PER_S / float(np.median(np.diff(self.t_ns)))


def still_hand(pose: Array) -> HandRecording:
    """A hand that rests at this pose (7,)."""
    return HandRecording(name="still", t_ns=np.array([0, _STILL_NS]), poses=np.stack([pose, pose]))


def check_track(t_ns: NDArray[np.int64], poses: Array, *, where: Callable[[int], str]) -> None:
    """Refuse motion that no hand makes.

    Args:
        t_ns: Times (n,) [ns].
        poses: (n, 7), quaternions not yet normalized.
        where: Words for the place of a sample, for the error.

    Raises:
        RecordingError: Too few samples, a value that is no number, a quaternion that is not of unit length,
            time that does not increase, a gap, a speed above 20 m/s, a place more than 100 m from the first one, or
            more than 20000 samples a second; with the first such place.
    """
    if poses.ndim != 2 or poses.shape != (len(t_ns), 7) or len(t_ns) < 2:
        raise RecordingError(
            f"{where(0)}: not a track",
            given=f"{len(t_ns)} times, poses {poses.shape}",
            allowed="at least 2 samples of 7",
        )
    _refuse(~(np.isfinite(poses).sum(axis=1) == 7), "a value is not a finite number", None, "finite numbers", where)
    norm = np.linalg.norm(poses[:, 3:], axis=1)
    _refuse(np.abs(norm - 1.0) > NORM_TOLERANCE, "the quaternion is not of unit length", norm, "norm 1 +- 0.02", where)
    step_s = np.concatenate([[1.0 / NS_PER_S], np.diff(t_ns) / NS_PER_S])
    _refuse(step_s <= 0.0, "time does not increase", step_s, "a step above 0 s", where)
    _refuse(step_s > GAP_MAX_S, "a gap in time", step_s, f"at most {GAP_MAX_S:g} s; cut the file there", where)
    distance = np.concatenate([[0.0], np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1)])
    speed = distance / step_s
    _refuse(
        speed > SPEED_MAX_M_S,
        "the hand is faster than any hand [m/s]",
        speed,
        f"at most {SPEED_MAX_M_S:g}; is the length unit right?",
        where,
    )
    away = np.linalg.norm(poses[:, :3] - poses[0, :3], axis=1)
    _refuse(
        away > EXTENT_MAX_M,
        "the motion goes further than any hand [m]",
        away,
        f"at most {EXTENT_MAX_M:g} from its start; is the length unit right?",
        where,
    )
    rate_hz = 1.0 / float(np.median(step_s[1:]))
    if rate_hz > RATE_MAX_HZ:
        raise RecordingError(
            f"{where(0)}: the sample rate is above that of any sensor",
            given=f"{rate_hz:.6g} Hz",
            allowed=f"at most {RATE_MAX_HZ:g} Hz; is the time unit right?",
        )


def _refuse(bad: NDArray[np.bool_], what: str, values: Array | None, allowed: str, where: Callable[[int], str]) -> None:
    if bad.any():
        first = int(np.argmax(bad))
        given = None if values is None else f"{values[first]:.6g}"
        raise RecordingError(f"{where(first)}: {what}", given=given, allowed=allowed)
