"""What the arm did in a live outage, by the controller's reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teletwin.bench.rest.judge import (
    NOTICE_BAR_MS,
    STANDS_M_S,
    acceleration,
    fastest_bodies,
    jerk,
    low_passed,
    margins,
    rest_ms,
    tool_speeds,
)
from teletwin.bench.rest.listener import ControllerListener
from teletwin.geometry import Array
from teletwin.safety import REDUCED_SPEED_M_S
from teletwin.session.config import SessionCfg

REST_BAR_MS = 400.0
"""Silence is noticed within 80 ms, and a stop from 1.3 m/s with the servo's lag takes 250 ms."""
_SOON_ROWS = 100
"""An arm that stands within 0.2 s of resuming was held."""
_SETTLED_ROWS = 1000
_SHOWN_LATE_NS = 100_000_000
"""The page is told twenty times a second: what it shows may have changed before by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """When it began, ended, and ceased to be watched, as rows of the controller's reports."""

    begins: int
    resumes: int
    ends: int
    is_over: bool
    """False for what stays: a word, a role that was killed."""
    told_ms: float | None
    """How long after its end, or its beginning where it stays, the page showed it [ms]."""
    approach_ns: tuple[int, int] | None
    """When the page began and ceased to show an approach."""


def judge_outage(outage: Outage, listener: ControllerListener, session: SessionCfg) -> dict[str, Any]:
    """Peaks [rad/s^2, rad/s^3], times [ms], speeds [m/s], margins [mm, mrad, mm/s] from its beginning on."""
    begins, first = outage.begins, max(outage.begins - _SETTLED_ROWS, 0)
    q, reference = listener.joints(), listener.reference()
    q, reference = q[: outage.ends], reference[: outage.ends]
    stands_ms = rest_ms(q[begins:])
    is_told = outage.is_over and outage.told_ms is not None and outage.told_ms <= NOTICE_BAR_MS
    return {
        "speed_m_s": float(tool_speeds(q[begins - 10 : begins]).max()),
        "rad_s2": acceleration(q[begins - 2 :]),
        "rad_s3": jerk(reference[begins - 3 :]),
        "measured_rad_s3": jerk(low_passed(q[first:])[begins - first - 3 :]),
        **_speeds_after(q, listener.times_ns(), outage),
        "margins": margins(q[begins - 1 :], session),
        "rest_ms": stands_ms,
        "held_ms": None,
        "counted_ms": outage.told_ms if outage.is_over else None,
        "noticed": is_told or (stands_ms is not None and stands_ms <= REST_BAR_MS),
    }


def _speeds_after(q: Array, times_ns: Sequence[int], outage: Outage) -> dict[str, float]:
    """The fastest body while the page showed an approach, once slow; without one that of the tool after resuming."""
    speeds, tool = fastest_bodies(q[outage.resumes :]), tool_speeds(q[outage.resumes :])
    if outage.approach_ns is None:
        stood = bool((fastest_bodies(q[outage.begins : outage.resumes + _SOON_ROWS]) < STANDS_M_S).any())
        return {"approach_m_s": 0.0, "catch_up_m_s": 0.0 if stood else float(tool.max(initial=0.0))}
    times = np.array(times_ns[outage.resumes : outage.resumes + len(speeds)])
    shown = (times >= outage.approach_ns[0]) & (times < outage.approach_ns[1] - _SHOWN_LATE_NS)
    slow = np.flatnonzero(speeds <= REDUCED_SPEED_M_S)
    shown[: slow[0] if len(slow) else len(speeds)] = False
    return {"approach_m_s": float(speeds[shown].max(initial=0.0)), "catch_up_m_s": 0.0}
