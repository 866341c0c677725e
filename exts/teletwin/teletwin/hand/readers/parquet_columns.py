"""Columns of a Parquet file by name, each read alone and no more of it than a file may take of memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bounded import Allowance, memory_capped
from teletwin.errors import MissingPartError, RecordingError
from teletwin.geometry import Array
from teletwin.hand.readers.checked import opened_error
from teletwin.hand.readers.pose_rows import POSE_BYTES

_VALUE_BYTES = 40
"""A number of a column, and what unpacking and joining it takes for a while."""
_PAGE_SLACK = 2
_COLUMNS_MAX = 10_000


class ParquetColumns:
    """An opened file."""

    def __init__(self, path: Path, file: Any) -> None:
        self._path, self._file, self._metadata = path, file, file.metadata
        self._allowance = Allowance(path)
        self._allowance.take(POSE_BYTES * self.row_count)

    @property
    def row_count(self) -> int:
        """How many rows the file says it has."""
        return int(self._metadata.num_rows)

    @property
    def column_names(self) -> list[str]:
        """Names of all columns."""
        return list(self._file.schema_arrow.names)

    def numbers(self, name: str) -> Array:
        """A column of numbers (rows,).

        Raises:
            RecordingError: It holds something else.
            TooLargeError: It would take more memory than a file may.
        """
        try:
            return np.asarray(self._column(name).to_numpy(zero_copy_only=False), dtype=np.float64)
        except (TypeError, ValueError) as error:
            what = f"{self._path}: column '{name}' does not hold numbers"
            raise RecordingError(what, given=str(error)[:80]) from error

    def lists(self, name: str) -> Array:
        """A column of lists of one length (rows, length).

        Raises:
            RecordingError: It holds something else.
            TooLargeError: It would take more memory than a file may.
        """
        column = self._column(name)
        try:
            values = np.asarray(column.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
            lengths = np.unique(np.diff(np.asarray(column.offsets))) if hasattr(column, "offsets") else np.zeros(1)
            if column.null_count or len(lengths) > 1:
                raise ValueError("lists of several lengths")
            return values.reshape(self.row_count, -1)
        except (TypeError, ValueError, AttributeError) as error:
            raise RecordingError(f"{self._path}: column '{name}' does not hold lists of one length") from error

    def _column(self, name: str) -> Any:
        """One column as one array; what the file says of its size is asked first."""
        self._allowance.check(self._needed_bytes(name))
        return self._file.read(columns=[name], use_threads=False).column(name).combine_chunks()

    def _needed_bytes(self, name: str) -> int:
        groups = (self._metadata.row_group(group) for group in range(self._metadata.num_row_groups))
        chunks = [group.column(k) for group in groups for k in range(min(group.num_columns, _COLUMNS_MAX))]
        mine = [chunk for chunk in chunks if f"{chunk.path_in_schema}.".startswith(f"{name}.")]
        whole = [max(_VALUE_BYTES * chunk.num_values, _PAGE_SLACK * chunk.total_uncompressed_size) for chunk in mine]
        return sum(whole)


@contextlib.contextmanager
def opened_table(path: Path) -> Iterator[ParquetColumns]:
    """Open a file for its columns.

    Raises:
        RecordingError: It cannot be opened, or is damaged.
        MissingPartError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPartError("Parquet files need pyarrow", mend="pip install 'teletwin[readers]'") from error
    try:
        with memory_capped(path), pyarrow.parquet.ParquetFile(path) as file:
            yield ParquetColumns(path, file)
    except OSError as error:
        raise opened_error(path, error) from error
    except pyarrow.ArrowException as error:
        raise RecordingError("the recording is not a Parquet file", given=path, mend=str(error)[:120]) from error
