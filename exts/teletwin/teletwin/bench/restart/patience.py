"""A long session on a bad but working network: how often it stops although nothing has failed."""

from __future__ import annotations

from typing import Any

from teletwin.messages import Mode
from teletwin.safety import SafetyState
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

NETWORKS = {
    "60 ± 10 ms, 2 % loss": NetworkCfg(delay_ms=60.0, jitter_ms=10.0, loss=0.02),
    "300 ms each way": NetworkCfg(delay_ms=300.0),
}
_BEFORE_S, _STEP_S = 3.0, 1.0


def run_patience(name: str, *, seconds: float, seed: int = 0) -> dict[str, Any]:
    """Follow a hand for so long [s]; outages and holds that nothing explains."""
    virtual = VirtualSession(SessionCfg(network=NETWORKS[name], seed=seed), renders=False)
    virtual.run(_BEFORE_S)
    was_engaged = virtual.arm.state is SafetyState.ENGAGED
    held_count = virtual.arm.held_count
    withdrawn = 0
    for _ in range(int(seconds / _STEP_S)):
        virtual.advance(_STEP_S)
        if virtual.operator.state.mode is not Mode.ENGAGED:
            withdrawn += 1
            virtual.run(_BEFORE_S)
    return {
        "name": name,
        "seconds": seconds,
        "was_engaged": was_engaged,
        "false_stops": withdrawn,
        "holds": virtual.arm.held_count - held_count,
    }
