"""What the study has to show, row by row: the combined forecaster against holding and against the best single one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from teletwin.bench.forecast_study.entries import COMBINED, COMBINED_ALONE, HOLD
from teletwin.report.bench_rows import BenchRow

LINE = "line"
LINE_BAR_MM = 1.3
_MEASURES = {"position": "position_mm", "orientation": "orientation_deg"}


def accuracy_rows(results: Mapping[str, Any], *, name: str = COMBINED) -> Iterator[BenchRow]:
    """Rows of the accuracy of one forecaster; nothing when it was not in the study."""
    hands = {hand: facts for hand, facts in results["hands"].items() if name in facts["forecasters"]}
    recorded = {hand: facts for hand, facts in hands.items() if facts["kind"] == "recording"} or hands
    if not hands:
        return
    of = "recordings" if any(facts["kind"] == "recording" for facts in hands.values()) else "hands"
    for what, measure in _MEASURES.items():
        yield _worst(
            f"{name} over hold, {what}, worst horizon of all {of}",
            recorded,
            1.0,
            lambda facts, what=what: facts["forecasters"][name]["to_hold_ratio"][what]["worst"],
        )
        for mean in ("mean", "pooled"):
            yield _worst(
                f"{name} over the best single forecaster, {what}, 0-{results['horizons_ms'][-1]} ms {mean}",
                recorded,
                1.05,
                lambda facts, measure=measure, mean=mean: over_best(facts, measure, mean, name=name),
            )
    if LINE in hands:
        yield _line(hands[LINE], name)


def best_single(facts: Mapping[str, Any], measure: str, mean: str = "mean") -> tuple[str, float]:
    """The best forecaster of a hand besides the combined one, and its error; none that was fitted on it."""
    singles = {
        name: figures[measure][mean]
        for name, figures in facts["forecasters"].items()
        if name not in (COMBINED, COMBINED_ALONE)
        and not _fewer_windows(facts, figures)
        and not figures["was_seen_in_fit"]
    }
    best = min(singles, key=lambda name: singles[name])
    return best, singles[best]


def over_best(facts: Mapping[str, Any], measure: str, mean: str, *, name: str = COMBINED) -> float | None:
    """Error of a forecaster over that of the best single one; None where nothing moved."""
    _, least = best_single(facts, measure, mean)
    return facts["forecasters"][name][measure][mean] / least if least > 1e-9 else None


def cost_rows(figures: Mapping[str, float | None]) -> Iterator[BenchRow]:
    """Rows of the cost, from `bench.forecast.measure_forecast`."""
    single, batch = figures.get(f"forecast_{COMBINED}_us_p50"), figures.get(f"forecast_{COMBINED}_1024_us_per_pose_p50")
    if single is not None:
        yield BenchRow(name=f"{COMBINED}, one pose", unit="us", value=single, bar=40.0, note="7 channels, p50")
    if batch is not None:
        yield BenchRow(name=f"{COMBINED}, 1024 hands", unit="us a pose", value=batch, bar=10.0)
    slow_ms, quick_us = figures.get("forecast_statsmodels_autoreg_ms_p50"), figures.get("forecast_autoreg_us_p50")
    factor = 1e3 * slow_ms / quick_us if slow_ms and quick_us else None
    yield BenchRow(
        name="autoreg against statsmodels AutoReg, equal output",
        unit="times faster",
        value=factor,
        bar=1000.0,
        larger_is_better=True,
        beside={"statsmodels ms": slow_ms, "autoreg us": quick_us},
        note=_difference(figures),
    )


def _difference(figures: Mapping[str, float | None]) -> str:
    apart = figures.get("autoreg_position_difference_m_max")
    return "statsmodels is not installed" if apart is None else f"forecasts differ by at most {apart:.0e} m"


def _worst(
    name: str, hands: Mapping[str, Any], bar: float, ratio: Callable[[Mapping[str, Any]], float | None]
) -> BenchRow:
    known = {hand: value for hand, facts in hands.items() if (value := ratio(facts)) is not None}
    worst = max(known, key=lambda hand: known[hand], default=None)
    met = sum(value <= bar for value in known.values())
    return BenchRow(
        name=name,
        unit="times",
        value=known[worst] if worst else None,
        bar=bar,
        note=f"worst: {worst}; {met} of {len(known)} within the bar" if worst else "nothing moved",
    )


def _line(facts: Mapping[str, Any], name: str) -> BenchRow:
    per_axis = facts["forecasters"][name]["position_axis_mm"]
    speed = facts["speed_mm_s"]
    return BenchRow(
        name=f"{name} on slow tracing (synthetic line), per axis, pooled to the last horizon",
        unit="mm",
        value=per_axis["pooled"],
        bar=LINE_BAR_MM,
        beside={HOLD: per_axis["hold_pooled"], "mean over horizons": per_axis["mean"]},
        note=f"{speed['rms']:.0f} mm/s rms, {speed['median']:.0f} mm/s median",
    )


def _fewer_windows(facts: Mapping[str, Any], figures: Mapping[str, Any]) -> bool:
    """Slow forecasters are judged on few windows: not to be compared with those judged on all."""
    return figures["forecast_count"] < facts["forecasters"][HOLD]["forecast_count"]
