"""What may move the arm, and when: the states, the watchdogs and the limits that every hop obeys.

Operator, twin and arm each walk the same table on what they themselves see and on their own clock, so no
hop has to trust that another one stopped.
"""

from __future__ import annotations

from teletwin.safety.enabling import HEARTBEAT_MAX_MS, EnablingInput
from teletwin.safety.interlock import RESTART_AFTER_MS, RestartInterlock
from teletwin.safety.limits import REDUCED_SPEED_M_S, MotionLimits, SessionLimits, tightened, tightest
from teletwin.safety.rate import RateLimit, RateLimits
from teletwin.safety.silences import (
    COMMAND_AGE_MAX_MS,
    CONTROL_TIMEOUT_MS,
    CONTROLLER_LOST_MS,
    FORGOTTEN_MS,
    FRESH_MS,
    HICCUP_MS,
    PAGE_QUIET_MS,
    RECOVERY_MS,
    ROS2_LOST_MS,
    SILENCE_MS,
    UNHEARD_MS,
)
from teletwin.safety.states import RULES, STATE_NAMES, Rule, SafetyState, Seen, mode_of, next_state
from teletwin.safety.watchdog import NEVER_NS, Watchdog

__all__ = [
    "COMMAND_AGE_MAX_MS",
    "CONTROLLER_LOST_MS",
    "CONTROL_TIMEOUT_MS",
    "FORGOTTEN_MS",
    "FRESH_MS",
    "HEARTBEAT_MAX_MS",
    "HICCUP_MS",
    "NEVER_NS",
    "PAGE_QUIET_MS",
    "RECOVERY_MS",
    "REDUCED_SPEED_M_S",
    "RESTART_AFTER_MS",
    "ROS2_LOST_MS",
    "RULES",
    "SILENCE_MS",
    "STATE_NAMES",
    "UNHEARD_MS",
    "EnablingInput",
    "MotionLimits",
    "RateLimit",
    "RateLimits",
    "RestartInterlock",
    "Rule",
    "SafetyState",
    "Seen",
    "SessionLimits",
    "Watchdog",
    "mode_of",
    "next_state",
    "tightened",
    "tightest",
]
