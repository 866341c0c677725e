"""The same session on the virtual clock, in this process: no rights, no waiting, bit for bit repeatable."""

from __future__ import annotations

import dataclasses
from typing import Any

from teletwin.bench.three_hosts.changes import NetworkScript
from teletwin.bench.three_hosts.hops import Hops
from teletwin.session.config import SessionCfg
from teletwin.session.report import session_results
from teletwin.session.virtual import VirtualSession
from teletwin.session.wiring import INCOMING


def measure_virtual(
    session: SessionCfg,
    hops: Hops,
    *,
    seconds: float,
    script: NetworkScript | None = None,
    lies: dict[str, tuple[float, float]] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """What the operator's report would hold after so long [s] on this network.

    Args:
        session: The settings; its own network is not used.
        hops: The network to imitate.
        seconds: Virtual time [s].
        script: Changes over time.
        lies: Host to offset [ms] and drift [ppm] of its clock.
        seed: Seed of the network.
    """
    script = script or NetworkScript()
    lies = lies or {}
    clocks = lies | ({"renderer": lies["twin"]} if "twin" in lies else {})
    virtual = VirtualSession(
        dataclasses.replace(session, seed=seed),
        clock_offsets_ms={role: offset_ms for role, (offset_ms, _) in clocks.items()},
        clock_drifts_ppm={role: drift_ppm for role, (_, drift_ppm) in clocks.items()},
    )
    t_s = 0.0
    while t_s < seconds:
        _apply(virtual, script.settings(t_s, hops))
        next_s = min(script.next_change_s(t_s), seconds)
        virtual.run(next_s - t_s)
        t_s = next_s
    operator = virtual.operator
    return session_results(
        virtual.metrics,
        duration_s=seconds,
        status=operator.state.status,
        gate=operator.gate,
        counters=virtual.links["operator"].counters(),
    )


def _apply(virtual: VirtualSession, hops: Hops) -> None:
    for role, ways in INCOMING.items():
        for peer, hop in ways.items():
            virtual.links[role].set_link(peer, hops[hop])
