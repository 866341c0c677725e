"""Hands that were asked for and could not be used: named with the reason, so that one of them ends no comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from teletwin.errors import MissingPartError, RecordingError, TooLargeError

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One hand that was left out, and why."""

    name: str
    why: str


OnLeftOut = Callable[[LeftOut], None]
"""Told of every hand that is left out."""


def usable(
    items: Sequence[Item],
    make: Callable[[Item], Made],
    *,
    name: Callable[[Item], str] = str,
    on_left_out: OnLeftOut | None = None,
) -> Iterator[Made]:
    """What is made of the items that can be used.

    Raises:
        RecordingError, TooLargeError, MissingPartError: One cannot be used, and nobody is told of it.
    """
    for item in items:
        try:
            made = make(item)
        except (RecordingError, TooLargeError, MissingPartError) as error:
            if on_left_out is None:
                raise
            on_left_out(LeftOut(name=name(item), why=str(error)))
        else:
            yield made
