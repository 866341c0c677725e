"""What the others' logs say of a role that was killed: who noticed, how soon, and what went on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.messages import Mode
from teletwin.recording import LoggedMessage, SessionRecording

NOTICE_BAR_MS = 500.0
LOG_BAR_S = 1.0
Logs = Mapping[str, SessionRecording | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A role, when it was killed (the logs' clock), how long the others were watched, their logs then."""

    target: str
    t_ns: int
    watched_s: float
    files: dict[str, Path]
    also_ended: tuple[str, ...] = ()


Says = Callable[[Mapping[str, Any]], bool]


def _mode_below(mode: Mode) -> Says:
    return lambda values: int(values["mode"]) < mode


_HOLDS = _mode_below(Mode.ENGAGED)
_DOCUMENTED: dict[str, tuple[tuple[str, str, str, Says], ...]] = {
    "operator": (
        ("the twin holds", "twin", "/twin/JointCommand", _HOLDS),
        ("the arm holds", "arm", "/arm/ArmState", _HOLDS),
    ),
    "twin": (
        ("the arm holds", "arm", "/arm/ArmState", _HOLDS),
        ("the operator asks for hold", "operator", "/operator/ForecastPacket", _HOLDS),
    ),
    "arm": (("the twin holds", "twin", "/twin/JointCommand", _HOLDS),),
    "controller": (
        ("the arm reports a fault", "arm", "/arm/ArmState", lambda values: bool(values["fault"])),
        ("the twin commands nothing", "twin", "/twin/JointCommand", _mode_below(Mode.HOLD)),
        ("the operator's wish is taken back", "operator", "/operator/ForecastPacket", _HOLDS),
    ),
    "renderer": (),
}
"""Role to what must follow its end: in words, whose log, the topic, and what its messages say then."""
_GOES_ON = ("renderer", "operator", "twin")
"""Whose end must leave the arm's states without a gap."""


def judge_kill(kill: Kill, logs: Logs) -> dict[str, Any]:
    """Reactions [ms], what went on, and how far the killed role's log reaches [s before its end]."""
    followed = _says_before(kill, logs, "arm", "/arm/ArmState", lambda values: not _HOLDS(values))
    reactions = {
        words: _first_ms(kill, logs, role, topic, says) for words, role, topic, says in _DOCUMENTED[kill.target]
    }
    goes_on = kill.target != "renderer" or _first_ms(kill, logs, "arm", "/arm/ArmState", _HOLDS) is None
    missing_s = _missing_s(kill, logs)
    on_time = all(ms is not None and ms <= NOTICE_BAR_MS for ms in reactions.values())
    ok = goes_on and on_time and not kill.also_ended
    return {
        "target": kill.target,
        "followed_before": followed,
        "reactions_ms": reactions,
        "also_ended": list(kill.also_ended),
        "longest_gap_ms": _longest_gap_ms(kill, logs),
        "log_missing_s": missing_s,
        "unreadable": [role for role, log in logs.items() if log is None],
        "as_documented": ok,
        "log_readable": missing_s is not None and missing_s <= LOG_BAR_S and None not in logs.values(),
    }


def _messages(logs: Logs, role: str, topic: str) -> Sequence[LoggedMessage]:
    log = logs.get(role)
    return [] if log is None else log.on_topic(topic)


def _first_ms(kill: Kill, logs: Logs, role: str, topic: str, says: Says) -> float | None:
    """From the kill to the first message that says so [ms]; None when none did while it was watched."""
    for each in _messages(logs, role, topic):
        late_ns = each.t_log_ns - kill.t_ns
        if 0 <= late_ns <= kill.watched_s * NS_PER_S and says(each.values):
            return late_ns / NS_PER_MS
    return None


def _says_before(kill: Kill, logs: Logs, role: str, topic: str, says: Says) -> bool:
    """Whether the last word before the kill says so."""
    before = [each for each in _messages(logs, role, topic) if each.t_log_ns < kill.t_ns]
    return bool(before) and says(before[-1].values)


def _longest_gap_ms(kill: Kill, logs: Logs) -> float | None:
    """The longest time in which a role that must go on said nothing [ms]."""
    if kill.target not in _GOES_ON:
        return None
    end_ns = kill.t_ns + round(kill.watched_s * NS_PER_S)
    said = [each.t_log_ns for each in _messages(logs, "arm", "/arm/ArmState") if kill.t_ns <= each.t_log_ns <= end_ns]
    return max((after - before for before, after in itertools.pairwise([kill.t_ns, *said])), default=0) / NS_PER_MS


def _missing_s(kill: Kill, logs: Logs) -> float | None:
    """How long before its end the killed role's log ends [s]; 0 for the controller, which writes none."""
    if kill.target == "controller":
        return 0.0
    log = logs.get(kill.target)
    if log is None or not log.messages:
        return None
    return max(kill.t_ns - int(log.messages.log_times_ns().max()), 0) / NS_PER_S


def summarize_kills(kills: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each role that was killed: reactions' worst [ms], logs, whether all was as documented.

    A kill before which the arm did not follow proves nothing of a hold, and is told apart.
    """
    rows: list[dict[str, Any]] = []
    for target in dict.fromkeys(kill["target"] for kill in kills):
        mine = [kill for kill in kills if kill["target"] == target]
        counted = [kill for kill in mine if kill["followed_before"]]
        worst = {words: _worst(kill["reactions_ms"][words] for kill in counted) for words in mine[0]["reactions_ms"]}
        gaps = [kill["longest_gap_ms"] for kill in counted if kill["longest_gap_ms"] is not None]
        rows.append(
            {
                "target": target,
                "kill_count": len(mine),
                "counted": len(counted),
                "worst_ms": worst,
                "as_documented": sum(kill["as_documented"] for kill in counted),
                "log_readable": sum(kill["log_readable"] for kill in mine),
                "log_missing_worst_s": _worst(kill["log_missing_s"] for kill in mine),
                "longest_gap_ms": _worst(gaps),
            }
        )
    return rows


def _worst(values: Any) -> float | None:
    """The largest; None where there is none, or one is missing."""
    found = list(values)
    return None if not found or None in found else max(found)
