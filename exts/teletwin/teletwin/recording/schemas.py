"""JSON Schemas of what a log holds: teletwin's messages, and the shapes that Foxglove draws by itself.

The names and fields of the latter (`foxglove.PoseInFrame`, `foxglove.CompressedVideo`,
`foxglove.CompressedImage`) are those of Foxglove's published message schemas.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from enum import Enum
from typing import Any, Union

import numpy as np

_NUMBER = {"type": "number"}
_TIME = {"type": "object", "title": "time", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}
_STAMPED = {"timestamp": _TIME, "frame_id": {"type": "string"}}
_DATA = {"type": "string", "contentEncoding": "base64"}
_SIMPLE: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: _NUMBER,
    str: {"type": "string"},
    bytes: _DATA,
}

FOXGLOVE_SCHEMAS: dict[str, dict[str, Any]] = {
    "foxglove.PoseInFrame": {
        **_STAMPED,
        "pose": {
            "type": "object",
            "title": "foxglove.Pose",
            "properties": {
                "position": {"type": "object", "properties": {axis: _NUMBER for axis in "xyz"}},
                "orientation": {"type": "object", "properties": {axis: _NUMBER for axis in "xyzw"}},
            },
        },
    },
    "foxglove.CompressedVideo": {**_STAMPED, "data": _DATA, "format": {"type": "string"}},
    "foxglove.CompressedImage": {**_STAMPED, "data": _DATA, "format": {"type": "string"}},
}


def foxglove_schema(name: str) -> bytes:
    """JSON Schema (UTF-8) of one of FOXGLOVE_SCHEMAS."""
    return json.dumps({"title": name, "type": "object", "properties": FOXGLOVE_SCHEMAS[name]}).encode()


def message_schema(kind: type) -> bytes:
    """JSON Schema (UTF-8) of a message dataclass, made from its annotations."""
    return json.dumps(_object_schema(kind)).encode()


def _object_schema(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    properties = {each.name: _schema_of(hints[each.name]) for each in dataclasses.fields(kind)}
    return {"title": f"teletwin.{kind.__name__}", "type": "object", "properties": properties}


def _schema_of(hint: Any) -> dict[str, Any]:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return _schema_of(next(each for each in typing.get_args(hint) if each is not type(None)))
    if origin is np.ndarray:
        return {"type": "array", "items": {}}  # of any depth: a curve is an array of poses
    if origin is dict or hint is dict:
        return {"type": "object"}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _object_schema(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"type": "integer"}
    simple = {
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        float: _NUMBER,
        str: {"type": "string"},
        bytes: _DATA,
    }
    return simple.get(hint, {})
