"""One run on the virtual clock, looked at where the arm is: at its joints, every cycle."""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin.bench.rest.cases import ROLES, TABLE_M, Case, dash
from teletwin.bench.rest.judge import margins, peaks, tool_speed
from teletwin.geometry import Array
from teletwin.hand.replay import ReplayHand
from teletwin.messages import Mode
from teletwin.safety import SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

_AFTER_S = 1.5
_KILLED_S = 1.0


def run_case(case: Case) -> dict[str, Any]:
    """Run it; peaks [rad/s^2, rad/s^3], times [ms], speeds [m/s], margins [mm, mrad]."""
    return _Run(case).results()


class _Run:
    """A session on its way to a border, and what the arm did."""

    def __init__(self, case: Case) -> None:
        self._case = case
        session = SessionCfg(network=NetworkCfg(), seed=case.seed, workspace_height_m=TABLE_M)
        hand = ReplayHand(dash(case.border), loop=False)
        self._virtual = VirtualSession(session, hand=hand, renders=False)
        self._q: list[Array] = []
        self._follows: list[bool] = []
        self._advance = self._virtual.physical.advance
        self._virtual.physical.advance = self._noted  # type: ignore[method-assign]
        self._count_at: list[int] = []

    def _noted(self, now_ns: int | None = None) -> None:
        """One servo period of the arm, and what the role said of it before."""
        self._advance(now_ns)
        arm, dynamics = self._virtual.arm, self._virtual.physical.dynamics
        self._q.append(dynamics.q.copy())
        self._follows.append(arm.state is SafetyState.ENGAGED and not dynamics.motion.is_braking)
        self._count_at.append(arm.held_count + arm.hiccup_count + arm.stall_count)

    def results(self) -> dict[str, Any]:
        """The whole run, judged from its cause on."""
        case, virtual = self._case, self._virtual
        virtual.run(case.at_s)
        begins = len(self._q)
        self._happen()
        resumes = len(self._q)
        virtual.suspended.clear()
        if not case.cause.endswith("killed"):
            virtual.run(_AFTER_S)
        q = np.array(self._q)
        return {
            "cause": case.cause,
            "border": case.border,
            "seed": case.seed,
            "lasts_s": case.lasts_s,
            "speed_m_s": tool_speed(q[begins - 10 : begins]),
            **peaks(q[begins - 2 :]),
            "held_ms": _first_ms([not follows for follows in self._follows[begins:]]),
            "counted_ms": _first_ms([count > self._count_at[begins - 1] for count in self._count_at[resumes:]]),
            "after_m_s": tool_speed(q[resumes:]),
            "margins": margins(q),
        }

    def _happen(self) -> None:
        case, virtual = self._case, self._virtual
        if case.cause == "fault":
            virtual.physical.end_program("protective stop: find its cause, then clear")
        mode = {"Hold": Mode.HOLD, "Stop": Mode.OFF}.get(case.cause, Mode.ENGAGED)
        role = case.cause.split()[0]
        if role in ROLES:
            virtual.suspended.add(role)
        killed = case.cause.endswith("killed")
        virtual.run(_KILLED_S if killed else case.lasts_s, mode=mode)


def _first_ms(flags: list[bool]) -> float | None:
    """When the first is set [ms]; None when none is."""
    return next((2.0 * k for k, flag in enumerate(flags) if flag), None)
