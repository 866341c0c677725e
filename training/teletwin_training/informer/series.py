"""Hands as the long tables of series that neuralforecast reads: one series a channel, of 10 ms increments.

Increments, because a network that has to say where the pose is errs most in the first 20 ms; they are
summed up from the newest pose again. Each window is standardised by itself, so that slow and fast hands
look alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.forecast import WINDOW_STEP_S
from teletwin.geometry import Array, quat_normalize
from teletwin.hand.recording import HandRecording
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S

STEPS = round((CURVE_KNOTS - 1) * CURVE_STEP_S / WINDOW_STEP_S)
_EVERY = round(CURVE_STEP_S / WINDOW_STEP_S)


def increments_of(track: HandRecording) -> Array:
    """Increments (n, 7) of a recording on an even 10 ms grid; for training only, so it may look both ways."""
    t_s = (track.t_ns - track.t_ns[0]) / NS_PER_S
    grid = np.arange(0.0, t_s[-1], WINDOW_STEP_S)
    return np.diff(np.column_stack([np.interp(grid, t_s, channel) for channel in track.poses.T]), axis=0)


def training_table(tracks: Sequence[HandRecording]) -> Any:
    """Table (unique_id, ds, y) of every channel that moves, each brought to unit root mean square."""
    parts = []
    for number, track in enumerate(tracks):
        for channel, values in enumerate(increments_of(track).T):
            size = float(np.sqrt(np.mean(values**2)))
            if size > 0.0:
                parts.append((f"{number}.{channel}", values / size))
    return _table(parts)


def window_table(windows: Array) -> tuple[Any, Array]:
    """Table of windows (n, count, 7), one series a channel and window in order, and their sizes (n, 7)."""
    increments = np.diff(windows, axis=1)
    size = np.sqrt(np.mean(increments**2, axis=1))
    scaled = increments / np.where(size > 0.0, size, 1.0)[:, None]
    rows = scaled.transpose(0, 2, 1).reshape(-1, increments.shape[1])
    return _table([(f"{number:09d}", row) for number, row in enumerate(rows)]), size


def curves_from(increments: Array, windows: Array) -> Array:
    """Curves (n, CURVE_KNOTS, 7) from forecast increments (n, STEPS, 7) and the windows (n, count, 7) before."""
    newest = windows[:, -1:]
    poses = newest + np.cumsum(increments, axis=1)[:, _EVERY - 1 :: _EVERY]
    curves = np.concatenate([newest, poses], axis=1)
    curves[..., 3:] = quat_normalize(curves[..., 3:])
    return curves


def _table(parts: Sequence[tuple[str, Array]]) -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            "unique_id": np.concatenate([np.full(len(values), name) for name, values in parts]),
            "ds": np.concatenate([np.arange(len(values)) for _, values in parts]),
            "y": np.concatenate([values for _, values in parts]).astype(np.float32),
        }
    )
