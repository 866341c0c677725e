"""`isaaclab.utils`: configuration classes."""

from __future__ import annotations

import copy
from typing import Any


def configclass(cls: type) -> type:
    return cls


def replace(cfg: Any, **values: Any) -> Any:
    out = copy.deepcopy(cfg)
    for name, value in values.items():
        setattr(out, name, value)
    return out
