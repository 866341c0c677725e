"""What is in force: the arm's and the twin's own words about what they drive and keep, against what is shown here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from teletwin import __version__
from teletwin.clock import NS_PER_S
from teletwin.messages import InForce
from teletwin.safety import REDUCED_SPEED_M_S, MotionLimits, tightest
from teletwin.session.config import SessionCfg

_LIMITS = tuple(field.name for field in fields(MotionLimits))
_OLD_NS = 3 * NS_PER_S
"""Told once a second; words that are older are no longer shown."""
_MUST_AGREE = {"version": "runs teletwin", "robot": "drives"}
"""What every host must have in common before anything moves."""


def in_force_of(role: str, session: SessionCfg) -> Callable[[MotionLimits], InForce]:
    """What a role of this session tells of itself, by the limits that it keeps now."""

    def tell(limits: MotionLimits) -> InForce:
        return InForce(
            role=role,
            version=__version__,
            robot="UR3e",
            is_real=session.is_real,
            needs_enabling=session.needs_enabling,
            scene=Path(session.scene).name[-60:],
            restart_after_ms=session.restart_after_ms,
            **asdict(limits),
        )

    return tell


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest words of one host."""

    told: InForce
    t_ns: int
    """When they came [ns]."""


class InForceBook:
    """Collects what the hosts tell, and compares it with the operator's own."""

    def __init__(self, own: InForce) -> None:
        self.own = own
        self._heard: dict[str, Heard] = {}

    def hear(self, told: InForce, now_ns: int) -> None:
        """Words of the twin, or of the arm by way of the twin."""
        if told.role in ("twin", "arm"):
            self._heard[told.role] = Heard(told, now_ns)

    def mismatch(self) -> str:
        """Why nothing may move: what the hosts do not have in common; empty when they agree."""
        for role, heard in self._heard.items():
            for name, words in _MUST_AGREE.items():
                theirs, ours = getattr(heard.told, name), getattr(self.own, name)
                if theirs != ours:
                    return f"the {role} {words} {theirs}, the operator {ours}: start both alike"
        return ""

    @property
    def hears_twin(self) -> bool:
        """Whether the twin has told."""
        return "twin" in self._heard

    def problems(self) -> list[str]:
        """What is wrong between the hosts further on, in their words."""
        return [heard.told.problem for heard in self._heard.values() if heard.told.problem]

    def row(self, own: MotionLimits, now_ns: int) -> dict[str, object] | None:
        """What holds now, for the page; None until the arm has told."""
        arm = self._heard.get("arm")
        if arm is None or now_ns - arm.t_ns > _OLD_NS:
            return None
        limits, notes = tightest({"operator": own} | {r: _limits(heard.told) for r, heard in self._heard.items()})
        return {
            **asdict(limits),
            "reduced": max(limits.max_tool_speed_m_s, limits.max_body_speed_m_s) <= REDUCED_SPEED_M_S,
            "robot": arm.told.robot,
            "is_real": arm.told.is_real,
            "needs_enabling": arm.told.needs_enabling,
            "restart_after_ms": arm.told.restart_after_ms,
            "notes": [*notes, *self._scene_notes()],
        }

    def _scene_notes(self) -> list[str]:
        """Who knows other obstacles; each host keeps clear of its own."""
        told = [heard.told for heard in self._heard.values() if heard.told.scene != self.own.scene]
        return [f"{each.role}: knows the scene {each.scene}, here it is {self.own.scene}" for each in told]

    @property
    def needs_enabling(self) -> bool:
        """Whether the arm, or this host's own settings, ask for a held enabling input."""
        told: Mapping[str, Heard] = self._heard
        return self.own.needs_enabling or any(heard.told.needs_enabling for heard in told.values())


def _limits(told: InForce) -> MotionLimits:
    return MotionLimits(**{name: getattr(told, name) for name in _LIMITS})
