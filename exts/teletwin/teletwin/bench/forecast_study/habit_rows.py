"""What learning a hand's habits brings: the combined forecaster against itself without them and against arma."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from teletwin.bench.forecast_study.entries import COMBINED, COMBINED_ALONE
from teletwin.geometry import Array
from teletwin.report.bench_rows import BenchRow

HORIZONS_MS = (60, 100, 140, 200, 300, 500)
_NEVER_WORSE = 1.05
_MEASURES = {"position": "position_mm", "orientation": "orientation_deg"}
_ARMA = "arma"


def habit_rows(results: Mapping[str, Any]) -> Iterator[BenchRow]:
    """Rows by motion and horizon: geometric mean over the hands, and the worst; nothing without `combined-alone`."""
    for what, measure in _MEASURES.items():
        alone = _ratios(results, measure, COMBINED_ALONE)
        arma = _ratios(results, measure, _ARMA)
        for at, horizon_ms in enumerate(results["horizons_ms"]):
            if horizon_ms in HORIZONS_MS and len(alone):
                yield _row(f"{COMBINED} over {COMBINED_ALONE}, {what}, {horizon_ms} ms", alone[:, at], arma, at)


def _row(name: str, ratios: Array, arma: Array, at: int) -> BenchRow:
    beside = {"arma, geometric mean": _geometric(arma[:, at])} if len(arma) else {}
    note = f"worst of {len(ratios)} hands; geometric mean {_geometric(ratios):.3f}"
    return BenchRow(name=name, unit="times", value=float(ratios.max()), bar=_NEVER_WORSE, beside=beside, note=note)


def _ratios(results: Mapping[str, Any], measure: str, beside: str) -> Array:
    """Errors of the combined forecaster over those of another one (hands, horizons); hands that move only."""
    rows = []
    for facts in results["hands"].values():
        each = facts["forecasters"]
        if COMBINED in each and beside in each:
            mine, other = (np.asarray(each[name][measure]["by_horizon"]) for name in (COMBINED, beside))
            if other.min() > 1e-9:
                rows.append(mine / other)
    return np.array(rows).reshape(len(rows), len(results["horizons_ms"]))


def _geometric(values: Array) -> float:
    return float(np.exp(np.mean(np.log(values))))
