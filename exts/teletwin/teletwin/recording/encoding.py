"""Messages to JSON-ready values and back, by their dataclass fields alone."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Union

import numpy as np

from teletwin import messages
from teletwin.bounded import parse_json
from teletwin.errors import RecordingError, TeletwinError
from teletwin.jsonable import to_jsonable

MESSAGE_TYPES: dict[str, type] = {
    kind.__name__: kind for kind in (*typing.get_args(messages.Message), messages.PoseSample, messages.LinkSettings)
}
"""What a log may hold, by name."""


def to_json(value: object) -> bytes:
    """Encode to_jsonable(value) as compact UTF-8 JSON."""
    return json.dumps(to_jsonable(value), separators=(",", ":"), allow_nan=False).encode()


def message_from_values(kind: str, values: Mapping[str, Any]) -> Any:
    """Rebuild a message from its JSON values; fields of a later version are left out.

    Raises:
        RecordingError: The kind is not a message, or a field is missing or of another shape.
    """
    if kind not in MESSAGE_TYPES:
        raise RecordingError("this is not a message", given=kind, allowed=", ".join(sorted(MESSAGE_TYPES)))
    try:
        return _build(MESSAGE_TYPES[kind], values)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise RecordingError(f"a logged {kind} cannot be read", given=str(error)[:120]) from error


def settings_from_metadata(kind: type, metadata: Mapping[str, str]) -> Any:
    """Rebuild a settings dataclass from the metadata that `SessionLog.write_metadata` made of it.

    Raises:
        RecordingError: A value is missing that has no default, or cannot be used any more.
    """
    hints = _hints(kind)
    try:
        return _build(kind, {name: _setting(hints.get(name), text) for name, text in metadata.items()})
    except (TypeError, ValueError, KeyError, TeletwinError) as error:
        raise RecordingError("the recorded settings cannot be read", given=str(error)) from error


def _setting(hint: Any, text: str) -> Any:
    return text if hint is str else parse_json(text.encode())


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: type, values: Mapping[str, Any]) -> Any:
    known = _hints(kind)
    return kind(**{name: _restore(known[name], item) for name, item in values.items() if name in known})


def _restore(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [each for each in typing.get_args(hint) if each is not type(None)]
        return None if value is None else _restore(options[0], value)
    if origin is np.ndarray:
        return np.array(value, dtype=np.float64)  # None becomes NaN
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _build(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is bytes:
        return base64.b64decode(value)
    if hint is float:
        return math.nan if value is None else float(value)
    return value
