"""Vertices of thick screen-space lines: traces and the forecast curve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array

LINE_POINTS = 2048
"""A longer line keeps its newest points."""
VERTEX_DTYPE = np.dtype([("before", "f4", 3), ("here", "f4", 3), ("after", "f4", 3), ("side_shade", "f4", 4)])
VERTEX_FORMAT = "3f 3f 3f 4f"
VERTEX_NAMES = ("before", "here", "after", "side_shade")


@dataclass(frozen=True, kw_only=True)
class LineStyle:
    """How a line looks."""

    tint: tuple[float, float, float]
    """Linear RGB."""
    core_px: float
    """Half width of the solid line at a picture height of 360 pixels."""
    halo_px: float
    """Half width with its glow."""
    opacity: float = 1.0
    fade_old: float = 0.0
    """Share of the line, at its first points, over which it appears."""
    fade_new: float = 0.0
    """Share of the line, at its last points, over which it vanishes."""


@cache
def _opacities(count: int, style: LineStyle) -> NDArray[np.float32]:
    share = np.linspace(0.0, 1.0, count)
    old = np.clip(share / style.fade_old, 0.0, 1.0) if style.fade_old > 0.0 else 1.0
    new = np.clip((1.0 - share) / style.fade_new, 0.0, 1.0) if style.fade_new > 0.0 else 1.0
    faded = np.asarray(style.opacity * old * new * np.ones(count), dtype=np.float32)
    faded.setflags(write=False)
    return faded


def write_line(out: NDArray[np.void], points: Array, style: LineStyle) -> int:
    """Fill `out` (VERTEX_DTYPE, 2 * LINE_POINTS) with a triangle strip along points (n, 3) [m].

    A row that is not finite is a gap: the line is transparent next to it. Returns the number of vertices.
    """
    points = points[-LINE_POINTS:]
    count = len(points)
    if count < 2:
        return 0
    finite: NDArray[np.bool_] = np.isfinite(points.sum(axis=1))
    opacity = _opacities(count, style)
    if not finite.all():
        points, opacity = _bridge(points, finite, opacity)
    pairs = out[: 2 * count].reshape(count, 2)
    pairs["here"] = points[:, None]
    pairs["before"][1:] = points[:-1, None]
    pairs["before"][0] = points[0]
    pairs["after"][:-1] = points[1:, None]
    pairs["after"][-1] = points[-1]
    pairs["side_shade"][:, 0, 0], pairs["side_shade"][:, 1, 0] = -1.0, 1.0
    pairs["side_shade"][:, :, 1] = opacity[:, None]
    pairs["side_shade"][:, :, 2] = 1.0
    return 2 * count


def _bridge(points: Array, finite: NDArray[np.bool_], opacity: NDArray[np.float32]) -> tuple[Array, NDArray]:
    """Put every missing point on the last good one (or the first good one) and make it transparent."""
    if not finite.any():
        return np.zeros_like(points), np.zeros_like(opacity)
    last = np.maximum.accumulate(np.where(finite, np.arange(len(points)), -1))
    last = np.where(last < 0, int(np.argmax(finite)), last)
    return points[last], np.where(finite, opacity, np.float32(0.0))
