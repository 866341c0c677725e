"""The safety states and the table of their changes: pure, walked once a tick by every hop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from teletwin.messages import Mode


class SafetyState(IntEnum):
    """What the arm may do."""

    OFF = 0
    """Nothing is sent to the arm: it stays where it is."""
    READY = 1
    """The arm has said where it is and is well; it waits for a person's word."""
    HOLD = 2
    """The arm was brought to rest and is kept there."""
    ENGAGED = 3
    """The arm follows the hand."""
    FAULT = 4
    """The controller has stopped the arm."""


STATE_NAMES = {state: state.name.lower() for state in SafetyState}


class Seen(NamedTuple):
    """What a hop sees in this tick."""

    asked: Mode
    """What the person asks for, as the newest message says."""
    knows_arm: bool
    """The arm's measured joints are known."""
    is_stopped: bool
    """The arm's controller reports a stop or cannot be reached, and no person has cleared that."""
    hears: bool
    """Everything that this hop must hear has spoken within its time, by this hop's clock."""
    is_fresh: bool
    """The person's act was made since the last outage; see `teletwin.safety.interlock`."""
    is_enabled: bool
    """The enabling input is held, or none is needed."""

    @property
    def may_move(self) -> bool:
        """Whether nothing speaks against motion but the person's word."""
        return self.hears and self.is_fresh and self.is_enabled


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One change of state."""

    before: tuple[SafetyState, ...]
    after: SafetyState
    holds: Callable[[Seen], bool]
    when: str
    who: str
    """Who brings it about: person, watchdog, interlock, controller, arm."""


OFF, READY, HOLD, ENGAGED, FAULT = SafetyState

RULES: tuple[Rule, ...] = (
    Rule(
        before=(OFF, READY, HOLD, ENGAGED),
        after=FAULT,
        holds=lambda seen: seen.is_stopped,
        when="the controller reports a stop, or is lost",
        who="controller",
    ),
    Rule(
        before=(FAULT,),
        after=OFF,
        holds=lambda seen: not seen.is_stopped and seen.asked is not Mode.ENGAGED,
        when="the stop was cleared, and nobody asks to engage any more",
        who="person",
    ),
    Rule(
        before=(READY, HOLD, ENGAGED),
        after=OFF,
        holds=lambda seen: seen.asked is Mode.OFF,
        when="Stop is pressed, by whoever watches",
        who="person",
    ),
    Rule(
        before=(OFF,),
        after=READY,
        holds=lambda seen: seen.knows_arm and seen.asked is not Mode.OFF,
        when="the arm's joints are measured, and the last word is not Stop",
        who="arm",
    ),
    Rule(
        before=(READY,),
        after=ENGAGED,
        holds=lambda seen: seen.asked is Mode.ENGAGED and seen.may_move,
        when="Engage is pressed; motion starts from the measured joints",
        who="person",
    ),
    Rule(
        before=(ENGAGED,),
        after=HOLD,
        holds=lambda seen: seen.asked is Mode.HOLD,
        when="Hold is pressed",
        who="person",
    ),
    Rule(
        before=(ENGAGED,),
        after=HOLD,
        holds=lambda seen: not seen.hears,
        when="what must be heard is silent for too long",
        who="watchdog",
    ),
    Rule(
        before=(ENGAGED,),
        after=HOLD,
        holds=lambda seen: not seen.is_fresh,
        when="an outage has spent the person's act",
        who="interlock",
    ),
    Rule(
        before=(ENGAGED,),
        after=HOLD,
        holds=lambda seen: not seen.is_enabled,
        when="the enabling input is let go, or its heartbeat stays away",
        who="person",
    ),
    Rule(
        before=(HOLD,),
        after=ENGAGED,
        holds=lambda seen: seen.asked is Mode.ENGAGED and seen.may_move,
        when="Engage is pressed, or was before a silence that was no outage; the enabling input is held",
        who="person",
    ),
)
"""In this order; the first that fits counts."""


def next_state(state: SafetyState, seen: Seen) -> SafetyState:
    """The state after a tick in which a hop sees `seen`: the table is walked until no rule fits."""
    for _ in SafetyState:  # no walk is longer
        after = _step(state, seen)
        if after is state:
            break
        state = after
    return state


def _step(state: SafetyState, seen: Seen) -> SafetyState:
    for rule in RULES:
        if state in rule.before and rule.holds(seen):
            return rule.after
    return state


_MODES = {OFF: Mode.OFF, READY: Mode.HOLD, HOLD: Mode.HOLD, ENGAGED: Mode.ENGAGED, FAULT: Mode.OFF}


def mode_of(state: SafetyState) -> Mode:
    """What a hop in this state asks of the next one."""
    return _MODES[state]
