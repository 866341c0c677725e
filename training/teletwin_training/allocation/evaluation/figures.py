"""Pictures of a study: what each method reaches of both aims, and how shares follow traffic that changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.geometry import Array
from teletwin.palette import LIGHT
from teletwin.report.figure_file import save_figure
from teletwin_training.allocation.evaluation.study import Judged

_COLOURS = {
    "equal": "#9aa5b1",
    "proportional": "#4d6c9a",
    "best static": LIGHT["without"],
    "backlog": "#f2c14e",
    "backlog, tuned": "#f78154",
    "PPO, full": LIGHT["with"],
    "PPO, two queues": LIGHT["other"],
}


def save_study_figures(judged: Sequence[Judged], folder: Path) -> list[Path]:
    """Write PNG files; return them."""
    import matplotlib

    matplotlib.use("Agg")
    saved = [_pareto(judged, folder / "pareto.png")]
    changing = [each for each in judged if len(each.scenario.traffic.levels) > 1]
    if changing:
        saved.append(_adaptation(changing[0], folder / "adaptation.png"))
    saved.append(_grid(judged[0], folder / "static_grid.png"))
    if any(each.learning for each in judged):
        saved.append(_learning(judged, folder / "learning.png"))
    return saved


def _save(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure.set_layout_engine("tight")
    save_figure(figure, path, dpi=110)
    plt.close(figure)
    return path


def _panels(count: int, width: float = 3.4, height: float = 3.0) -> tuple[Any, list[Any]]:
    import matplotlib.pyplot as plt

    columns = min(count, 4)
    lines = -(-count // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(width * columns, height * lines), squeeze=False)
    flat = list(axes.flat)
    for axis in flat[count:]:
        axis.set_visible(False)
    return figure, flat


def _pareto(judged: Sequence[Judged], path: Path) -> Path:
    """Mean AoRI against reward; down and right is better."""
    figure, axes = _panels(len(judged))
    for axis, each in zip(axes, judged, strict=False):
        for row in each.rows:
            colour = _COLOURS.get(row.method, "#1b2733")
            axis.errorbar(row.reward, row.aori_steps, xerr=row.reward_95, fmt="o", color=colour, label=row.method)
        kind = ", admission" if each.scenario.admission else ""
        axis.set_title(f"{each.scenario.name}{kind}", loc="left", fontsize=9)
        axis.set(xlabel=f"reward ({each.scenario.objective.reward})", ylabel="mean AoRI [steps]")
        axis.set_ylim(bottom=0.0)
    axes[0].legend(frameon=False, fontsize=7)
    return _save(figure, path)


def _smoothed(values: Array, width: int = 5) -> Array:
    window = np.ones(width)
    return np.convolve(values, window, mode="same") / np.convolve(np.ones(len(values)), window, mode="same")


def _adaptation(judged: Judged, path: Path) -> Path:
    """Link share, reward and age of answered requests over an episode, means of seeds."""
    figure, axes = _panels(3, width=5.0)
    for name in ("best static", "backlog, tuned", "PPO, full"):
        if name not in judged.outcomes:
            continue
        steps, colour = judged.outcomes[name].steps, _COLOURS[name]
        done = np.maximum(steps["done_requests"].sum(axis=1), 1.0)
        axes[0].plot(steps["link_share"].mean(axis=1), color=colour, label=name)
        axes[1].plot(_smoothed(steps["reward"].mean(axis=1)), color=colour)
        axes[2].plot(_smoothed(steps["aori"].sum(axis=1) / done), color=colour)
    for axis, label in zip(axes, ("share of the link for requests", "reward of a step", "AoRI [steps]"), strict=True):
        axis.set(xlabel="step", ylabel=label)
        for step in range(0, judged.scenario.steps, judged.scenario.traffic.phase_steps):
            axis.axvline(step, color="#9aa5b1", lw=0.6, ls=":")
    axes[0].legend(frameon=False, fontsize=8)
    return _save(figure, path)


def _grid(judged: Judged, path: Path) -> Path:
    """Reward of every static split."""
    figure, axes = _panels(1, width=4.6, height=3.8)
    shown = axes[0].imshow(judged.grid.reward.T, origin="lower", extent=(0.0, 1.0, 0.0, 1.0), cmap="viridis")
    axes[0].plot(*judged.grid.best, "o", color="#c8553d")
    axes[0].set(xlabel="link share", ylabel="compute share", title=judged.scenario.name)
    figure.colorbar(shown, ax=axes[0], label="reward")
    return _save(figure, path)


def _learning(judged: Sequence[Judged], path: Path) -> Path:
    """Reward of a step by epoch, over that of what PPO began with on the same draws."""
    learned = [each for each in judged if each.learning]
    figure, axes = _panels(len(learned))
    for axis, each in zip(axes, learned, strict=False):
        for name, rewards in each.learning.items():
            axis.plot(_smoothed(np.array(rewards))[2:-2], color=_COLOURS.get(name, "#1b2733"), label=name)
        axis.axhline(0.0, color="#1b2733", lw=0.8, ls=":", label="what it began with")
        axis.set_title(each.scenario.name, loc="left", fontsize=9)
        axis.set(xlabel="epoch", ylabel="gain in reward of a step, exploring")
    axes[0].legend(frameon=False, fontsize=7)
    return _save(figure, path)
