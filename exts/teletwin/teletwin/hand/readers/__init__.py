"""Files of recorded motion, each format in its own file; every one is checked before it is trusted."""

from __future__ import annotations

from pathlib import Path

from teletwin.errors import ConfigError, RecordingError
from teletwin.hand.readers.checked import GapError
from teletwin.hand.readers.csv_file import CSV_COLUMNS, LENGTH_UNITS_M, TIME_UNITS_NS, CsvUnits, read_csv
from teletwin.hand.readers.jigsaws import JIGSAWS_COLUMNS, read_jigsaws
from teletwin.hand.readers.text import text_lines
from teletwin.hand.readers.tum import read_tum
from teletwin.hand.recording import HandRecording

RECORDING_SUFFIXES = (".tum", ".txt", ".csv", ".mcap", ".parquet", ".hdf5", ".h5")

__all__ = [
    "CSV_COLUMNS",
    "LENGTH_UNITS_M",
    "RECORDING_SUFFIXES",
    "TIME_UNITS_NS",
    "CsvUnits",
    "GapError",
    "read_csv",
    "read_recording",
    "read_tum",
    "recording_files",
]


def recording_files(folder: str | Path) -> list[Path]:
    """Every file of a folder that a reader knows, in the order of their names; readmes are left out.

    Raises:
        ConfigError: There is no such folder, or no recording in it.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ConfigError("--recordings is no folder", given=folder, allowed="a folder of recordings")
    files = sorted(
        each
        for each in path.iterdir()
        if each.suffix.lower() in RECORDING_SUFFIXES and not each.stem.lower().startswith("readme")
    )
    if not files:
        allowed = f"files named {', '.join(RECORDING_SUFFIXES)}"
        raise ConfigError("the folder holds no recording", given=folder, allowed=allowed)
    return files


def read_recording(path: str | Path, *, units: CsvUnits | None = None) -> HandRecording:
    """Read a file by its suffix: TUM, JIGSAWS kinematics, CSV, MCAP, Parquet (LeRobot) or HDF5 (BROAD).

    Args:
        path: The file. Where it holds several hands, one is named after a #: `log.mcap#/hand/pose`,
            `episodes.parquet#action:3`, `Suturing_B001.txt#master-left`.
        units: Of a CSV file.

    Raises:
        RecordingError: The file cannot be read or trusted; with file and line.
        TooLargeError: It would take more memory than a file may.
        MissingPartError: The format needs a package that is not installed.
    """
    path, part = _split(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return read_csv(path, units=units)
    if suffix == ".tum" or (suffix == ".txt" and not _is_jigsaws(path)):
        return read_tum(path)
    if suffix == ".txt":
        return read_jigsaws(path, part=part)
    if suffix == ".mcap":
        from teletwin.hand.readers.mcap_file import read_mcap

        return read_mcap(path, part=part)
    if suffix == ".parquet":
        from teletwin.hand.readers.parquet import read_parquet

        return read_parquet(path, part=part)
    if suffix in (".hdf5", ".h5"):
        from teletwin.hand.readers.broad import read_broad

        return read_broad(path)
    raise RecordingError("no reader for this kind of file", given=path.name, allowed=", ".join(RECORDING_SUFFIXES))


def _split(path: str | Path) -> tuple[Path, str | None]:
    """The file, and the part of it that was asked for."""
    whole = Path(path)
    name, mark, part = str(path).rpartition("#")
    if whole.exists() or not mark or Path(name).suffix.lower() not in RECORDING_SUFFIXES:
        return whole, None
    return Path(name), part or None


def _is_jigsaws(path: Path) -> bool:
    """A text file whose first line holds as many numbers as JIGSAWS kinematics."""
    try:
        _, line = next(text_lines(path), (0, ""))
    except RecordingError:
        return False  # the reader says so once more
    return len(line.split()) == JIGSAWS_COLUMNS
