"""Lines of numbers, each with its number in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.hand.readers.checked import opened_error

NumberedLine = tuple[int, str]


def text_lines(path: Path) -> list[NumberedLine]:
    """Numbered lines without comments and blanks.

    Raises:
        RecordingError: The file cannot be opened, or is not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise opened_error(path, error) from error
    except UnicodeDecodeError as error:
        raise RecordingError("the recording is not a text file", given=path) from error
    stripped = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def number_rows(path: Path, lines: list[NumberedLine], *, separator: str | None, columns: int) -> Array:
    """Rows of numbers (n, columns).

    Raises:
        RecordingError: No line, or one that does not hold so many numbers.
    """
    if not lines:
        raise RecordingError("the recording holds no samples", given=path)
    rows = np.empty((len(lines), columns))
    for row, (number, line) in zip(rows, lines, strict=True):
        try:
            row[:] = [float(field) for field in line.split(separator)]
        except ValueError as error:
            raise RecordingError(
                f"{path}, line {number}: not {columns} numbers", given=line[:120], allowed=f"{columns} numbers"
            ) from error
    return rows
