"""JSON in bounded memory and depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from teletwin.bounded.allowance import read_bytes_max, too_large
from teletwin.bounded.file import read_bytes

EXPANSION = 28.0
"""Python's objects take up to so many times the bytes of their text: `[],` is an empty list of 64 bytes."""


def read_json(path: Path) -> Any:
    """The values of a JSON file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not JSON, or nested too deeply.
        TooLargeError: It would take more memory than a file may.
    """
    return parse_json(read_bytes(path, expansion=EXPANSION), source=path)


def parse_json(data: bytes, *, source: object = "JSON") -> Any:
    """The values of a JSON text; `source` is what errors call it.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
        TooLargeError: It would take more memory than a file may.
    """
    if len(data) * EXPANSION > read_bytes_max():
        raise too_large(source, needed=int(len(data) * EXPANSION))
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
