"""Recipes: which variables travel together, in which order."""

from __future__ import annotations

from teletwin.arm.virtual_ur.variables import INPUT_TYPES, OUTPUT_TYPES, Memory
from teletwin.arm.virtual_ur.wire import Kind, frame

NOT_FOUND = "NOT_FOUND"
IN_USE = "IN_USE"


def split_names(payload: bytes) -> list[str]:
    """Variable names of a set-up message."""
    return [name.strip() for name in payload.decode("ascii", errors="replace").split(",") if name.strip()]


def output_types(names: list[str]) -> list[str]:
    """Types of output variables, NOT_FOUND where there is none of that name."""
    return [OUTPUT_TYPES.get(name, NOT_FOUND) for name in names]


def input_types(names: list[str], taken: set[str]) -> list[str]:
    """Types of input variables; IN_USE for those that another client writes."""
    return [IN_USE if name in taken else INPUT_TYPES.get(name, NOT_FOUND) for name in names]


class OutputRecipe:
    """Builds the data messages that a client asked for."""

    def __init__(self, number: int, names: list[str], memory: Memory) -> None:
        self._pieces = [memory.view[part] for part in _merged([memory.slice_of(name) for name in names])]
        size = sum(len(piece) for piece in self._pieces)
        self._head = frame(Kind.DATA, bytes(1 + size))[:3] + bytes([number])

    def packet(self) -> bytes:
        """The present values as one message."""
        return b"".join([self._head, *self._pieces])


class InputRecipe:
    """Stores the data messages that a client sends."""

    def __init__(self, names: list[str], memory: Memory) -> None:
        self.names = tuple(names)
        self._parts = [memory.slice_of(name) for name in names]
        self._view = memory.view
        self.size = sum(part.stop - part.start for part in self._parts)

    def store(self, payload: bytes) -> bool:
        """Write the values; return False and change nothing when the size is wrong."""
        if len(payload) != self.size:
            return False
        start = 0
        for part in self._parts:
            end = start + part.stop - part.start
            self._view[part] = payload[start:end]
            start = end
        return True


def _merged(parts: list[slice]) -> list[slice]:
    """Join neighbours that lie one after the other."""
    merged: list[slice] = []
    for part in parts:
        if merged and merged[-1].stop == part.start:
            merged[-1] = slice(merged[-1].start, part.stop)
        else:
            merged.append(part)
    return merged
