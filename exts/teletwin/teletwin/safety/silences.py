"""Every silence that somebody listens for, and what it ends; docs/safety.md is generated from it."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.safety.enabling import HEARTBEAT_MAX_MS
from teletwin.safety.interlock import RESTART_AFTER_MS

SILENCE_MS = 80.0
"""Without a fresh message for so long a receiver brings the arm to rest [ms]; `silence_ms` of a session."""
COMMAND_AGE_MAX_MS = 300.0
"""Commands whose pose is older than usual by more are not followed [ms]; `command_age_max_ms` of a session."""
FRESH_MS = 400.0
"""Without a newer word of the arm for so long nobody says that it is engaged [ms]."""
UNHEARD_MS = 100.0
"""A controller whose last report is older is sent nothing [ms]."""
CONTROLLER_LOST_MS = 500.0
"""A controller that reports nothing for so long is lost [ms]."""
RECOVERY_MS = 30000.0
"""A virtual controller that cannot be reached for so long is no longer excused by a busy computer [ms]."""
ROS2_LOST_MS = 250.0
"""The same over ROS 2 [ms]."""
HICCUP_MS = 20.0
"""A host whose tick comes later has stood still [ms]: the controller has brought the arm to rest meanwhile."""
FORGOTTEN_MS = 5000.0
"""An arm that does not follow for so long, whatever the reason, needs a fresh act [ms]."""
PAGE_QUIET_MS = 2000.0
"""A page that drives and says nothing for so long has gone [ms]; a hidden tab's timers run once a second."""
CONTROL_TIMEOUT_MS = 10000.0
"""After so long without a word of it anybody may take control [ms]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One row: who listens to whom, for how long, and what happens then."""

    listener: str
    to: str
    after_ms: float
    then: str
    setting: str = ""
    """The session's setting, where it is one."""


def _silence(listener: str, to: str, after_ms: float, then: str, setting: str = "") -> Silence:
    return Silence(listener=listener, to=to, after_ms=after_ms, then=then, setting=setting)


_SPENDS = "an outage: the act is spent, and the person presses Engage again"
_OUTAGE = "restart_after_ms"

SILENCES: tuple[Silence, ...] = (
    _silence("page", "the operator's rows", FRESH_MS, "no longer says *engaged*"),
    _silence("operator", "new words of the arm, by way of the twin", FRESH_MS, "says *unknown*; packets ask for hold"),
    _silence("operator", "the same", RESTART_AFTER_MS, "takes Engage back and says why", _OUTAGE),
    _silence("operator", "an arm that follows", FORGOTTEN_MS, "takes Engage back, also one that no arm answered"),
    _silence("operator", "the page that drives", PAGE_QUIET_MS, "takes Engage back; the enabling input is let go"),
    _silence("operator", "the same", CONTROL_TIMEOUT_MS, "nobody drives until somebody takes control"),
    _silence("twin", "the operator's packets", SILENCE_MS, "brakes and holds", "silence_ms"),
    _silence("twin", "the same", RESTART_AFTER_MS, _SPENDS, _OUTAGE),
    _silence("twin", "the arm's states", SILENCE_MS, "brakes and holds", "silence_ms"),
    _silence("twin", "the same", RESTART_AFTER_MS, _SPENDS, _OUTAGE),
    _silence("arm", "the twin's commands", SILENCE_MS, "brakes and holds, on its own limits", "silence_ms"),
    _silence("arm", "the same", RESTART_AFTER_MS, _SPENDS, _OUTAGE),
    _silence("twin, arm", "heartbeats of a held enabling input", HEARTBEAT_MAX_MS, "brakes and holds"),
    _silence("twin, arm", "the same", RESTART_AFTER_MS, _SPENDS, _OUTAGE),
    _silence(
        "arm",
        "the age of the poses behind the commands, beyond the usual",
        COMMAND_AGE_MAX_MS,
        "the command is not followed, and counted",
        "command_age_max_ms",
    ),
    _silence("arm", "its own clock: a late tick", HICCUP_MS, "counted; nothing is followed until the arm stands"),
    _silence("arm", "the controller's reports", UNHEARD_MS, "nothing is sent; starts from where the arm is found"),
    _silence("arm", "the same", CONTROLLER_LOST_MS, "a fault, even if the line looks open"),
    _silence(
        "arm",
        "the same of the virtual controller on its own computer, which still listens",
        RECOVERY_MS,
        "a fault; until then nothing is sent, and it is met again by itself",
    ),
    _silence("arm", "the same over ROS 2", ROS2_LOST_MS, "a fault"),
)
"""What is shorter than a row's time changes nothing."""
