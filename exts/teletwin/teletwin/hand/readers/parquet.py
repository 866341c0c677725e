"""Parquet tables: LeRobot episodes (`timestamp`, `observation.state`, ...) and flat tables of x, y, z, qw ... qz.

What the numbers of a LeRobot column mean stands in the data set's `meta/info.json`, or the caller says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teletwin.bounded import read_json
from teletwin.errors import ConfigError, RecordingError
from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.hand.readers.checked import checked_recording, seconds_to_ns
from teletwin.hand.readers.parquet_columns import ParquetColumns, opened_table
from teletwin.hand.recording import HandRecording

ROTATIONS = {
    "quaternion": ("qw", "qx", "qy", "qz"),
    "rotation vector": ("rx", "ry", "rz"),
    "roll pitch yaw": ("roll", "pitch", "yaw"),
}
"""How an orientation may be written, and the names of its numbers."""
_COLUMN_NAMES = ("observation.state", "action")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetLayout:
    """Which numbers of a table are the pose."""

    column: str = ""
    """A column of lists; empty for a flat table."""
    names: tuple[str, ...] = ()
    """Name of each number in a list: x, y, z and the names of one of ROTATIONS, others are skipped."""
    time: str = "timestamp"
    """The column with seconds."""
    episode: int | None = None
    """Which episode; the first when left out."""
    length_m: float = 1.0
    """Metres in a unit of length."""

    def __post_init__(self) -> None:
        if not 1e-6 <= self.length_m <= 1e3:
            raise ConfigError("the unit of length is out of range", given=self.length_m, allowed="1e-6 ... 1000 m")


def read_parquet(path: str | Path, *, part: str | None = None, layout: ParquetLayout | None = None) -> HandRecording:
    """Read one episode of a table.

    Args:
        path: The file.
        part: 'action', or 'action:3' for episode 3; 'observation.state' of the first episode when left out.
        layout: Everything said explicitly; part is then not looked at.

    Raises:
        RecordingError: The columns are not there or not understood, or cannot be trusted; with file and row.
        MissingPartError: pyarrow is not installed.
    """
    path = Path(path)
    with opened_table(path) as table:
        layout = layout or _layout(path, table, part)
        rows, episode = _episode_rows(path, table, layout)
        poses = _poses(path, _values(path, table, layout)[rows], layout)
        times = _column(path, table, layout.time)[rows]
    numbers = rows + 1
    t_ns = seconds_to_ns(times, 1e9, where=lambda sample: f"{path}, row {numbers[sample]}")
    name = path.stem if episode is None else f"{path.stem} episode {episode}"
    return checked_recording(path, t_ns, poses, unit="row", numbers=numbers, name=name)


def _layout(path: Path, table: ParquetColumns, part: str | None) -> ParquetLayout:
    """What the file and its data set say about themselves."""
    column, _, number = (part or "").partition(":")
    if number and not number.isdecimal():
        raise RecordingError("no such episode", given=part, allowed="a number, as in action:3")
    episode = int(number) if number else None
    time = next((name for name in ("timestamp", "t", "time") if name in table.column_names), "timestamp")
    if not column and "x" in table.column_names:
        return ParquetLayout(names=tuple(table.column_names), time=time, episode=episode)
    column = column or next((name for name in _COLUMN_NAMES if name in table.column_names), "")
    if column not in table.column_names:
        raise RecordingError(f"{path}: no such column", given=column or "none", allowed=", ".join(table.column_names))
    return ParquetLayout(column=column, names=_stated_names(path, column), time=time, episode=episode)


def _stated_names(path: Path, column: str) -> tuple[str, ...]:
    """Names of a column's numbers from the data set's meta/info.json, which lies some folders above."""
    for folder in path.absolute().parents[:4]:
        info = folder / "meta" / "info.json"
        if not info.is_file():
            continue
        try:
            names = read_json(info)["features"][column]["names"]
        except (OSError, ValueError, KeyError, TypeError):
            break
        while isinstance(names, dict):  # LeRobot nests them: {"motors": [...]}
            names = next(iter(names.values()), [])
        return tuple(str(name) for name in names or ())
    return ()


def _column(path: Path, table: ParquetColumns, name: str) -> Array:
    if name not in table.column_names:
        raise RecordingError(f"{path}: no such column", given=name, allowed=", ".join(table.column_names))
    return table.numbers(name)


def _episode_rows(path: Path, table: ParquetColumns, layout: ParquetLayout) -> tuple[np.ndarray, int | None]:
    """Rows of the wanted episode, and its number where the file has such."""
    if "episode_index" not in table.column_names:
        return np.arange(table.row_count), None
    episodes = _column(path, table, "episode_index")
    wanted = layout.episode if layout.episode is not None else int(episodes[0]) if len(episodes) else 0
    rows = np.flatnonzero(episodes == wanted)
    if not len(rows):
        known = f"{episodes.min():g} ... {episodes.max():g}" if len(episodes) else "none"
        raise RecordingError(f"{path}: no such episode", given=wanted, allowed=known)
    return rows, wanted


def _values(path: Path, table: ParquetColumns, layout: ParquetLayout) -> Array:
    """All numbers (rows, names)."""
    if not layout.column:
        names = [name for name in layout.names if _plain(name) in _KNOWN]
        return np.stack([_column(path, table, name) for name in names], axis=1)
    if layout.column not in table.column_names:
        raise RecordingError(f"{path}: no such column", given=layout.column, allowed=", ".join(table.column_names))
    return table.lists(layout.column)


_KNOWN = {"x", "y", "z", *(name for names in ROTATIONS.values() for name in names)}


def _plain(name: str) -> str:
    """'ee.pos_x' -> 'x', 'quat_w' -> 'qw', 'Roll' -> 'roll'."""
    last = re.split(r"[./ ]", name.strip().lower())[-1]
    quat = re.fullmatch(r"(?:.*_)?(?:quat|quaternion|orientation)_([wxyz])", last)
    if quat:
        return f"q{quat.group(1)}"
    return last.rpartition("_")[2]


def _poses(path: Path, values: Array, layout: ParquetLayout) -> Array:
    """Poses (n, 7) of the numbers (n, names)."""
    named = [_plain(name) for name in layout.names]
    names = named if layout.column else [name for name in named if name in _KNOWN]
    at = {name: index for index, name in reversed(list(enumerate(names)))}  # the first of a name counts
    kind = next((kind for kind, parts in ROTATIONS.items() if set(parts) <= at.keys()), None)
    if kind is None or not {"x", "y", "z"} <= at.keys() or len(names) != values.shape[1]:
        raise RecordingError(
            f"{path}: which numbers are the pose?",
            given=f"{values.shape[1]} numbers named {', '.join(layout.names) or 'nothing'}",
            allowed="x, y, z and " + " or ".join(", ".join(parts) for parts in ROTATIONS.values()),
            mend="name them in the data set's meta/info.json, or give a ParquetLayout",
        )
    position = layout.length_m * values[:, [at[name] for name in "xyz"]]
    return np.concatenate([position, _quaternions(kind, values[:, [at[name] for name in ROTATIONS[kind]]])], axis=1)


def _quaternions(kind: str, numbers: Array) -> Array:
    """Quaternions (n, 4) wxyz; a quaternion stays as it is, for the check to see."""
    if kind == "quaternion":
        return numbers
    if kind == "rotation vector":
        return quat_from_rotvec(numbers)
    roll, pitch, yaw = (quat_from_rotvec(numbers[:, [i]] * np.eye(3)[i]) for i in range(3))
    return quat_multiply(yaw, quat_multiply(pitch, roll))  # about fixed x, then y, then z
