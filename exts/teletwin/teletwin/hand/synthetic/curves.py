"""Closed smooth curves in space, and ways of running along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array

_TABLE = 2048
_HARMONICS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """One closed curve for each hand, as a Fourier series of its phase."""

    cosine: Array
    """(hands, harmonics, 3) [m]."""
    sine: Array
    """(hands, harmonics, 3) [m]."""

    def at(self, phase: Array) -> Array:
        """Positions (hands, n, 3) [m] at phases (hands, n) [rad]."""
        order = np.arange(1, self.cosine.shape[1] + 1)
        angle = phase[..., None] * order
        return np.cos(angle) @ self.cosine + np.sin(angle) @ self.sine

    def slope(self, phase: Array) -> Array:
        """Derivative (hands, n, 3) of the position by the phase [m/rad]."""
        order = np.arange(1, self.cosine.shape[1] + 1)
        angle = phase[..., None] * order
        return (-np.sin(angle) * order) @ self.cosine + (np.cos(angle) * order) @ self.sine

    def bend(self, phase: Array) -> Array:
        """Second derivative (hands, n, 3) of the position by the phase [m/rad^2]."""
        order = np.arange(1, self.cosine.shape[1] + 1)
        angle = phase[..., None] * order
        return (-np.cos(angle) * order**2) @ self.cosine + (-np.sin(angle) * order**2) @ self.sine


def draw_curves(
    rng: np.random.Generator, hands: int, *, extent_m: tuple[float, float], wiggle: float, flatness: float = 0.15
) -> Curves:
    """Random closed curves about the origin, nearly in a plane of any direction.

    Args:
        rng: Source of randomness.
        hands: How many.
        extent_m: Range of the longer half axis [m].
        wiggle: Size of the harmonics above the ellipse, as a share of it.
        flatness: Share of the harmonics that leaves the plane.
    """
    order = np.arange(1, _HARMONICS + 1)[None, :, None]
    coefficients = wiggle * rng.standard_normal((2, hands, _HARMONICS, 3)) / order**2
    coefficients[..., 2] *= flatness
    coefficients[:, :, 0] = 0.0
    coefficients[0, :, 0, 0] = 1.0
    coefficients[1, :, 0, 1] = rng.uniform(0.5, 1.0, size=hands)  # never so thin that the hand turns on a point
    basis, _ = np.linalg.qr(rng.standard_normal((hands, 3, 3)))
    coefficients = coefficients @ basis * rng.uniform(*extent_m, size=hands)[None, :, None, None]
    return Curves(cosine=coefficients[0], sine=coefficients[1])


def phase_at_length(curves: Curves, length: Array) -> Array:
    """Phases (hands, n) [rad] after running the given lengths (hands, n) [m] along each curve."""
    nodes = np.linspace(0.0, 2.0 * np.pi, _TABLE + 1)
    pace = np.linalg.norm(curves.slope(np.broadcast_to(nodes, (len(length), _TABLE + 1))), axis=-1)
    return _invert(nodes, pace, length)


def phase_at_effort(curves: Curves, effort: Array, *, curvature_floor_1_m: float) -> Array:
    """Phases (hands, n) [rad] when speed follows the two-thirds power law.

    Speed = gain * curvature^(-1/3) (Lacquaniti, Terzuolo and Viviani 1983), so one unit of effort
    (gain integrated over time, [m^(2/3)]) covers ds = curvature^(-1/3); curvature_floor_1_m [1/m] bounds it at
    inflections.
    """
    nodes = np.linspace(0.0, 2.0 * np.pi, _TABLE + 1)
    phase = np.broadcast_to(nodes, (len(effort), _TABLE + 1))
    slope, bend = curves.slope(phase), curves.bend(phase)
    pace = np.linalg.norm(slope, axis=-1)
    curvature = np.linalg.norm(np.cross(slope, bend), axis=-1) / pace**3
    return _invert(nodes, pace * (curvature + curvature_floor_1_m) ** (1.0 / 3.0), effort)


def _invert(nodes: Array, pace: Array, travelled: Array) -> Array:
    """Phases (hands, n) at which the integral of pace (hands, nodes) over the phase equals `travelled`."""
    pieces = 0.5 * (pace[:, 1:] + pace[:, :-1]) * np.diff(nodes)
    table = np.concatenate([np.zeros((len(pace), 1)), np.cumsum(pieces, axis=1)], axis=1)
    phase = np.empty_like(travelled)
    for row, known, wanted in zip(phase, table, travelled, strict=True):
        rounds, rest = np.divmod(wanted, known[-1])
        row[:] = 2.0 * np.pi * rounds + np.interp(rest, known, nodes)
    return phase
