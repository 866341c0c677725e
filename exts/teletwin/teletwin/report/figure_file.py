"""Figures in files: the same plain axes everywhere, and one clear error where a file cannot be written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#1b2733"
GRID = "#e3e8ee"


def save_figure(figure: Any, path: str | Path, *, dpi: float | None = None, slim: bool = False) -> Path:
    """Write a figure, with its folder where there is none.

    Args:
        figure: A matplotlib figure.
        path: Its suffix says the format.
        dpi: Dots per inch; None takes the figure's own.
        slim: A palette instead of full colour: a third of the bytes, for PNG that is checked in.

    Raises:
        ConfigError: The file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, **({} if dpi is None else {"dpi": dpi}))
        if slim:
            _slim(path)
    except OSError as error:
        raise ConfigError("the figure cannot be written", given=path, mend=error.strerror or str(error)) from error
    return path


def dress(axes: Axes) -> None:
    """Small texts, two spines, a quiet grid, zero in sight."""
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.title.set_fontsize("small")
    axes.title.set_color(INK)
    axes.tick_params(labelsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)


def _slim(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        slim = picture.convert("RGB").quantize(128)
    slim.save(path, optimize=True)
