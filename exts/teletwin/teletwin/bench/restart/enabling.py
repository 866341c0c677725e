"""An enabling input that is lost while the arm moves: how long after its last heartbeat the arm brakes, and stands."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from teletwin.bench.faults.plan import HOPS
from teletwin.bench.restart.run import NETWORK
from teletwin.clock import NS_PER_MS
from teletwin.safety import SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

CAUSES = ("let go", "page hangs or is gone", "operator killed", "uplink pulled", "command link pulled", "twin killed")
_BEFORE_S, _AFTER_S, _BEAT_MS = 1.2, 0.8, 16
_STANDS_RAD_S = 1e-3


def run_loss(cause: str, seed: int) -> dict[str, Any]:
    """Lose the input at a moment that the seed draws; times from the last heartbeat's arrival at the arm [ms]."""
    network: dict[str, Any] = dataclasses.asdict(NETWORK)
    session = SessionCfg(network=NetworkCfg(**network), seed=seed, hand="write", enabling=True)
    virtual = VirtualSession(session, renders=False)
    beats = _Beats(virtual)
    virtual.run(0.3)
    beats.go_on(_BEFORE_S + float(np.random.default_rng(seed).uniform(0.0, 0.5)))
    was_engaged = virtual.arm.state is SafetyState.ENGAGED
    _lose(virtual, cause)
    brakes_ns = stands_ns = 0
    for _ in range(int(1000 * _AFTER_S)):
        beats.pass_ms(beats_on=cause.endswith(("killed", "pulled")) and cause != "operator killed")
        now_ns = virtual.clock.now_ns()
        if not brakes_ns and virtual.arm.state is not SafetyState.ENGAGED:
            brakes_ns = now_ns
        moves = np.abs(virtual.physical.state().qd).max() > _STANDS_RAD_S
        stands_ns = 0 if moves else stands_ns or now_ns
    return {
        "cause": cause,
        "seed": seed,
        "was_engaged": was_engaged,
        "brakes_ms": (brakes_ns - beats.arrived_ns) / NS_PER_MS if brakes_ns else float("inf"),
        "stands_ms": (stands_ns - beats.arrived_ns) / NS_PER_MS if stands_ns else float("inf"),
    }


class _Beats:
    """Heartbeats of a person who holds the input, and when the newest came to the arm."""

    def __init__(self, virtual: VirtualSession) -> None:
        self._virtual, self._seq, self._ms = virtual, 0, 0
        self.arrived_ns, newest = 0, 0
        hear = virtual.arm.commands.enabling.hear

        def noted(seq: int, now_ns: int) -> None:
            nonlocal newest
            if seq > newest:
                newest, self.arrived_ns = seq, virtual.clock.now_ns()
            hear(seq, now_ns)

        virtual.arm.commands.enabling.hear = noted  # type: ignore[method-assign]

    def go_on(self, seconds: float) -> None:
        """The input is held for so long [s]."""
        for _ in range(int(1000 * seconds)):
            self.pass_ms(beats_on=True)

    def pass_ms(self, *, beats_on: bool) -> None:
        """A millisecond, with a heartbeat when one is due."""
        self._ms += 1
        if beats_on and self._ms % _BEAT_MS == 0:
            self._seq += 1
            self._virtual.operator.state.intent.enable(self._seq, is_held=True)
        self._virtual.advance(1e-3)


def _lose(virtual: VirtualSession, cause: str) -> None:
    if cause == "let go":
        virtual.operator.state.intent.enable(0, is_held=False)
    elif cause.endswith("killed"):
        virtual.suspended.add(cause.split()[0])
    elif cause.endswith("pulled"):
        for receiver, sender in HOPS["up" if cause.startswith("uplink") else "command"]:
            virtual.links[receiver].set_link(sender, dataclasses.replace(NETWORK, loss=1.0))
