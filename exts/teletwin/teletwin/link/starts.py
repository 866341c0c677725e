"""Which start of a role is believed: what a role said before it was started again does not come back.

Every role draws a number when it starts, and each message names that of its sender. Beyond one machine the keys
prove that a message is fresh (`teletwin.link.conversation`); here is decided that it begins anew: another start
takes the place of the one before, and a start that was replaced never comes back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

_MAX_REPLACED = 64


class Standing(Enum):
    """What the start that a message names says about it."""

    CURRENT = "current"
    """Of the start that is believed."""
    NEW = "new"
    """The first of another start; it is believed from now on."""
    REPLACED = "replaced"
    """Of a start that is over."""


@dataclass(slots=True)
class _Believed:
    start: int
    replaced: deque[int] = field(default_factory=lambda: deque(maxlen=_MAX_REPLACED))


class PeerStarts:
    """The believed start of every stream, by sender and destination."""

    def __init__(self) -> None:
        self._believed: dict[tuple[str, str], _Believed] = {}

    def judge(self, sender: str, destination: str, start: int) -> Standing:
        """Say what a message's start tells, and believe a new one."""
        believed = self._believed.setdefault((sender, destination), _Believed(start))
        if start == believed.start:
            return Standing.CURRENT
        if start in believed.replaced:
            return Standing.REPLACED
        believed.replaced.append(believed.start)
        believed.start = start
        return Standing.NEW
