"""One line of the bench: what was measured, the bar it has to meet and what stands beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """A measured quantity; smaller is better unless said otherwise."""

    name: str
    unit: str
    value: float | None
    """None: it could not be measured here."""
    bar: float | None = None
    """What it has to meet; None when there is no bar."""
    larger_is_better: bool = False
    beside: Mapping[str, float | None] = field(default_factory=dict)
    """The same quantity, same run, of what a user would pick instead; None where that is not installed."""
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the bar is met; None without a bar or without a value."""
        if self.bar is None or self.value is None or math.isnan(self.value):
            return None
        return self.value >= self.bar if self.larger_is_better else self.value <= self.bar


def figure(value: float | None) -> str:
    """Three significant digits, without an exponent where people read one badly; an en dash for None."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        digits = 3 if value == 0 else max(2 - math.floor(math.log10(abs(value))), 0)
        return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return f"{value:.2e}"


def cells(row: BenchRow) -> list[str]:
    """The row as text: name, measured, bar, verdict, beside, note."""
    sign = "≥" if row.larger_is_better else "≤"
    bar = "" if row.bar is None else f"{sign} {figure(row.bar)} {row.unit}"
    verdict = {True: "met", False: "not met", None: ""}[row.passed]
    beside = ", ".join(f"{name} {figure(value)}" for name, value in row.beside.items())
    return [row.name, f"{figure(row.value)} {row.unit}", bar, verdict, beside, row.note]


HEADINGS = ("what", "measured", "bar", "", "beside it, same run", "note")
