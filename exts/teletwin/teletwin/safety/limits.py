"""The session's own limits of motion, on top of the arm's: lowered at any time, raised only at rest."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from teletwin.errors import ConfigError
from teletwin.safety.states import SafetyState

_WIDER = {
    "max_speed_rad_s": 1.0,
    "max_tool_speed_m_s": 1.0,
    "max_body_speed_m_s": 1.0,
    "workspace_radius_m": 1.0,
    "workspace_height_m": -1.0,
}
"""In which direction a limit lets the arm do more."""
_SLACK = 1e-9
REDUCED_SPEED_M_S = 0.25
"""Largest speed of any point of an arm in reduced mode and on its way to the hand, as ISO 10218-1 has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionLimits:
    """What the session allows; the defaults are the UR3e's own limits."""

    max_speed_rad_s: float = 2.0 * math.pi
    """No joint turns faster than this, nor than its own limit [rad/s]."""
    max_tool_speed_m_s: float = 1.5
    """The tool is no faster [m/s]."""
    max_body_speed_m_s: float = 1.5
    """No point of any body, elbow and wrist among them, is faster [m/s]."""
    workspace_radius_m: float = 0.48
    """Largest distance of the tool from the shoulder's centre [m]."""
    workspace_height_m: float = 0.02
    """Smallest height of the tool above the UR base [m]."""

    def __post_init__(self) -> None:
        """Refuse limits that the arm does not have or cannot live in."""
        allowed = {
            "max_speed_rad_s": (0.01, 2.0 * math.pi),
            "max_tool_speed_m_s": (0.01, 1.5),
            "max_body_speed_m_s": (0.01, 1.5),
            "workspace_radius_m": (0.25, 0.48),
            "workspace_height_m": (0.02, 0.4),
        }
        for name, (least, most) in allowed.items():
            value = getattr(self, name)
            if not least - _SLACK <= value <= most + _SLACK:
                raise ConfigError(f"{name} is out of range", given=value, allowed=f"{least:g} ... {most:.4g}")


def tightened(
    now: MotionLimits, change: Mapping[str, object], *, ceiling: MotionLimits, state: SafetyState
) -> MotionLimits:
    """The limits after a change by name that was asked for in a state.

    Raises:
        ConfigError: A name or a number is none, a limit is wider than this host's own, or wider than now while the
            arm is engaged.
    """
    unknown = sorted(set(change) - set(_WIDER))
    if unknown:
        raise ConfigError("no such limit of motion", given=", ".join(unknown), allowed=", ".join(_WIDER))
    asked = dataclasses.replace(now, **{name: _number(name, value) for name, value in change.items()})
    wide = _wider(asked, ceiling)
    if wide:
        allowed = f"{getattr(ceiling, wide):.4g}, as this host was started with"
        raise ConfigError(f"{wide} is wider than allowed", given=getattr(asked, wide), allowed=allowed)
    wide = _wider(asked, now)
    if wide and state is SafetyState.ENGAGED:
        raise ConfigError(
            f"{wide} cannot be raised while the arm is engaged",
            given=getattr(asked, wide),
            allowed=f"{getattr(now, wide):.4g} or tighter",
            mend="press Hold first",
        )
    return asked


def tightest(limits: Mapping[str, MotionLimits]) -> tuple[MotionLimits, tuple[str, ...]]:
    """What holds where several hosts keep limits of their own, by host; and who is tighter in what than the first."""
    first = next(iter(limits.values()))
    values, notes = dataclasses.asdict(first), []
    for host, own in limits.items():
        for name, sign in _WIDER.items():
            value = getattr(own, name)
            if sign * (values[name] - value) > _SLACK:
                values[name] = value
                notes.append(f"{host}: {name} is {value:.4g}, tighter than {getattr(first, name):.4g} here")
    return MotionLimits(**values), tuple(notes)


class SessionLimits:
    """One host's limits of motion through a session.

    Wishes name the time `t_ns` at which they were made, on the wisher's clock, and the wisher's `start`: one that
    comes late, or from before a restart, can still tighten, but not raise what a newer one lowered.
    """

    def __init__(self, ceiling: MotionLimits) -> None:
        self.ceiling = self.now = ceiling
        self._wished_ns = 0
        self._starts: list[int | None] = []
        self.refused_count = 0

    def ask(self, wish: Mapping[str, object], *, state: SafetyState) -> MotionLimits:
        """Take other limits by name; return those that hold now.

        Raises:
            ConfigError: As `tightened`; the limits stay as they are.
        """
        change = dict(wish)
        wished_ns, start = change.pop("t_ns", None), change.pop("start", None)
        start = start if isinstance(start, int) else None
        if start not in self._starts:  # the wisher's clock may have begun anew as well
            self._starts, self._wished_ns = [*self._starts, start][-_STARTS_MAX:], 0
        is_current = start == self._starts[-1]
        is_newest = is_current and (not isinstance(wished_ns, int) or wished_ns >= self._wished_ns)
        try:
            self.now = tightened(
                self.now, change, ceiling=self.ceiling, state=state if is_newest else SafetyState.ENGAGED
            )
        except ConfigError:
            self.refused_count += 1
            raise
        if is_newest and isinstance(wished_ns, int):
            self._wished_ns = wished_ns
        return self.now


def _wider(asked: MotionLimits, than: MotionLimits) -> str:
    """Name of the first limit that allows more than the other's; empty when none does."""
    for name, sign in _WIDER.items():
        if sign * (getattr(asked, name) - getattr(than, name)) > _SLACK:
            return name
    return ""


_STARTS_MAX = 16
_LARGEST = 1e6
"""No limit is larger; also refuses what is not finite, and integers that no float holds."""


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ConfigError(f"{name} is not a number", given=value, allowed="a number")
    return float(value)
