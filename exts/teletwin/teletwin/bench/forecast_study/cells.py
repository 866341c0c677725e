"""One hand, one sample rate, one horizon: how near the combined forecaster is to the best single one there.

A mean over horizons hides that a forecaster is bad at those that a loop uses; a cell does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from teletwin.bench.forecast_study.entries import COMBINED, COMBINED_ALONE, HOLD, INFORMER, REFITTED_NAMES
from teletwin.report.bench_rows import BenchRow
from teletwin.report.forecast_cells import Cell, rate_text

CELL_HORIZONS_MS = (60, 100, 140, 200, 300, 500)
NEAR_BEST = 1.05
NEAR_BEST_SHARE = 0.95
FAR_FROM_BEST = 1.15
LONG_ENOUGH_S = 8.0
MEASURES = {"position": "position_mm", "orientation": "orientation_deg"}
_NOTHING = 1e-9


def cells_of(results: Mapping[str, Any], measure: str, *, name: str = COMBINED) -> list[Cell]:
    """The cells of a study's long enough recordings (of its hands, where none was recorded), where the hand moved.

    Args:
        results: Of `run_study`.
        measure: One of MEASURES.
        name: The forecaster that is judged.
    """
    return [
        cell for hand, facts in _judged(results).items() for cell in _hand_cells(results, hand, facts, measure, name)
    ]


def cell_rows(results: Mapping[str, Any], *, name: str = COMBINED) -> Iterator[BenchRow]:
    """What the cells have to show."""
    for measure in MEASURES:
        cells = cells_of(results, measure, name=name)
        if cells:
            yield _share_row(cells, measure, name)
            yield _worst_row(
                cells, f"{name} over the best single one, {measure}, worst cell", FAR_FROM_BEST, "over_best"
            )
            yield _worst_row(cells, f"{name} over hold, {measure}, worst cell", 1.0, "over_hold")


def _share_row(cells: Sequence[Cell], measure: str, name: str) -> BenchRow:
    near = sum(cell.over_best <= NEAR_BEST for cell in cells)
    return BenchRow(
        name=f"{name} within {NEAR_BEST} of the best single one, {measure}, hand x rate x horizon",
        unit="of the cells",
        value=near / len(cells),
        bar=NEAR_BEST_SHARE,
        larger_is_better=True,
        note=f"{near} of {len(cells)} cells, {len({cell.hand for cell in cells})} hands",
    )


def _worst_row(cells: Sequence[Cell], name: str, bar: float, ratio: str) -> BenchRow:
    worst = max(cells, key=lambda cell: getattr(cell, ratio))
    within = sum(getattr(cell, ratio) <= bar for cell in cells)
    at = f"{worst.hand} {rate_text(worst.rate_hz)}, {worst.horizon_ms} ms"
    return BenchRow(
        name=name,
        unit="times",
        value=getattr(worst, ratio),
        bar=bar,
        note=f"worst: {at}; {within} of {len(cells)} within the bar",
    )


def _judged(results: Mapping[str, Any]) -> dict[str, Any]:
    hands = results["hands"]
    recorded = {hand: facts for hand, facts in hands.items() if facts["kind"] == "recording"} or dict(hands)
    return {hand: facts for hand, facts in recorded.items() if facts["duration_s"] >= LONG_ENOUGH_S}


def _hand_cells(
    results: Mapping[str, Any], hand: str, facts: Mapping[str, Any], measure: str, name: str
) -> Iterator[Cell]:
    for rate, figures in {"0": facts["forecasters"], **facts.get("by_rate", {})}.items():
        for horizon_ms in CELL_HORIZONS_MS:
            if name in figures and horizon_ms in results["horizons_ms"]:
                column = results["horizons_ms"].index(horizon_ms)
                errors = _errors(figures, MEASURES[measure], column)
                singles = {each: error for each, error in errors.items() if each != name}
                best = min(singles, key=lambda each: singles[each])
                if singles[best] > _NOTHING:
                    yield Cell(
                        hand=hand,
                        rate_hz=int(rate),
                        horizon_ms=horizon_ms,
                        combined=errors[name],
                        best=singles[best],
                        best_name=best,
                        hold=errors[HOLD],
                        errors=errors,
                    )


def _errors(figures: Mapping[str, Any], measure: str, column: int) -> dict[str, float]:
    """Of those that were judged on all windows, ship, and were not fitted on this hand."""
    all_windows = figures[HOLD]["forecast_count"]
    return {
        name: float(each[measure]["by_horizon"][column])
        for name, each in figures.items()
        if each["forecast_count"] == all_windows
        and name not in (*REFITTED_NAMES, INFORMER, COMBINED_ALONE)
        and (name == COMBINED or not each["was_seen_in_fit"])
    }
