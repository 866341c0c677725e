"""One run on the virtual clock: engaged, the outages, a while in which nobody presses anything, then a fresh act."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from teletwin.bench.faults.plan import HOPS
from teletwin.bench.restart.cases import Case, Outage
from teletwin.bench.restart.page import PageClaims
from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.messages import LinkSettings, Note
from teletwin.safety import RESTART_AFTER_MS, SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

NETWORK = LinkSettings(delay_ms=30.0, jitter_ms=5.0)
_BEFORE_S, _AFTER_S, _ENGAGED_S, _STEP_S = 1.5, 2.0, 1.5, 0.01
_CLEARED_S = 0.5
_STANDS_S = 0.8
"""So long after a long outage begins the arm stands: the operator's 400 ms, the ways, braking."""
_SURE_S = 0.06
"""Lengths this near to `restart_after_ms` may be either: the ways add to what a host sees."""


def run_case(case: Case) -> dict[str, Any]:
    """Run it: what moved unasked [rad], what the page said wrongly [ms], and whether a fresh act moved the arm."""
    network: dict[str, Any] = dataclasses.asdict(NETWORK)
    virtual = VirtualSession(SessionCfg(network=NetworkCfg(**network), seed=case.seed, hand="write"), renders=False)
    virtual.run(_BEFORE_S)
    was_engaged = virtual.arm.state is SafetyState.ENGAGED
    claims = PageClaims(virtual)
    unasked_rad = _unasked_rad(virtual, case, claims)
    follows = virtual.arm.state is SafetyState.ENGAGED
    asks = virtual.operator.state.intent.outage
    virtual.ask(Note(kind="clear"))  # the controller's own watchdog may have ended its program
    virtual.advance(_CLEARED_S)
    virtual.run(_ENGAGED_S)
    return {
        "name": case.name,
        "kind": kind_of(case),
        "was_engaged": was_engaged,
        "follows": follows,
        "unasked_rad": unasked_rad,
        "asks": asks,
        "claimed_ms": claims.longest_ms,
        "moves_after_act": virtual.arm.state is SafetyState.ENGAGED,
    }


def kind_of(case: Case) -> str:
    """'long': motion needs an act. 'short': it goes on by itself. 'between': either is right."""
    limit_s = 1e-3 * RESTART_AFTER_MS
    if any(_is_long(outage) for outage in case.outages):
        return "long"
    first, last = min(o.starts_s for o in case.outages), max(o.ends_s for o in case.outages)
    return "short" if last - first < limit_s - _SURE_S or _are_apart(case.outages) else "between"


def _are_apart(outages: tuple[Outage, ...]) -> bool:
    """Whether each is over, and heard of, before the next begins."""
    ordered = sorted(outages, key=lambda outage: outage.starts_s)
    return all(b.starts_s - a.ends_s > 2.0 * _SURE_S for a, b in itertools.pairwise(ordered))


def _is_long(outage: Outage) -> bool:
    return outage.event.endswith("restarted") or outage.lasts_s > 1e-3 * RESTART_AFTER_MS + _SURE_S


def _unasked_rad(virtual: VirtualSession, case: Case, claims: PageClaims) -> float:
    """How far a joint moved after the arm had to stand, until long after the last outage [rad]."""
    start_ns = virtual.clock.now_ns()
    long = [outage.starts_s for outage in case.outages if _is_long(outage)]
    stands_s = min(long) + _STANDS_S if long else float("inf")
    joints: list[Array] = []
    for now_s in _instants(case, virtual, start_ns):
        claims.look()
        if now_s >= stands_s:
            joints.append(virtual.physical.state().q)
    return float(np.ptp(joints, axis=0).max()) if len(joints) > 1 else 0.0


def _instants(case: Case, virtual: VirtualSession, start_ns: int) -> Iterator[float]:
    """Times from the first outage on [s], each change made when it is due."""
    changes = sorted(
        [(o.starts_s, False, o) for o in case.outages] + [(o.ends_s, True, o) for o in case.outages],
        key=lambda change: change[:2],
    )
    end_s = max(outage.ends_s for outage in case.outages) + _AFTER_S
    now_s = 0.0
    while now_s < end_s:
        while changes and changes[0][0] <= now_s + 1e-9:
            at_s, ends, outage = changes.pop(0)
            if not (ends and _goes_on(case, outage, at_s)):
                _change(virtual, outage, ends=ends)
        virtual.advance(_STEP_S)
        now_s = (virtual.clock.now_ns() - start_ns) / NS_PER_S
        yield now_s


def _goes_on(case: Case, ended: Outage, at_s: float) -> bool:
    """Whether another outage of the same kind lasts beyond the end of this one."""
    others = (outage for outage in case.outages if outage is not ended and outage.event == ended.event)
    return any(outage.starts_s <= at_s < outage.ends_s for outage in others)


def _change(virtual: VirtualSession, outage: Outage, *, ends: bool) -> None:
    """A hop falls silent or is heard again; a role stands still, goes on, or is another process."""
    name, what = outage.event.split()
    if what == "silent":
        for receiver, sender in HOPS[name]:
            settings = NETWORK if ends else dataclasses.replace(NETWORK, loss=1.0)
            virtual.links[receiver].set_link(sender, settings)
    elif not ends:
        virtual.suspended.add(name)
    else:
        if what == "restarted":
            virtual.restart(name)
        virtual.suspended.discard(name)
