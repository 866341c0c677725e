"""The records of an MCAP file as far as it is whole: cut and damaged files are read up to there, in bounded memory."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from mcap.records import Chunk, McapRecord

RECORD_BYTES_MAX = 64 * 1024 * 1024
"""Of one record, and of a chunk once it is unpacked; no chunk of ours comes near, a larger length is damage."""


def take_records(stream: IO[bytes], take: Callable[[McapRecord], None]) -> bool:
    """Give each whole record to `take`, in the order of the file; return whether the file ends as it should.

    A KeyError of `take` (a message of a channel that the file does not have) counts as damage.
    """
    import zlib

    import zstandard
    from mcap.exceptions import McapError
    from mcap.stream_reader import CRCValidationError, StreamReader

    of_packing = (McapError, CRCValidationError, zstandard.ZstdError, zlib.error, RuntimeError)  # the last: lz4's
    of_layout = (EOFError, struct.error, ValueError, KeyError, OverflowError, MemoryError)
    reader = StreamReader(stream, emit_chunks=True, validate_crcs=True, record_size_limit=RECORD_BYTES_MAX)
    try:
        for record in reader.records:
            _take(record, take)
    except (*of_packing, *of_layout):
        return False
    return True


def _take(record: McapRecord, take: Callable[[McapRecord], None]) -> None:
    from mcap.records import Chunk
    from mcap.stream_reader import breakup_chunk

    if not isinstance(record, Chunk):
        take(record)
        return
    for inner in breakup_chunk(_unpacked(record), validate_crc=True):
        take(inner)


def _unpacked(chunk: Chunk) -> Chunk:
    """The chunk without compression.

    Raises:
        ValueError: It would unpack to more than a chunk may hold.
    """
    if chunk.uncompressed_size > RECORD_BYTES_MAX:
        raise ValueError("a chunk is too large")
    if chunk.compression == "zstd":
        import zstandard

        if 0 <= zstandard.frame_content_size(chunk.data) > chunk.uncompressed_size:
            raise ValueError("a chunk unpacks to more than it says")
    elif chunk.compression == "lz4":
        import lz4.frame

        data = lz4.frame.LZ4FrameDecompressor().decompress(chunk.data, max_length=chunk.uncompressed_size)
        return dataclasses.replace(chunk, compression="", data=data)
    return chunk
