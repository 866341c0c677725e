"""The JSON part of a payload: finite numbers only, and every fault becomes a MessageError."""

from __future__ import annotations

import json
import math
from typing import NoReturn

from teletwin.errors import MessageError


def dump_json(value: dict[str, object]) -> bytes:
    """Compact UTF-8 JSON of a dictionary.

    Raises:
        MessageError: It holds something that JSON cannot say, or a number that is not finite.
    """
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MessageError("values are not ready for JSON", given=error) from None


def load_json(data: bytes) -> dict[str, object]:
    """The dictionary in UTF-8 JSON.

    Raises:
        MessageError: It is not JSON, not a dictionary, or holds a number that is not finite.
    """
    try:
        value = json.loads(data.decode(), parse_float=_finite, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise MessageError("the JSON part of a message cannot be read") from None
    if not isinstance(value, dict):
        raise MessageError("the JSON part of a message is not an object", given=type(value).__name__)
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse(text)
    return number


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"not finite: {text}")
