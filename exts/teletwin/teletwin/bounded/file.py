"""A file as bytes or text, no more of it than its format may unpack to."""

from __future__ import annotations

from pathlib import Path

from teletwin.bounded.allowance import read_bytes_max, too_large


def read_bytes(path: Path, *, expansion: float = 1.0) -> bytes:
    """A whole file, whose reading takes up to `expansion` times its bytes of memory.

    The length is counted while it is read: a device or a pipe has none.

    Raises:
        OSError: It cannot be read.
        TooLargeError: It would take more than a file may.
    """
    allowed = int(read_bytes_max() / expansion)
    with path.open("rb") as stream:
        data = stream.read(allowed + 1)
        if len(data) > allowed:
            length = max(path.stat().st_size, len(data))
            raise too_large(path, needed=int(length * expansion))
    return data


def read_text(path: Path, *, expansion: float = 4.0, encoding: str = "utf-8") -> str:
    """A whole text file; see read_bytes.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is no text.
        TooLargeError: It would take more than a file may.
    """
    return read_bytes(path, expansion=expansion).decode(encoding)
