"""Random movement with a given spectrum: tremor, drift, the unsteadiness of speed and of effort.

All of it is made in the frequency domain: white noise is weighted with the square root of a spectral density.
So it is stationary from the first sample, smooth as muscles are, and has no step in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teletwin.geometry import Array

Density = Callable[[Array], Array]
"""Spectral density, of any height, at frequencies [Hz]."""


def shaped_noise(rng: np.random.Generator, shape: tuple[int, ...], *, rate_hz: float, density: Density) -> Array:
    """Gaussian noise with this spectral density and standard deviation 1 along axis 1.

    Args:
        rng: Source of randomness.
        shape: (hands, n) or (hands, n, channels).
        rate_hz: Samples per second along axis 1.
        density: Spectral density; it may have one value for each hand (frequencies come as (hands or 1, f)).
    """
    count = shape[1]
    length = 2 * count  # twice as long as asked for: the ends of what is kept do not know each other
    frequency = rate_hz / length * np.arange(count + 1, dtype=np.float64)[None, :]
    weight = np.sqrt(np.broadcast_to(density(frequency), (shape[0], frequency.shape[1])).copy())
    weight[:, 0] = 0.0
    weight /= np.sqrt((weight**2).sum(axis=1, keepdims=True))
    white = rng.standard_normal((2, *shape[:1], frequency.shape[1], *shape[2:]))
    spectrum = (white[0] + 1j * white[1]) * weight.reshape(*weight.shape, *(1,) * (len(shape) - 2))
    return np.fft.irfft(spectrum, n=length, axis=1)[:, :count] * (0.5 * length)


def drifting(*, time_constant_s: float, cut_hz: float) -> Density:
    """An Ornstein-Uhlenbeck process that cannot jerk: nothing faster than about cut_hz [Hz] passes."""
    return lambda f: 1.0 / (1.0 + (2.0 * np.pi * f * time_constant_s) ** 2) / (1.0 + (f / cut_hz) ** 2) ** 3


def trembling(centre_hz: Array, *, width_hz: float = 0.8) -> Density:
    """A narrow band about centre_hz (hands,) [Hz]."""
    return lambda f: np.exp(-0.5 * ((f - centre_hz[:, None]) / width_hz) ** 2)


def low_pass(*, cut_hz: float) -> Density:
    """White noise through a smooth low-pass: effort that varies from one moment to the next."""
    return lambda f: 1.0 / (1.0 + (f / cut_hz) ** 2) ** 4


def smoothed(track: Array, *, rate_hz: float, sigma_s: float) -> Array:
    """Tracks (hands, n, channels) through a Gaussian window; the ends are held."""
    reach = max(1, round(4.0 * sigma_s * rate_hz))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (sigma_s * rate_hz)) ** 2)
    padded = np.concatenate([track[:, :1].repeat(reach, 1), track, track[:, -1:].repeat(reach, 1)], axis=1)
    length = padded.shape[1] + len(weights) - 1
    kernel = np.fft.rfft(weights / weights.sum(), n=length)[None, :, None]
    blurred = np.fft.irfft(np.fft.rfft(padded, n=length, axis=1) * kernel, n=length, axis=1)
    return blurred[:, 2 * reach : 2 * reach + track.shape[1]]
