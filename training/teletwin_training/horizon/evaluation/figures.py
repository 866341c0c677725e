"""Pictures of a comparison: errors by method, learned over the rivals, and how learning went over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.geometry import Array
from teletwin.palette import LIGHT
from teletwin.report.figure_file import save_figure
from teletwin_training.horizon.evaluation.bars import NEVER_WORSE, Bar
from teletwin_training.horizon.evaluation.compare import Outcome

_LEARNED, _RULE, _PLAIN, _FLOOR = LIGHT["with"], LIGHT["without"], LIGHT["fed"], "#a1a1aa"
_SHOWN = 10


def save_evaluation_figures(
    outcome: Outcome, bars: Sequence[Bar], studies: Mapping[str, Any], folder: Path
) -> list[Path]:
    """Write PNG files; return them."""
    import matplotlib

    matplotlib.use("Agg")
    saved = [_errors(outcome, folder / "errors_by_method.png")]
    never = [bar for bar in bars if bar.name == NEVER_WORSE]
    if never:
        saved.append(_never_worse(outcome, never, folder / "learned_over_better.png"))
    if "step1" in studies:
        saved.append(_learning(studies["step1"], folder / "reward_by_episode.png"))
    if "step2" in studies and studies["step2"].get("persons"):
        saved.append(_drawing(studies["step2"], folder / "drawing_error.png"))
    return saved


def _color(label: str) -> str:
    if label.startswith("PPO"):
        return _LEARNED
    if "floor" in label or "oracle" in label:
        return _FLOOR
    return _RULE if "rule" in label or "AoL" in label else _PLAIN


def _errors(outcome: Outcome, path: Path) -> Path:
    """Arm and picture error by method, one panel a network and motion (the paper's Fig. 5)."""
    import matplotlib.pyplot as plt

    conditions, kinds = outcome.cfg.conditions, outcome.kinds
    names = [name for name in outcome.labels if not name.startswith("raw")][: _SHOWN + 4]
    figure, axes = plt.subplots(
        len(conditions),
        len(kinds),
        figsize=(4.6 * len(kinds), 0.24 * len(names) * len(conditions) + 1.5),
        squeeze=False,
    )
    for line, condition in zip(axes, conditions, strict=True):
        for axis, kind in zip(line, kinds, strict=True):
            errors = np.array([outcome.errors(name, condition, kind) for name in names])
            place = np.arange(len(names))[::-1]
            colors = [_color(outcome.labels[name]) for name in names]
            axis.barh(place + 0.18, errors[:, 0], 0.34, color=colors)
            axis.barh(place - 0.18, errors[:, 2], 0.34, color=colors, alpha=0.45)
            axis.set_yticks(place, [outcome.labels[name] for name in names] if axis is line[0] else [""] * len(names))
            axis.tick_params(labelsize=7)
            axis.set_title(f"{condition}, {kind}, {len(outcome.hands_of(kind))} hands", fontsize=8)
            axis.grid(axis="x", alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel("RMSE [mm]: arm (full), picture (light)", fontsize=8)
    return _save(figure, path)


def _never_worse(outcome: Outcome, bars: Sequence[Bar], path: Path) -> Path:
    """Learned over the better rival with its interval, by network and motion."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.0, 0.26 * len(bars) + 1.4))
    place = np.arange(len(bars))[::-1]
    value = np.array([bar.control.value for bar in bars])
    spread = np.array([[bar.control.value - bar.control.low, bar.control.high - bar.control.value] for bar in bars]).T
    axis.errorbar(value, place, xerr=np.maximum(spread, 0.0), fmt="o", color=_LEARNED, capsize=2, label="arm")
    axis.plot([bar.display.value for bar in bars], place, "s", color=_LEARNED, alpha=0.4, label="picture")
    axis.axvline(1.0, color="black", linewidth=0.8)
    axis.axvline(1.02, color="crimson", linewidth=0.8, linestyle="--", label="1.02")
    axis.set_yticks(
        place,
        [
            f"{bar.condition}, {bar.motion} ({bar.control.hands} hands): beside {outcome.labels[bar.beside]}"
            for bar in bars
        ],
    )
    axis.tick_params(labelsize=7)
    axis.set_xlabel("learned over the better of best fixed and calibrated rules, position RMSE", fontsize=8)
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=7)
    return _save(figure, path)


def _learning(study: Mapping[str, Any], path: Path) -> Path:
    """Reward by episode over seeds with its spread (the paper's Fig. 4): with guidance, and PPO alone."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, 3.6))
    for name, color in (("guided", _LEARNED), ("alone", _RULE)):
        curves = study["curves"].get(name, [])
        if curves:
            _band(left, curves, "episodes", "paper_reward", color, f"{name}, {len(curves)} seeds")
            _band(right, curves, "episodes", "score", color, name)
    left.set_ylabel("reward of eq. 16 by slot", fontsize=8)
    bare = [np.mean([row[name] for row in study["rows"]]) for name in ("feed_forward", "no_prediction")]
    right.set_ylabel("error over the rule's", fontsize=8)
    right.set_title("feed-forward only {:.2f}, no prediction {:.2f}".format(*bare), fontsize=8)
    right.axhline(1.0, color="black", linewidth=0.8)
    for axis in (left, right):
        axis.set_xlabel("episodes", fontsize=8)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
        axis.tick_params(labelsize=7)
    return _save(figure, path)


def _band(axis: Any, curves: Sequence[Mapping[str, Any]], x: str, y: str, color: str, label: str) -> None:
    """Mean and spread of curves that were taken at the same places."""
    length = min(len(curve[y]) for curve in curves)
    values: Array = np.array([curve[y][:length] for curve in curves], dtype=np.float64)
    places = np.array(curves[0][f"{x}_of_{y}"][:length])
    mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    axis.plot(places, mean, color=color, label=label)
    axis.fill_between(places, mean - spread, mean + spread, color=color, alpha=0.2)


def _drawing(study: Mapping[str, Any], path: Path) -> Path:
    """Drawing error of each person after step 1 and after step 2."""
    import matplotlib.pyplot as plt

    persons = study["persons"]
    before, after = np.array(persons["step1_mm"]), np.array(persons["step2_mm"])
    figure, axis = plt.subplots(figsize=(4.4, 4.2))
    most = 1.05 * float(max(before.max(), after.max()))
    axis.plot(before, after, ".", color=_LEARNED, markersize=4, alpha=0.5)
    axis.plot([0, most], [0, most], color="black", linewidth=0.8)
    axis.set_xlabel("drawing error after step 1 [mm]", fontsize=8)
    axis.set_ylabel("after step 2 [mm]", fontsize=8)
    bare = [np.exp(np.log(persons[f"{name}_mm"]).mean()) for name in ("feed_forward", "none")]
    axis.set_title("feed-forward only {:.1f} mm, no prediction {:.1f} mm".format(*bare), fontsize=8)
    axis.grid(alpha=0.3)
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure.tight_layout()
    save_figure(figure, path, dpi=110)
    plt.close(figure)
    return path
