"""The radio channel in closed form: what the kernels compute, for one array at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array
from teletwin_training.allocation.scenario import Radio

_LEAST_KM = 1e-16


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLoss:
    """`loss_dB = offset_db + slope_db * log10(km)`."""

    offset_db: float
    slope_db: float


def path_loss(radio: Radio) -> PathLoss:
    """Okumura-Hata for small and medium cities, its two constants."""
    log_f, log_h = np.log10(radio.carrier_mhz), np.log10(radio.station_height_m)
    device_db = 0.8 + (1.1 * log_f - 0.7) * radio.device_height_m - 1.56 * log_f
    return PathLoss(
        offset_db=float(69.55 - device_db + 26.16 * log_f - 13.82 * log_h), slope_db=float(44.9 - 6.55 * log_h)
    )


def loss_db(radio: Radio, distance_m: Array) -> Array:
    """Path loss (...) over distances (...)."""
    line = path_loss(radio)
    return line.offset_db + line.slope_db * np.log10(distance_m / 1000.0 + _LEAST_KM)


def snr(radio: Radio, distance_m: Array) -> Array:
    """Signal to noise (...), a plain ratio."""
    return 10.0 ** ((radio.power_dbm - loss_db(radio, distance_m)) / 10.0) / radio.noise


def efficiency(radio: Radio, distance_m: Array) -> Array:
    """Spectral efficiency (...) [bit/s/Hz]; 0 where the link is dropped."""
    ratio = snr(radio, distance_m)
    return np.where(ratio > radio.least_snr, np.log2(1.0 + ratio), 0.0)


def log2_snr_line(radio: Radio) -> tuple[float, float]:
    """(a, b) of `log2(snr) = a - b * log2(km)`, the same channel with two transcendental functions less."""
    line = path_loss(radio)
    per_bit_db = 10.0 * np.log10(2.0)
    at_km = (radio.power_dbm - line.offset_db) / per_bit_db - np.log2(radio.noise)
    return float(at_km), float(line.slope_db / 10.0)
