"""`isaaclab.devices`: what a device must be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any


class DeviceBase(ABC):
    def __init__(self, retargeters: list[Any] | None = None) -> None:
        self._retargeters = retargeters or []

    def __str__(self) -> str:
        return type(self).__name__

    @abstractmethod
    def reset(self) -> None: ...

    @abstractmethod
    def add_callback(self, key: Any, func: Callable) -> None: ...

    def _get_raw_data(self) -> Any:
        raise NotImplementedError

    def advance(self) -> Any:
        return self._get_raw_data()
