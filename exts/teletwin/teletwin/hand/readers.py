"""Files of recorded motion: the TUM trajectory format and CSV with a header."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError, RecordingError
from teletwin.geometry import Array
from teletwin.hand.recording import HandRecording, check_track

TIME_UNITS_NS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
LENGTH_UNITS_M = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
CSV_COLUMNS = ("t", "x", "y", "z", "qw", "qx", "qy", "qz")
_TUM_TO_WXYZ = [0, 1, 2, 6, 3, 4, 5]


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


def read_recording(path: str | Path, *, units: CsvUnits | None = None) -> HandRecording:
    """Read a TUM (.tum, .txt) or CSV (.csv) file.

    Raises:
        RecordingError: The file cannot be read or trusted; with file and line.
    """
    path = Path(path)
    if path.suffix == ".csv":
        return read_csv(path, units=units)
    if path.suffix in (".tum", ".txt"):
        return read_tum(path)
    raise RecordingError("no reader for this kind of file", given=path.name, allowed=".tum, .txt, .csv")


def read_tum(path: str | Path) -> HandRecording:
    """Read `timestamp tx ty tz qx qy qz qw` lines: seconds, metres, unit quaternion; # starts a comment."""
    path = Path(path)
    rows, lines = _numbers(path, _text_lines(path), separator=None, columns=8)
    poses = rows[:, 1:][:, _TUM_TO_WXYZ]
    return _recording(path, _to_ns(rows[:, 0], TIME_UNITS_NS["s"]), poses, lines)


def read_csv(path: str | Path, *, units: CsvUnits | None = None) -> HandRecording:
    """Read a CSV file with a header line that names t, x, y, z, qw, qx, qy, qz in any order.

    A name may carry its unit (`t_ms`, `x_mm`). Other columns are skipped.
    """
    path, units = Path(path), units or CsvUnits()
    text = _text_lines(path)
    header_at, header = next(iter(text), (0, ""))
    names = [name.strip().lower() for name in header.split(",")]
    columns = {name.split("_")[0]: index for index, name in enumerate(names)}
    missing = [name for name in CSV_COLUMNS if name not in columns]
    if missing:
        raise RecordingError(
            f"{path}, line {header_at}: the header lacks columns",
            given=header[:120],
            allowed=",".join(CSV_COLUMNS),
            mend="name them in the first line",
        )
    rows, lines = _numbers(path, text[1:], separator=",", columns=len(names))
    rows = rows[:, [columns[name] for name in CSV_COLUMNS]]
    time_unit = _unit(units.time, names[columns["t"]], TIME_UNITS_NS, lambda: _guess_time_unit(rows[:, 0]))
    length_unit = _unit(units.length, names[columns["x"]], LENGTH_UNITS_M, lambda: _guess_length_unit(rows[:, 1:4]))
    rows[:, 1:4] *= LENGTH_UNITS_M[length_unit]
    return _recording(path, _to_ns(rows[:, 0], TIME_UNITS_NS[time_unit]), rows[:, 1:], lines)


def _text_lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines without comments and blanks."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecordingError("the recording cannot be opened", given=path, mend=str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise RecordingError("the recording is not a text file", given=path) from error
    stripped = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def _numbers(
    path: Path, lines: list[tuple[int, str]], *, separator: str | None, columns: int
) -> tuple[Array, list[int]]:
    """Rows of numbers (n, columns) and the line that each came from."""
    if not lines:
        raise RecordingError("the recording holds no samples", given=path)
    rows = np.empty((len(lines), columns))
    for row, (number, line) in zip(rows, lines, strict=True):
        fields = line.split(separator)
        try:
            row[:] = [float(field) for field in fields]
        except ValueError as error:
            raise RecordingError(
                f"{path}, line {number}: not {columns} numbers", given=line[:120], allowed=f"{columns} numbers"
            ) from error
    if not np.isfinite(rows[:, 0]).all():
        bad = int(np.argmax(~np.isfinite(rows[:, 0])))
        raise RecordingError(f"{path}, line {lines[bad][0]}: the time is not a finite number", given=rows[bad, 0])
    return rows, [number for number, _ in lines]


def _to_ns(times: Array, unit_ns: float) -> NDArray[np.int64]:
    """Times from the first sample on, so that epoch seconds keep their nanoseconds as far as they have them."""
    return np.round((times - times[0]) * unit_ns).astype(np.int64)


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


def _recording(path: Path, t_ns: NDArray[np.int64], poses: Array, lines: list[int]) -> HandRecording:
    check_track(t_ns, poses, where=lambda sample: f"{path}, line {lines[sample]}" if sample < len(lines) else str(path))
    return HandRecording(name=path.stem, t_ns=t_ns, poses=poses)
