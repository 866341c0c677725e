"""Lines of numbers, each with its number in the file, read one after the other."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from teletwin.bounded import Allowance
from teletwin.errors import RecordingError
from teletwin.geometry import Array
from teletwin.hand.readers.checked import opened_error
from teletwin.hand.readers.pose_rows import POSE_BYTES

NumberedLine = tuple[int, str]
LINE_MAX = 100_000
"""Characters in a line; one of JIGSAWS has 1200."""


def text_lines(path: Path) -> Iterator[NumberedLine]:
    """Numbered lines without comments and blanks.

    Raises:
        RecordingError: The file cannot be opened, is not text, or has a line that is too long.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            number = 0
            while text := stream.readline(LINE_MAX):
                number += 1
                if len(text) == LINE_MAX:
                    raise RecordingError(f"{path}, line {number}: too long", allowed=f"{LINE_MAX} characters")
                line = text.strip()
                if line and not line.startswith("#"):
                    yield number, line
    except OSError as error:
        raise opened_error(path, error) from error
    except UnicodeDecodeError as error:
        raise RecordingError("the recording is not a text file", given=path) from error


def number_rows(
    path: Path,
    lines: Iterator[NumberedLine],
    *,
    separator: str | None,
    columns: int,
    kept: Sequence[int] | None = None,
) -> tuple[Array, Sequence[int]]:
    """Rows of numbers (n, kept) and the number of the line of each.

    Args:
        path: What errors name.
        lines: Of the file.
        separator: Between numbers; None for white space.
        columns: How many numbers stand in a line.
        kept: Which of them are wanted; all when left out.

    Raises:
        RecordingError: No line, or one that does not hold so many numbers.
        TooLargeError: The recording would take more memory than a file may.
    """
    wanted = list(range(columns)) if kept is None else list(kept)
    values, numbers, allowance = array("d"), array("q"), Allowance(path)
    for number, line in lines:
        allowance.take(16 * len(wanted) + POSE_BYTES)
        try:
            row = [float(text) for text in line.split(separator)]
        except ValueError as error:
            raise _no_numbers(path, number, line, columns) from error
        if len(row) != columns:
            raise _no_numbers(path, number, line, columns)
        values.extend([row[index] for index in wanted])
        numbers.append(number)
    if not numbers:
        raise RecordingError("the recording holds no samples", given=path)
    return np.array(values).reshape(len(numbers), len(wanted)), numbers


def _no_numbers(path: Path, number: int, line: str, columns: int) -> RecordingError:
    return RecordingError(
        f"{path}, line {number}: not {columns} numbers", given=line[:120], allowed=f"{columns} numbers"
    )
