"""The messages of session logs as a table of times and places; what a message says is read when it is asked for."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import RecordingError
from teletwin.mcap_records import DamageError, FoundMessage, read_block
from teletwin.recording.logged_message import LoggedMessage

ROW_BYTES = 72
"""What a message takes of memory, with what sorting takes for a while; its data stay in the file."""
_CACHE_BYTES = 8 * 1024 * 1024


class Blocks:
    """The last used chunks of files, unpacked; one is always kept, others up to 8 MiB."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int], bytes] = OrderedDict()

    def block(self, path: Path, block_at: int) -> bytes:
        """The chunk at block_at.

        Raises:
            RecordingError: It is not there any more.
        """
        key = (path, block_at)
        if key not in self._kept:
            self._make_room()
            try:
                with path.open("rb") as stream:
                    self._kept[key] = read_block(stream, block_at)
            except (OSError, DamageError) as error:
                raise RecordingError("the session log changed while it was read", given=path, mend=str(error)) from None
        self._kept.move_to_end(key)
        return self._kept[key]

    def _make_room(self) -> None:
        while self._kept and sum(map(len, self._kept.values())) > _CACHE_BYTES // 2:
            self._kept.popitem(last=False)


class Columns:
    """The messages of one file, as they are found."""

    def __init__(self, path: Path, blocks: Blocks) -> None:
        self.path, self.blocks, self.role = path, blocks, ""
        self.topics: list[tuple[str, str]] = []
        """Topic and schema, by number."""
        self._numbers: dict[tuple[str, str], int] = {}
        self.topic, self.seq, self.at, self.length = array("I"), array("I"), array("I"), array("I")
        self.t_log_ns, self.t_publish_ns, self.block_at = array("Q"), array("Q"), array("Q")

    def add(self, topic: str, schema: str, found: FoundMessage) -> None:
        """Note one more message."""
        number = self._numbers.setdefault((topic, schema), len(self.topics))
        if number == len(self.topics):
            self.topics.append((topic, schema))
        self.topic.append(number)
        self.seq.append(found.sequence)
        self.at.append(found.at)
        self.length.append(found.length)
        self.t_log_ns.append(found.log_time)
        self.t_publish_ns.append(found.publish_time)
        self.block_at.append(found.block_at)

    def __len__(self) -> int:
        return len(self.seq)

    def data(self, row: int) -> bytes:
        """What a message says."""
        start = self.at[row]
        return self.blocks.block(self.path, self.block_at[row])[start : start + self.length[row]]


@dataclass(frozen=True, kw_only=True, eq=False)
class MessageTable(Sequence[LoggedMessage]):
    """Messages of one file or several, in an order; each is made anew when it is asked for."""

    files: tuple[Columns, ...]
    file: NDArray[np.uint8]
    """(n,) which of the files each stands in."""
    row: NDArray[np.uint32]
    """(n,) its row there."""
    shift_ns: tuple[NDArray[np.int64] | None, ...]
    """For each file what is added to the times of each of its rows, or nothing."""
    altered: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    """What single messages say instead, by file and row."""

    @staticmethod
    def of(columns: Columns) -> MessageTable:
        """All messages of a file, in the order of their times; those of one time in that of the file."""
        order = np.argsort(np.asarray(columns.t_log_ns), kind="stable")
        return MessageTable(
            files=(columns,),
            file=np.zeros(len(order), dtype=np.uint8),
            row=order.astype(np.uint32),
            shift_ns=(None,),
        )

    def __len__(self) -> int:
        return len(self.row)

    def __iter__(self) -> Iterator[LoggedMessage]:
        return (self._at(index) for index in range(len(self.row)))

    @overload
    def __getitem__(self, index: int) -> LoggedMessage: ...
    @overload
    def __getitem__(self, index: slice) -> MessageTable: ...
    def __getitem__(self, index: int | slice) -> LoggedMessage | MessageTable:
        if isinstance(index, slice):
            return replace(self, file=self.file[index], row=self.row[index])
        return self._at(index)

    def _at(self, index: int) -> LoggedMessage:
        number, row = int(self.file[index]), int(self.row[index])
        columns, shifts_ns = self.files[number], self.shift_ns[number]
        shift_ns = 0 if shifts_ns is None else int(shifts_ns[row])
        topic, schema = columns.topics[columns.topic[row]]
        data = self.altered.get((number, row))
        return LoggedMessage(
            topic=topic,
            schema=schema,
            t_log_ns=columns.t_log_ns[row] + shift_ns,
            t_publish_ns=columns.t_publish_ns[row] + shift_ns,
            seq=columns.seq[row],
            data=columns.data(row) if data is None else data,
            place=row,
            file_role=columns.role,
            shift_ns=shift_ns,
        )

    def chosen(self, wanted: Callable[[str, str, str], bool]) -> MessageTable:
        """Those whose topic, schema and file's role are wanted."""
        keep = np.zeros(len(self), dtype=bool)
        for number, columns in enumerate(self.files):
            taken = np.array([wanted(*each, columns.role) for each in columns.topics] or [False])
            here = self.file == number
            keep[here] = taken[np.asarray(columns.topic)[self.row[here]]]
        return replace(self, file=self.file[keep], row=self.row[keep])

    def roles(self) -> set[str]:
        """Whose files these stand in."""
        return {self.files[number].role for number in np.unique(self.file)}

    def topics(self) -> set[str]:
        """Names of all topics."""
        return {
            columns.topics[topic][0]
            for number, columns in enumerate(self.files)
            for topic in np.unique(np.asarray(columns.topic)[self.row[self.file == number]])
        }

    def in_file_order(self) -> MessageTable:
        """The messages of one file as they were written."""
        return replace(self, row=np.sort(self.row))

    def log_times_ns(self) -> NDArray[np.int64]:
        """When each was sent or arrived (n,) [ns]."""
        times_ns = np.empty(len(self), dtype=np.int64)
        for number, columns in enumerate(self.files):
            here = self.file == number
            rows, shifts_ns = self.row[here], self.shift_ns[number]
            of_file = np.asarray(columns.t_log_ns).view(np.int64)[rows]
            times_ns[here] = of_file if shifts_ns is None else of_file + shifts_ns[rows]
        return times_ns

    def shifted(self, shifts_ns: NDArray[np.int64]) -> MessageTable:
        """Those of one file with the times of each moved by shifts_ns (n,) [ns]."""
        of_rows = np.zeros(len(self.files[0]), dtype=np.int64)
        of_rows[self.row] = shifts_ns
        return replace(self, shift_ns=(of_rows,))

    def with_data(self, altered: Mapping[int, bytes]) -> MessageTable:
        """The same, but those of these numbers say something else."""
        places = {(int(self.file[k]), int(self.row[k])): data for k, data in altered.items()}
        return replace(self, altered={**self.altered, **places})


def merged(tables: Iterable[MessageTable]) -> MessageTable:
    """The messages of several files, in the order of their times."""
    parts = list(tables)
    order = np.argsort(np.concatenate([part.log_times_ns() for part in parts]), kind="stable")
    file = np.repeat(np.arange(len(parts), dtype=np.uint8), [len(part) for part in parts])
    return MessageTable(
        files=tuple(part.files[0] for part in parts),
        file=file[order],
        row=np.concatenate([part.row for part in parts])[order],
        shift_ns=tuple(part.shift_ns[0] for part in parts),
    )
