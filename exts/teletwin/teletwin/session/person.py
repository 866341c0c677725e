"""Whose hand it is: what earlier sessions learned of a person, and what this one adds."""

from __future__ import annotations

from typing import Protocol, TypeGuard

from teletwin.errors import ConfigError
from teletwin.forecast import LEARNS_PERSON, Forecaster
from teletwin.forecast.habits import PersonHabits, nobody
from teletwin.forecast.person_file import load_person, person_path, save_person

_TAUGHT_SLOTS_MIN = 100.0
"""A session that taught less than a second of motion changes no file."""


class LearnsPerson(Protocol):
    """A forecaster that knows the person better the longer it sees the hand."""

    @property
    def habits(self) -> PersonHabits:
        """What is known of the person now."""
        ...

    def adopt(self, person: PersonHabits) -> None:
        """Start from what is known."""
        ...


def check_person(name: str, forecaster: str) -> None:
    """Refuse a person's name before anything starts; an empty one is nobody's.

    Raises:
        ConfigError: The name or its file cannot be used, or the forecaster learns of nobody.
    """
    if not name:
        return
    person_path(name)
    if forecaster not in LEARNS_PERSON:
        raise ConfigError(
            "--person needs a forecaster that learns",
            given=forecaster,
            allowed=", ".join(sorted(LEARNS_PERSON)),
            mend="add --forecaster combined",
        )
    load_person(name)


def learns(forecaster: object) -> TypeGuard[LearnsPerson]:
    """Whether a forecaster learns of a person."""
    return hasattr(forecaster, "adopt") and hasattr(forecaster, "habits")


def greet(forecaster: Forecaster, name: str) -> None:
    """Let a forecaster start from what is known of a person; nothing for one that learns of nobody.

    Raises:
        ConfigError: The person's file cannot be used.
    """
    if name and learns(forecaster):
        forecaster.adopt(load_person(name) or nobody())


def remember(forecaster: Forecaster, name: str) -> None:
    """Keep what a forecaster knows of a person for the next session; call it off the control path.

    Raises:
        ConfigError: The file cannot be written.
    """
    if not name or not learns(forecaster):
        return
    habits = forecaster.habits
    if habits.counts.max() >= _TAUGHT_SLOTS_MIN:
        save_person(name, habits)
