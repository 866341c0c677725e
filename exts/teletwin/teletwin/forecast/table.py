"""Forecasts of a whole recording, slot by slot, as training reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from teletwin.errors import ConfigError
from teletwin.forecast import DEFAULT_FORECASTER, WINDOW_COUNT
from teletwin.forecast.batched import BatchedForecaster
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS


class Windows(Protocol):
    """Windows (count, 7) in the order of slots; an array (n, count, 7) is one."""

    def __len__(self) -> int:
        """Number of slots."""
        ...

    def __getitem__(self, rows: Any, /) -> Array:
        """One window, or those of a slice (n, count, 7)."""
        ...


def forecast_tables(
    tracks: Sequence[Array],
    *,
    name: str = DEFAULT_FORECASTER,
    count: int = WINDOW_COUNT,
    device: str = "cpu",
    batch: int = 1024,
) -> list[Array]:
    """Tables (n - count + 1, CURVE_KNOTS, 7) of tracks (n, 7) on the grid; row i forecasts from pose i + count - 1.

    Equal to calling the forecaster on every slot in turn. A forecaster without memory takes many slots of a track
    at once, `combined` many tracks.

    Raises:
        ConfigError: A track is shorter than a window.
    """
    for track in tracks:
        if len(track) < count:
            raise ConfigError("a track is too short", given=f"{len(track)} poses", allowed=f"at least {count}")
    windows = [np.lib.stride_tricks.sliding_window_view(track, count, axis=0).transpose(0, 2, 1) for track in tracks]
    return window_tables(windows, name=name, count=count, device=device, batch=batch)


def window_tables(
    windows: Sequence[Windows],
    *,
    name: str = DEFAULT_FORECASTER,
    count: int = WINDOW_COUNT,
    device: str = "cpu",
    batch: int = 1024,
) -> list[Array]:
    """Tables (n, CURVE_KNOTS, 7) of tracks whose windows (n, count, 7) are given slot by slot."""
    tables = [np.empty((len(each), CURVE_KNOTS, 7)) for each in windows]
    if name == "combined":
        for first in range(0, len(windows), batch):
            _side_by_side(windows[first : first + batch], tables[first : first + batch], count, device)
    else:
        for each, table in zip(windows, tables, strict=True):
            _slots_at_once(
                each, table, BatchedForecaster(name, hands=min(batch, len(each)), count=count, device=device)
            )
    return tables


def _slots_at_once(windows: Windows, table: Array, forecaster: BatchedForecaster) -> None:
    hands = forecaster.hands
    for first in range(0, len(windows), hands):
        start = min(first, len(windows) - hands)  # the last batch overlaps the one before
        forecaster.forecast(windows[start : start + hands], out=table[start : start + hands])


def _side_by_side(windows: Sequence[Windows], tables: list[Array], count: int, device: str) -> None:
    """One hand per track; a track that has ended goes on with its last window."""
    forecaster = BatchedForecaster("combined", hands=len(windows), count=count, device=device)
    now = np.empty((len(windows), count, 7))
    for slot in range(max(map(len, windows))):
        for hand, each in enumerate(windows):
            now[hand] = each[min(slot, len(each) - 1)]
        curves = forecaster.forecast(now)
        for hand, table in enumerate(tables):
            if slot < len(table):
                table[slot] = curves[hand]
