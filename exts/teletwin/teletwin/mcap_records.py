"""The records of an MCAP file as far as it is whole, one chunk after the other, in bounded memory."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from mcap.records import Channel, Header, Metadata, Schema

RECORD_BYTES_MAX = 32 * 1024 * 1024
"""Of one message, and of a chunk once it is unpacked; no chunk of ours comes near, a larger length is damage."""
DESCRIPTION_BYTES_MAX = 2 * 1024 * 1024
"""Of a record that describes others: it becomes many small objects."""
_MAGIC = b"\x89MCAP0\r\n"
_HEADER, _FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _METADATA, _DATA_END = 1, 2, 3, 4, 5, 6, 12, 15
_PIECE_BYTES = 1 << 16
_RECORD_HEAD = struct.Struct("<BQ")
_MESSAGE_HEAD = struct.Struct("<HIQQ")
_CHUNK_HEAD = struct.Struct("<QQQII")


class FoundMessage(NamedTuple):
    """A message where it stands; `block_at` and `at` find it again, see `read_block`."""

    channel_id: int
    sequence: int
    log_time: int
    publish_time: int
    block: bytes
    """The unpacked chunk, or the record, that holds it: keep a copy of the part, never this."""
    block_at: int
    """Where that chunk or record begins in the file."""
    at: int
    """Where its data begin in the block."""
    length: int
    """Of its data [bytes]."""

    @property
    def data(self) -> bytes:
        """What it says."""
        return self.block[self.at : self.at + self.length]


McapRecord: TypeAlias = "FoundMessage | Channel | Header | Metadata | Schema"
"""What is read; other records are passed over."""


class DamageError(Exception):
    """The file is not whole here; what came before is."""


def take_records(stream: IO[bytes], take: Callable[[McapRecord], None]) -> bool:
    """Give each whole record to `take`, in the order of the file; return whether the file ends as it should.

    A KeyError of `take` (a message of a channel that the file does not have) counts as damage.
    """
    from mcap.exceptions import McapError

    try:
        for record in _records(stream):
            take(record)
    except (DamageError, McapError, EOFError, struct.error, ValueError, KeyError, OverflowError):
        return False
    return True


def read_block(stream: IO[bytes], block_at: int) -> bytes:
    """The unpacked chunk, or the record, that begins at block_at.

    Raises:
        DamageError: It is not there.
    """
    stream.seek(block_at)
    opcode, length = _RECORD_HEAD.unpack(_exactly(stream, _RECORD_HEAD.size))
    content = _content(stream, length)
    return _unpacked(content) if opcode == _CHUNK else content


def _records(stream: IO[bytes]) -> Iterator[McapRecord]:
    if _exactly(stream, len(_MAGIC)) != _MAGIC:
        raise DamageError("not an MCAP file")
    block_at, crc = len(_MAGIC), zlib.crc32(_MAGIC)
    while True:
        head = _exactly(stream, _RECORD_HEAD.size)
        opcode, length = _RECORD_HEAD.unpack(head)
        if opcode not in (_HEADER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _METADATA, _FOOTER, _DATA_END):
            crc = _skipped(stream, length, zlib.crc32(head, crc))
        else:
            content = _content(stream, length)
            if opcode == _DATA_END and (told := struct.unpack_from("<I", content)[0]) and told != crc:
                raise DamageError("a checksum differs")
            crc = zlib.crc32(content, zlib.crc32(head, crc))
            if opcode == _FOOTER:
                break
            yield from _within(opcode, content, block_at)
        block_at += _RECORD_HEAD.size + length
    if _exactly(stream, len(_MAGIC)) != _MAGIC:
        raise DamageError("the file does not end as it should")


def _within(opcode: int, content: bytes, block_at: int) -> Iterator[McapRecord]:
    """The records of a chunk, or the one record."""
    if opcode != _CHUNK:
        yield from _record(opcode, content, block_at, 0, len(content))
        return
    block = _unpacked(content)
    del content
    at = 0
    while at < len(block):
        opcode, length = _RECORD_HEAD.unpack_from(block, at)
        at += _RECORD_HEAD.size
        if length > len(block) - at:
            raise DamageError("a record ends behind its chunk")
        yield from _record(opcode, block, block_at, at, length)
        at += length


def _record(opcode: int, block: bytes, block_at: int, at: int, length: int) -> Iterator[McapRecord]:
    """The record whose content stands at `at`, when it is of a kind that is read."""
    if opcode == _MESSAGE:
        if length < _MESSAGE_HEAD.size:
            raise DamageError("a message is too short")
        channel_id, sequence, log_time, publish_time = _MESSAGE_HEAD.unpack_from(block, at)
        start, length = at + _MESSAGE_HEAD.size, length - _MESSAGE_HEAD.size
        yield FoundMessage(channel_id, sequence, log_time, publish_time, block, block_at, start, length)
    elif opcode in (_HEADER, _SCHEMA, _CHANNEL, _METADATA):
        if length > DESCRIPTION_BYTES_MAX:
            raise DamageError("a description is too large")
        yield _description(opcode, block[at : at + length])


def _description(opcode: int, content: bytes) -> Channel | Header | Metadata | Schema:
    from mcap.data_stream import ReadDataStream
    from mcap.records import Channel, Header, Metadata, Schema

    kinds = {_HEADER: Header, _SCHEMA: Schema, _CHANNEL: Channel, _METADATA: Metadata}
    return kinds[opcode].read(ReadDataStream(BytesIO(content)))


def _content(stream: IO[bytes], length: int) -> bytes:
    if length > RECORD_BYTES_MAX:
        raise DamageError("a record is too large")
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise DamageError("the file ends within a record")
    return data


def _skipped(stream: IO[bytes], length: int, crc: int) -> int:
    """The checksum behind a record that is not looked at."""
    while length:
        piece = _exactly(stream, min(length, _PIECE_BYTES))
        crc, length = zlib.crc32(piece, crc), length - len(piece)
    return crc


def _unpacked(content: bytes) -> bytes:
    """The records of a chunk.

    Raises:
        DamageError: It does not unpack to what it says, or to more than a chunk may hold.
    """
    _, _, size, crc, name_length = _CHUNK_HEAD.unpack_from(content)
    start = _CHUNK_HEAD.size + name_length + 8
    compression = content[_CHUNK_HEAD.size : start - 8]
    (packed_length,) = struct.unpack_from("<Q", content, start - 8)
    if size > RECORD_BYTES_MAX or packed_length > len(content) - start:
        raise DamageError("a chunk is too large")
    block = _plain(compression, memoryview(content)[start : start + packed_length], size)
    if len(block) != size or (crc and zlib.crc32(block) != crc):
        raise DamageError("a chunk is not what it says")
    return block


def _plain(compression: bytes, packed: memoryview, size: int) -> bytes:
    if not compression:
        return bytes(packed)
    if compression == b"zstd":
        import zstandard

        try:
            if zstandard.frame_content_size(packed) > size:
                raise DamageError("a chunk unpacks to more than it says")
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=size) if size else b""
        except zstandard.ZstdError as error:
            raise DamageError(str(error)) from error
    if compression == b"lz4":
        import lz4.frame

        try:
            return lz4.frame.LZ4FrameDecompressor().decompress(packed, max_length=size)
        except (RuntimeError, EOFError) as error:
            raise DamageError(str(error)) from error
    raise DamageError("a chunk is packed in an unknown way")
