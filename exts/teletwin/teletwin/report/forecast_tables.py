"""Tables of the forecast study: for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teletwin.report.bench_rows import figure
from teletwin.report.text_table import TextTable

_HOLD, _COMBINED = "hold", "combined"
_COLUMNS_MAX = 5
_NAME_MAX = 26
_MOTIONS = ("position", "orientation")
_PROMISE_KEYS = ("met_to_expected_ratio", "within_twice_expected_share")
_PROMISED = ("position, first / middle / last horizon", "within twice", "orientation", "within twice")
MEASURES = {
    "position_axis_mm": "position per axis [mm]",
    "orientation_deg": "orientation [deg]",
}


def study_tables(results: Mapping[str, Any]) -> list[TextTable]:
    """One table a measure: hands down, forecasters across, mean RMSE over horizons, the best of a hand green.

    Many forecasters do not fit into a terminal: then holding, the best single one and the combined one.
    """
    drawn = _all_of_them if len(names_of(results)) <= _COLUMNS_MAX else _main_ones
    return [drawn(results, measure, title) for measure, title in MEASURES.items()]


def study_markdown(results: Mapping[str, Any]) -> str:
    """The same tables with the ratio to holding by horizon, as Markdown."""
    parts = [_markdown(title_of(results, title), *_grid(results, key)) for key, title in MEASURES.items()]
    parts += [
        _markdown(f"Error over that of holding the pose, {what}", *_ratio_grid(results, what)) for what in _MOTIONS
    ]
    if promised := _promise_rows(results):
        title = "Error met over error expected (RMS), and share of errors within twice the expected one"
        parts.append(_markdown(title, ["hand", "forecaster", *_PROMISED], promised))
    parts.append(_markdown("Time of a pose in the study [us], median over the hands", *_time_grid(results)))
    return "\n".join(parts)


def title_of(results: Mapping[str, Any], title: str) -> str:
    """What the figures of a table are."""
    first, last = results["horizons_ms"][0], results["horizons_ms"][-1]
    return f"{title}: RMSE, mean over horizons {first} ... {last} ms (* its model was fitted on this hand)"


def names_of(results: Mapping[str, Any]) -> list[str]:
    """Every forecaster of the study."""
    return list(dict.fromkeys(name for facts in results["hands"].values() for name in facts["forecasters"]))


def _grid(results: Mapping[str, Any], measure: str) -> tuple[list[str], list[list[str]]]:
    names, speed = names_of(results), _speed(measure)
    rows = []
    for hand, facts in results["hands"].items():
        motion = [figure(facts[speed]["rms"]), figure(facts[speed]["median"])]
        rows.append([hand, *motion, *(_error(facts["forecasters"][name], measure) for name in names)])
    return ["hand", _unit(measure), "median", *names], rows


def _error(figures: Mapping[str, Any], measure: str) -> str:
    """Mean RMSE; marked where the forecaster's model was fitted on this very hand."""
    return figure(figures[measure]["mean"]) + ("*" if figures["was_seen_in_fit"] else "")


def _ratio_grid(results: Mapping[str, Any], what: str) -> tuple[list[str], list[list[str]]]:
    shown = [ms for ms in (20, 100, 200, 500) if ms in results["horizons_ms"]]
    columns = [results["horizons_ms"].index(ms) for ms in shown]
    rows = []
    for hand, facts in results["hands"].items():
        for name, figures in facts["forecasters"].items():
            ratio = figures["to_hold_ratio"][what]
            if name != _HOLD and ratio["mean"] is not None:
                by_horizon = [figure(_finite(ratio["by_horizon"][column])) for column in columns]
                rows.append([hand, name, *by_horizon, figure(ratio["worst"]), figure(ratio["mean"])])
    return ["hand", "forecaster", *(f"{ms} ms" for ms in shown), "worst", "mean"], rows


def _promise_rows(results: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for hand, facts in results["hands"].items():
        for name, figures in facts["forecasters"].items():
            told = figures["expected_errors"]
            if told:
                each = [_middle(told[what][key]) for what in _MOTIONS for key in _PROMISE_KEYS]
                rows.append([hand, name, *each])
    return rows


def _middle(by_horizon: Any) -> str:
    """The first, the middle and the last horizon."""
    values = list(by_horizon)
    return " / ".join(figure(_finite(values[at])) for at in (0, len(values) // 2, len(values) - 1))


def _time_grid(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for name in names_of(results):
        of_name = [facts["forecasters"][name] for facts in results["hands"].values() if name in facts["forecasters"]]
        times = sorted(each["time_us"]["p50"] for each in of_name)
        rows.append([name, figure(times[len(times) // 2]), str(sum(each["forecast_count"] for each in of_name))])
    return ["forecaster", "us", "forecasts judged"], rows


def _all_of_them(results: Mapping[str, Any], measure: str, title: str) -> TextTable:
    headings, rows = _grid(results, measure)
    styles = {
        (number, 3 + column): "bold green"
        for number, facts in enumerate(results["hands"].values())
        for column in _best_columns(facts, names_of(results), measure)
    }
    return TextTable(title=title_of(results, title), headings=headings, rows=rows, styles=styles)


def _main_ones(results: Mapping[str, Any], measure: str, title: str) -> TextTable:
    speed, rows = _speed(measure), []
    for hand, facts in results["hands"].items():
        fed = facts["forecasters"][_HOLD]["forecast_count"]  # slow ones saw fewer windows and cannot be compared
        rivals = {name: each for name, each in facts["forecasters"].items() if each["forecast_count"] == fed}
        errors = {
            name: each[measure]["mean"]
            for name, each in rivals.items()
            if name == _COMBINED or not each["was_seen_in_fit"]
        }
        combined = errors.pop(_COMBINED, None)
        best = min(errors, key=lambda name: errors[name])
        ratio = combined / errors[best] if combined is not None and errors[best] > 0.0 else None
        numbers = [figure(errors[best]), best, figure(combined), figure(ratio)]
        name = hand if len(hand) <= _NAME_MAX else f"{hand[: _NAME_MAX - 1]}…"
        rows.append([name, figure(facts[speed]["rms"]), figure(errors[_HOLD]), *numbers])
    headings = ["hand", _unit(measure).removesuffix(" rms"), _HOLD, "best", "single one", _COMBINED, "ratio"]
    return TextTable(title=title_of(results, title), headings=headings, rows=rows, left=(0, 4))


def _speed(measure: str) -> str:
    return "turn_rate_deg_s" if measure.startswith("orientation") else "speed_mm_s"


def _unit(measure: str) -> str:
    return "deg/s rms" if measure.startswith("orientation") else "mm/s rms"


def _best_columns(facts: Mapping[str, Any], names: list[str], measure: str) -> list[int]:
    values = [facts["forecasters"][name][measure]["mean"] for name in names]
    return [column for column, value in enumerate(values) if value == min(values)]


def _markdown(title: str, headings: list[str], rows: list[list[str]]) -> str:
    return f"**{title}**\n\n{TextTable(headings=headings, rows=rows).markdown()}"


def _finite(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
