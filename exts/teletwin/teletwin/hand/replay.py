"""A recorded hand played against the injected time."""

from __future__ import annotations

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.geometry import Array, interpolate_pose
from teletwin.hand.handwriting import quintic
from teletwin.hand.recording import HandRecording
from teletwin.messages import PoseSample

STEP_MAX_NS = NS_PER_S // 100
"""Samples of the way back, and of the rest at the end, are never further apart [ns]."""
_BRIDGE_SPEED_M_S = 0.2
_BRIDGE_TURN_RAD_S = 1.0
_BRIDGE_MIN_S = 0.5
_CLOSED_M, _CLOSED_RAD = 1e-3, 5e-3
_CATCH_UP_NS = NS_PER_S


class ReplayHand:
    """Plays a recording; at its end it starts again, over a smooth bridge, or rests.

    It starts at start_ns [ns], or at the first poll when that is None.

    Recorded samples are given as they are, when they were recorded, and none in between: it would tell of the next one
    before that was there. A hand of 30 Hz is given at 30 Hz.
    """

    def __init__(self, recording: HandRecording, *, loop: bool = True, start_ns: int | None = None) -> None:
        t_ns, poses = recording.t_ns - recording.t_ns[0], recording.poses.copy()
        self._loop = loop
        self._t_ns, self._poses, self._period_ns = _closed(t_ns, poses) if loop else (t_ns, poses, 0)
        self._poses.setflags(write=False)
        self.scale = recording.scale
        self.name = recording.name
        self._start_ns = start_ns
        self._next = 0

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples since the last call, oldest first; after a stall only those of the last second."""
        if self._start_ns is None:
            self._start_ns = now_ns
        self._skip_stale(now_ns)
        samples: list[PoseSample] = []
        while (t_ns := self._time_ns(self._next)) <= now_ns:
            samples.append(PoseSample(t_ns=t_ns, pose=self._poses[self._row(self._next)]))
            self._next += 1
        return samples

    def _row(self, index: int) -> int:
        return index % len(self._t_ns) if self._loop else min(index, len(self._t_ns) - 1)

    def _time_ns(self, index: int) -> int:
        """When sample `index`, counted through all rounds, is due."""
        start_ns = self._start_ns or 0
        count = len(self._t_ns)
        if self._loop:
            return start_ns + index // count * self._period_ns + int(self._t_ns[index % count])
        resting = max(index - count + 1, 0)
        return start_ns + int(self._t_ns[min(index, count - 1)]) + resting * STEP_MAX_NS

    def _skip_stale(self, now_ns: int) -> None:
        oldest_ns = now_ns - _CATCH_UP_NS
        if self._time_ns(self._next) >= oldest_ns:
            return
        if self._loop:  # whole rounds at once, however long the stall was
            behind = (oldest_ns - self._time_ns(self._next)) // self._period_ns
            self._next += behind * len(self._t_ns)
        elif self._next >= len(self._t_ns):
            self._next += (oldest_ns - self._time_ns(self._next)) // STEP_MAX_NS
        while self._time_ns(self._next) < oldest_ns:
            self._next += 1


def _closed(t_ns: np.ndarray, poses: Array) -> tuple[np.ndarray, Array, int]:
    """Times and poses of one round with the way back to its start, and its period [ns]."""
    step_ns = min(int(np.median(np.diff(t_ns))), STEP_MAX_NS)
    distance = float(np.linalg.norm(poses[0, :3] - poses[-1, :3]))
    angle = 2.0 * float(np.arccos(min(abs(float(poses[0, 3:] @ poses[-1, 3:])), 1.0)))
    step_s = step_ns / NS_PER_S
    leave, arrive = _velocity(t_ns[-5:], poses[-5:]), _velocity(t_ns[:5], poses[:5])
    reach_m = max(_CLOSED_M, float(np.linalg.norm(leave)) * 2.0 * step_s)
    if distance <= reach_m and angle <= _CLOSED_RAD:
        return t_ns, poses, int(t_ns[-1]) + step_ns
    duration_s = max(_BRIDGE_MIN_S, 1.875 * distance / _BRIDGE_SPEED_M_S, 1.875 * angle / _BRIDGE_TURN_RAD_S)
    count = round(duration_s / step_s)
    s = np.arange(1, count) / count
    bridge = interpolate_pose(poses[-1], poses[0], s**3 * (10.0 - 15.0 * s + 6.0 * s**2))
    bridge[:, :3] = quintic(s, poses[-1, :3], leave * duration_s, poses[0, :3], arrive * duration_s)
    times = t_ns[-1] + step_ns * np.arange(1, count)
    return np.concatenate([t_ns, times]), np.concatenate([poses, bridge]), int(times[-1]) + step_ns


def _velocity(t_ns: np.ndarray, poses: Array) -> Array:
    """Mean linear velocity (3,) [m/s] over these samples."""
    return (poses[-1, :3] - poses[0, :3]) / ((t_ns[-1] - t_ns[0]) / NS_PER_S)
