"""What may move the arm, and when: the states, the watchdogs and the limits that every hop obeys.

Operator, twin and arm each walk the same table on what they themselves see and on their own clock, so no
hop has to trust that another one stopped.
"""

from __future__ import annotations

from teletwin.safety.limits import REDUCED_SPEED_M_S, MotionLimits, SessionLimits, tightened
from teletwin.safety.rate import RateLimit, RateLimits
from teletwin.safety.states import RULES, STATE_NAMES, Rule, SafetyState, Seen, mode_of, next_state
from teletwin.safety.watchdog import Watchdog

__all__ = [
    "REDUCED_SPEED_M_S",
    "RULES",
    "STATE_NAMES",
    "MotionLimits",
    "RateLimit",
    "RateLimits",
    "Rule",
    "SafetyState",
    "Seen",
    "SessionLimits",
    "Watchdog",
    "mode_of",
    "next_state",
    "tightened",
]
