"""Configuration classes that take the names of Isaac Lab's own fields, and no others."""

from __future__ import annotations

import copy
from typing import Any


class StrictCfg:
    FIELDS: frozenset[str] = frozenset()

    def __init__(self, **values: Any) -> None:
        for name in self.known():
            setattr(self, name, copy.deepcopy(getattr(type(self), name, None)))
        for name, value in values.items():
            setattr(self, name, value)

    @classmethod
    def known(cls) -> set[str]:
        own = {n for base in cls.__mro__ for n in vars(base).get("__annotations__", {})} - {"FIELDS"}
        plain = {n for base in cls.__mro__ for n, v in vars(base).items() if isinstance(v, StrictCfg)}
        return own | plain | {n for base in cls.__mro__ for n in getattr(base, "FIELDS", ())}

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.known():
            raise AttributeError(f"{type(self).__name__} has no field {name}")
        object.__setattr__(self, name, value)


def cfg_class(name: str, module: str, fields: str) -> type[StrictCfg]:
    return type(name, (StrictCfg,), {"FIELDS": frozenset(fields.split()), "__module__": module})
