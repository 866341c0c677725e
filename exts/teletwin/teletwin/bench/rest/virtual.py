"""One run on the virtual clock, looked at where the arm is: at its joints, every cycle."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np

from teletwin.arm.dynamics import CYCLE_S
from teletwin.bench.rest.borders import BORDERS, WAITS_S, dash, session_towards
from teletwin.bench.rest.cases import PASSIVE, ROLES, Case
from teletwin.bench.rest.judge import (
    NOTICE_BAR_MS,
    acceleration,
    fastest_bodies,
    jerk,
    low_passed,
    margins,
    rest_ms,
    tool_speeds,
)
from teletwin.geometry import Array
from teletwin.hand.replay import ReplayHand
from teletwin.messages import Mode
from teletwin.safety import REDUCED_SPEED_M_S, SafetyState
from teletwin.session.build import simulated_arm
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

_AFTER_S, _KILLED_S, _REHEARSED_S = 1.5, 1.0, 1.2
_FAST_SHARE, _SLOW_SHARE = 0.9, 0.2


def run_case(case: Case) -> dict[str, Any]:
    """Run it; peaks [rad/s^2, rad/s^3], times [ms], speeds [m/s], margins [mm, mrad, mm/s]."""
    return _Run(case).results()


@cache
def moment_s(border: str, share: float) -> float:
    """When it happens, from the start of the hand [s]: around the time at which the border brakes the arm.

    A rehearsal without a cause tells it: from when the arm is nearly at its fastest until it is slow.
    """
    if share:
        first_s, last_s = moment_s(border, 0.0), _slow_s(border)
        return first_s + share * (last_s - first_s)
    speeds = _rehearsal(border)
    below = np.flatnonzero(speeds[: int(speeds.argmax())] < _FAST_SHARE * speeds.max())
    return WAITS_S + CYCLE_S * (int(below[-1]) + 1 if len(below) else 0)


def _slow_s(border: str) -> float:
    speeds = _rehearsal(border)
    fastest = int(speeds.argmax())
    slow = np.flatnonzero(speeds[fastest:] < _SLOW_SHARE * speeds.max())
    return WAITS_S + CYCLE_S * (fastest + int(slow[0] if len(slow) else len(speeds) - 1 - fastest))


@cache
def _rehearsal(border: str) -> Array:
    """Speeds (n,) of the dash that nothing disturbs: of the fastest point of the arm, or of joints that turn."""
    run = _Run(Case(cause="none", border=border, seed=0, lasts_s=0.0, share=0.0, aside_m=0.0, delay_ms=0.0))
    run.virtual.run(WAITS_S + _REHEARSED_S)
    q = np.array(run.q)[round(WAITS_S / CYCLE_S) :]
    return np.abs(np.diff(q[:, 5])) / CYCLE_S if BORDERS[border].turn_rad else tool_speeds(q)


class _Run:
    """A session on its way to a border, and what the arm did."""

    def __init__(self, case: Case) -> None:
        self._case = case
        network = NetworkCfg(delay_ms=case.delay_ms, jitter_ms=0.2 * case.delay_ms)
        self.session = session_towards(case.border, SessionCfg(network=network, seed=case.seed))
        hand = ReplayHand(dash(case.border, aside_m=case.aside_m), loop=False)
        arm = dataclasses.replace(simulated_arm(self.session), q_start=BORDERS[case.border].q)
        renders = case.cause.startswith(PASSIVE)
        self.virtual = VirtualSession(self.session, hand=hand, arm=arm, renders=renders)
        self.q: list[Array] = []
        self._reference: list[Array] = []
        self._follows: list[bool] = []
        self._approaches: list[bool] = []
        self._count_at: list[int] = []
        self._advance = self.virtual.physical.advance
        self.virtual.physical.advance = self._noted  # type: ignore[method-assign]

    def _noted(self, now_ns: int | None = None) -> None:
        """One servo period of the arm, and what the roles said of it before."""
        self._advance(now_ns)
        arm, twin, dynamics = self.virtual.arm, self.virtual.twin, self.virtual.physical.dynamics
        self.q.append(dynamics.q.copy())
        self._reference.append(dynamics.motion.q.copy())
        self._follows.append(arm.state is SafetyState.ENGAGED and not dynamics.motion.is_braking)
        self._approaches.append(arm.is_approaching or twin.is_approaching)
        self._count_at.append(arm.held_count + arm.hiccup_count + arm.commands.stall_count)

    def results(self) -> dict[str, Any]:
        """The whole run, judged from its cause on."""
        case, virtual = self._case, self.virtual
        virtual.run(moment_s(case.border, case.share))
        begins = len(self.q)
        self._happen()
        resumes = len(self.q)
        virtual.suspended.clear()
        if not case.cause.endswith("killed"):
            virtual.run(_AFTER_S)
        q = np.array(self.q)
        reference = np.array(self._reference[begins - 3 :])
        held_ms = _first_ms([not follows for follows in self._follows[begins:]])
        counted_ms = _first_ms([count > self._count_at[begins - 1] for count in self._count_at[resumes:]])
        return {
            **dataclasses.asdict(case),
            "follows": self._follows[begins - 1],
            "speed_m_s": float(tool_speeds(q[begins - 10 : begins]).max()),
            "rad_s2": acceleration(q[begins - 2 :]),
            "rad_s3": jerk(reference),
            "measured_rad_s3": jerk(low_passed(q)[begins - 3 :]),
            "held_ms": held_ms,
            "counted_ms": counted_ms,
            "noticed": any(ms is not None and ms <= NOTICE_BAR_MS for ms in (held_ms, counted_ms)),
            "rest_ms": rest_ms(q[begins:]),
            **self._speeds_after(q, resumes),
            "margins": margins(q[begins - 1 :], self.session),
        }

    def _speeds_after(self, q: Array, resumes: int) -> dict[str, float]:
        """The fastest body while the arm approaches, once it has been slow; the fastest of the tool where it does not.

        The speed of row k is that up to row k + 5.
        """
        speeds, tool = fastest_bodies(q[resumes:]), tool_speeds(q[resumes:])
        approaches = np.array(self._approaches[resumes : resumes + len(speeds)], dtype=bool)
        holds = bool(approaches.any()) or not all(self._follows[resumes:])
        slow = np.flatnonzero(speeds <= REDUCED_SPEED_M_S)
        approaches[: slow[0] if len(slow) else len(speeds)] = False
        return {
            "approach_m_s": float(speeds[approaches].max(initial=0.0)),
            "catch_up_m_s": 0.0 if holds else float(tool.max(initial=0.0)),
        }

    def _happen(self) -> None:
        case, virtual = self._case, self.virtual
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
