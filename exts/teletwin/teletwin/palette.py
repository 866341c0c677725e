"""The one table of colors: the page's styles and canvases, the scenes and the figures all read it.

With and without forecast are a blue and an orange, the pair of Okabe and Ito (Color Universal Design, 2008) that no
common color blindness brings together; the arm as measured is a yellow far lighter than both. Dashes, markers and
outlines say the same beside the colors. `tests/unit/test_palette.py` measures the distances.
"""

from __future__ import annotations

DARK = {
    "with": "#56b4f0",
    "without": "#f08024",
    "real": "#f5e04a",
    "fed": "#c3cbd6",
    "other": "#c3cbd6",
    "go": "#5ccf7f",
    "hold": "#e5a04f",
    "stop": "#f0716b",
    "watch": "#9fc1ff",
    "text": "#e4e9f0",
    "soft": "#a6b0bf",
    "faint": "#8f9aaa",
    "grid": "#212833",
    "edge": "#232a35",
    "raised": "#1a212b",
    "panel": "#12171e",
    "ground": "#0b0e13",
}
"""Of page and scene. `with`: the twin and what forecasting does; `without`: the arm without a forecast; `real`: the arm
as measured; `fed`: feed-forward only."""

LIGHT = {"with": "#0072b2", "without": "#d55e00", "fed": "#5f6b7a", "other": "#7a5195"}
"""The same for figures on white."""


def css() -> str:
    """The dark table as a style sheet of custom properties."""
    lines = "".join(f"  --{name}: {color};\n" for name, color in DARK.items())
    return f":root {{\n{lines}}}\n"


def tint(name: str) -> tuple[float, float, float]:
    """A dark color as the shaders take it: each channel in 0 ... 1, squared, as they put out square roots."""
    red, green, blue = (int(DARK[name][start : start + 2], 16) / 255.0 for start in (1, 3, 5))
    return red**2, green**2, blue**2
