"""Dataclasses, arrays and containers as JSON-ready values; one rule for logs, reports and run folders."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np


def to_jsonable(value: object) -> Any:
    """Turn value into JSON-ready values: arrays to lists, bytes to base64, what is not finite to None."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Enum):
        return to_jsonable(value.value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.ndarray | np.generic):
        return _array_values(np.asarray(value))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return _container_values(value)


def _container_values(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_jsonable(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_jsonable(item) for item in value]
    return str(value) if isinstance(value, Path) else repr(value)


def _array_values(array: np.ndarray) -> Any:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        listed = array.astype(object)
        listed[~np.isfinite(array)] = None
        return listed.tolist()
    return array.tolist()
