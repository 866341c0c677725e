"""CSV with a header line; units from the header, from the caller or, failing that, from the numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teletwin.errors import ConfigError, RecordingError
from teletwin.geometry import Array
from teletwin.hand.readers.checked import checked_recording, seconds_to_ns
from teletwin.hand.readers.text import NumberedLine, number_rows, text_lines
from teletwin.hand.recording import HandRecording

TIME_UNITS_NS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
LENGTH_UNITS_M = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
CSV_COLUMNS = ("t", "x", "y", "z", "qw", "qx", "qy", "qz")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvUnits:
    """Units of a CSV file; 'auto' looks at the header (`t_ms`, `x_mm`), then at the numbers."""

    time: str = "auto"
    length: str = "auto"

    def __post_init__(self) -> None:
        for name, table in (("time", TIME_UNITS_NS), ("length", LENGTH_UNITS_M)):
            value = getattr(self, name)
            if value != "auto" and value not in table:
                raise ConfigError(f"no such {name} unit", given=value, allowed=", ".join(["auto", *table]))


def read_csv(path: str | Path, *, units: CsvUnits | None = None) -> HandRecording:
    """Read a CSV file with a header line that names t, x, y, z, qw, qx, qy, qz in any order.

    A name may carry its unit (`t_ms`, `x_mm`). Other columns are skipped.

    Raises:
        RecordingError: The file cannot be read or trusted; with file and line.
    """
    path, units = Path(path), units or CsvUnits()
    lines = text_lines(path)
    names, columns = _header(path, next(lines, (0, "")))
    kept = [columns[name] for name in CSV_COLUMNS]
    rows, numbers = number_rows(path, lines, separator=",", columns=len(names), kept=kept)
    time_unit = _unit(units.time, names[columns["t"]], TIME_UNITS_NS, lambda: _guess_time_unit(rows[:, 0]))
    length_unit = _unit(units.length, names[columns["x"]], LENGTH_UNITS_M, lambda: _guess_length_unit(rows[:, 1:4]))
    rows[:, 1:4] *= LENGTH_UNITS_M[length_unit]
    t_ns = seconds_to_ns(rows[:, 0], TIME_UNITS_NS[time_unit], where=lambda sample: f"{path}, line {numbers[sample]}")
    return checked_recording(path, t_ns, rows[:, 1:], unit="line", numbers=numbers)


def _header(path: Path, first: NumberedLine) -> tuple[list[str], dict[str, int]]:
    """Names of all columns, and where each column of CSV_COLUMNS is."""
    number, header = first
    names = [name.strip().lower() for name in header.split(",")]
    columns = {name: index for name in CSV_COLUMNS if (index := _place(path, number, name, names)) is not None}
    if len(columns) < len(CSV_COLUMNS):
        raise RecordingError(
            f"{path}, line {number}: the header lacks columns",
            given=header[:120],
            allowed=",".join(CSV_COLUMNS),
            mend="name them in the first line",
        )
    return names, columns


def _place(path: Path, number: int, wanted: str, names: list[str]) -> int | None:
    """Where a column is: its bare name, or its name with a unit; `x_vel` is none of `x`."""
    units = {"t": TIME_UNITS_NS, "x": LENGTH_UNITS_M, "y": LENGTH_UNITS_M, "z": LENGTH_UNITS_M}.get(wanted, {})
    found = [i for i, name in enumerate(names) if name in {wanted, *(f"{wanted}_{unit}" for unit in units)}]
    if len(found) > 1:
        raise RecordingError(
            f"{path}, line {number}: two columns are {wanted}",
            given=", ".join(names[i] for i in found),
            allowed=f"one column {wanted}, its unit behind it or not",
            mend="rename or remove the other",
        )
    return found[0] if found else None


def _unit(wanted: str, column: str, table: dict[str, float], guess: Callable[[], str]) -> str:
    if wanted != "auto":
        return wanted
    suffix = re.search(r"_([a-z]+)$", column)
    if suffix and suffix.group(1) in table:
        return suffix.group(1)
    return guess()


def _guess_time_unit(times: Array) -> str:
    """The unit in which the median step is that of a hand recorded at 2 Hz to 2 kHz; finest steps first."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    for unit, unit_ns in TIME_UNITS_NS.items():
        if step * unit_ns < 0.5e9:
            return unit
    return "ns"


def _guess_length_unit(positions: Array) -> str:
    """Millimetres when a hand would otherwise have moved over more than 20 m."""
    finite = positions[np.isfinite(positions).all(axis=1)]
    return "mm" if len(finite) and float(np.ptp(finite, axis=0).max()) > 20.0 else "m"
