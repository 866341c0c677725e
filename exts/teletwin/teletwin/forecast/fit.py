"""Fits pooled models on recorded tracks: one set of weights for every hand and axis."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_STEP_S
from teletwin.forecast.pooled_model import GROUPS, PooledModel
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S

_KNOTS_AHEAD = CURVE_KNOTS - 1
_STEPS_PER_KNOT = round(CURVE_STEP_S / WINDOW_STEP_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledFitCfg:
    """How pooled models are fitted."""

    taps: int = 12
    """Increments of 10 ms that the FIR reads."""
    order: int = 20
    """Order of the autoregression."""
    ridge: float = 1e-3
    """Ridge, as a share of the mean square of an increment."""
    speeds: tuple[int, ...] = (1, 2)
    """Each track is also played this many times as fast, so that the model does not expect one pace."""

    def __post_init__(self) -> None:
        for name, high in (("taps", 40), ("order", 20)):
            if not 1 <= getattr(self, name) <= high:
                raise ConfigError(f"{name} cannot be used", given=getattr(self, name), allowed=f"1 ... {high}")
        if not 0.0 < self.ridge < 1.0:
            raise ConfigError("the ridge cannot be used", given=self.ridge, allowed="between 0 and 1")
        if not self.speeds or min(self.speeds) < 1:
            raise ConfigError("the speeds cannot be used", given=self.speeds, allowed="whole numbers from 1 on")


def fit_pooled(tracks: Iterable[tuple[str, Array]], *, cfg: PooledFitCfg | None = None) -> PooledModel:
    """Fit FIR and AR weights by ridge least squares.

    Args:
        tracks: Name and poses (n, 7) on an even grid of WINDOW_STEP_S, quaternions in one hemisphere. Each track
            counts the same, however far it moves.
        cfg: Taps, order and ridge.

    Raises:
        ConfigError: No track is long enough, or one holds what is no number.
    """
    cfg = cfg or PooledFitCfg()
    fir = {group: _Normal(cfg.taps, _KNOTS_AHEAD) for group in GROUPS}
    ar = {group: _Normal(cfg.order, 1) for group in GROUPS}
    names: list[str] = []
    rows = 0
    digest = hashlib.sha256()
    for name, track in tracks:
        names.append(name)
        digest.update(np.ascontiguousarray(track, dtype=np.float64).tobytes())
        rows += len(track)
        for played in _paces(name, track, cfg):
            for group, channels in GROUPS.items():
                _add_track(played[:, channels], fir[group], ar[group], cfg)
    if not any(normal.count for normal in fir.values()):
        raise ConfigError("nothing to fit", given=f"{len(names)} tracks", allowed="tracks of some seconds that move")
    return PooledModel(
        fir=np.stack([fir[group].solve(cfg.ridge) for group in GROUPS]),
        ar=np.stack([ar[group].solve(cfg.ridge)[0] for group in GROUPS]),
        names=tuple(names),
        pose_count=rows,
        data_sha256=digest.hexdigest(),
    )


class _Normal:
    """Normal equations that are summed track by track."""

    def __init__(self, columns: int, targets: int) -> None:
        self._moments = np.zeros((columns, columns))
        self._products = np.zeros((columns, targets))
        self.count = 0

    def add(self, past: Array, ahead: Array) -> None:
        """Add rows past (n, columns) and ahead (n, targets), scaled to the mean square of an increment."""
        energy = float(np.mean(past**2)) * len(past)
        if energy <= 1e-16 * len(past):
            return
        self._moments += past.T @ past / energy
        self._products += past.T @ ahead / energy
        self.count += len(past)

    def solve(self, ridge: float) -> Array:
        """Weights (targets, columns)."""
        columns = len(self._moments)
        if not self.count:
            return np.zeros((self._products.shape[1], columns))
        penalty = ridge * np.trace(self._moments) / columns * np.eye(columns)
        return np.linalg.solve(self._moments + penalty, self._products).T


def _paces(name: str, track: Array, cfg: PooledFitCfg) -> Iterator[Array]:
    if track.ndim != 2 or track.shape[1] != 7 or not np.isfinite(track).all():
        raise ConfigError("a track cannot be fitted", given=f"{name}, shape {track.shape}", allowed="finite (n, 7)")
    for speed in cfg.speeds:
        yield track[::speed]


def _add_track(values: Array, fir: _Normal, ar: _Normal, cfg: PooledFitCfg) -> None:
    """Add every position of the grid that has enough past and future; axes count as further rows."""
    increments = np.diff(values, axis=0)
    reach, horizon = max(cfg.taps, cfg.order), _KNOTS_AHEAD * _STEPS_PER_KNOT
    now = np.arange(reach, len(increments) - horizon)
    if not len(now):
        return
    for axis in range(values.shape[1]):
        past = increments[now[:, None] - 1 - np.arange(reach), axis]
        spans = _STEPS_PER_KNOT * np.arange(1, _KNOTS_AHEAD + 1)
        fir.add(past[:, : cfg.taps], values[now[:, None] + spans, axis] - values[now, axis][:, None])
        ar.add(past[:, : cfg.order], increments[now, axis][:, None])
