"""The queue of past poses."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array, interpolate_pose


class PoseHistory:
    """The queue of the newest poses, kept in arrays; time must increase, an older sample is refused.

    `window` gives them on an even grid that ends at the newest sample and uses past samples only, so a
    forecaster never sees the future (and a late sample never rewrites what was forecast from).
    """

    def __init__(self, *, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._t_ns = np.zeros(2 * capacity, dtype=np.int64)
        self._pose = np.zeros((2 * capacity, 7))
        self._end = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def newest_t_ns(self) -> int:
        """Time of the newest sample [ns]; 0 when empty."""
        return int(self._t_ns[self._end - 1]) if self._count else 0

    @property
    def newest_pose(self) -> Array:
        """The newest pose (7,), a view."""
        return self._pose[self._end - 1]

    def clear(self) -> None:
        """Forget everything."""
        self._end = self._count = 0

    def forget_after(self, t_ns: int) -> None:
        """Forget every sample that is newer than t_ns."""
        times, _ = self.samples()
        newer = len(times) - int(np.searchsorted(times, t_ns, side="right"))
        self._end -= newer
        self._count -= newer

    def append(self, t_ns: int, pose: Array) -> bool:
        """Add a pose (7,); return False and change nothing when it is not newer than the newest."""
        if self._count and t_ns <= self.newest_t_ns:
            return False
        if self._end == 2 * self._capacity:  # slide the newer half to the front: views stay contiguous
            keep = min(self._count, self._capacity)
            self._t_ns[:keep] = self._t_ns[self._end - keep : self._end]
            self._pose[:keep] = self._pose[self._end - keep : self._end]
            self._end = keep
        quat = pose[3:]
        if self._count and float(quat @ self._pose[self._end - 1, 3:]) < 0.0:
            quat = -quat  # one hemisphere throughout, so that channels are continuous
        self._t_ns[self._end] = t_ns
        self._pose[self._end, :3] = pose[:3]
        self._pose[self._end, 3:] = quat
        self._end += 1
        self._count = min(self._count + 1, self._capacity)
        return True

    def samples(self) -> tuple[np.ndarray, Array]:
        """Times [ns] (n,) and poses (n, 7), oldest first, as views."""
        start = self._end - self._count
        return self._t_ns[start : self._end], self._pose[start : self._end]

    def at(self, t_ns: int) -> Array | None:
        """The pose (7,) at t_ns by interpolation between its neighbours; None outside what is kept."""
        times, poses = self.samples()
        if not len(times) or t_ns < times[0] or t_ns > times[-1]:
            return None
        right = int(np.searchsorted(times, t_ns))
        if times[right] == t_ns:
            return poses[right].copy()
        left = right - 1
        fraction = (t_ns - times[left]) / (times[right] - times[left])
        return interpolate_pose(poses[left], poses[right], fraction)

    def window(self, count: int, *, step_ns: int) -> Array:
        """Poses (count, 7) on a grid of step_ns that ends at the newest sample.

        Where the past does not reach back far enough the oldest pose is repeated.
        """
        times, poses = self.samples()
        reach_ns = count * step_ns
        first = max(int(np.searchsorted(times, times[-1] - reach_ns)) - 1, 0)
        times, poses = times[first:], poses[first:]
        grid = times[-1] + step_ns * np.arange(1 - count, 1, dtype=np.int64)
        offset = (grid - times[-1]).astype(np.float64)
        known = (times - times[-1]).astype(np.float64)
        out = np.empty((count, 7))
        for channel in range(7):
            out[:, channel] = np.interp(offset, known, poses[:, channel])
        norm = np.sqrt(np.einsum("ij,ij->i", out[:, 3:], out[:, 3:]))
        out[:, 3:] /= norm[:, None]
        return out
