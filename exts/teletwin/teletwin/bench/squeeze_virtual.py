"""The squeeze on the virtual clock: seeded, repeatable, faster than it would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from teletwin.bench.squeeze import END_S, PHASES, Moment, Phase, SqueezeTrace
from teletwin.clock import NS_PER_S
from teletwin.messages import Note
from teletwin.session.config import SessionCfg
from teletwin.session.virtual import VirtualSession
from teletwin.session.virtual_picture import CostedPicture

_STEP_S = 0.05


def squeeze_virtual(session: SessionCfg, *, allocator: str, phases: Sequence[Phase] = PHASES) -> SqueezeTrace:
    """One run under an allocator ('off' for none); with fewer phases it ends where the next would begin."""
    first = phases[0]
    starts_s = [phase.at_s for phase in PHASES] + [END_S]
    allocation = replace(session.allocation, allocator=allocator, bandwidth_mbps=first.bandwidth_mbps)
    session = replace(session, allocation=allocation)
    virtual = VirtualSession(session, picture=CostedPicture(session.picture(), seed=session.seed))
    trace = SqueezeTrace(allocator=allocator, seconds=starts_s[len(phases)])
    start_ns = virtual.clock.now_ns()

    def since_s(t_ns: int) -> float:
        return (t_ns - start_ns) / NS_PER_S

    display = virtual.metrics.display
    display.on_effective = lambda t_ns, late_ms: trace.effective.append((since_s(t_ns), late_ms))
    for number, phase in enumerate(phases):
        if number:
            values: dict[str, object] = {"bandwidth_mbps": phase.bandwidth_mbps, "compute_share": phase.compute_share}
            virtual.ask(Note(kind="squeeze", values=values))
        while since_s(virtual.clock.now_ns()) < starts_s[number + 1] - 1e-9:
            virtual.run(_STEP_S)
            _note(trace, virtual, since_s(virtual.clock.now_ns()))
    trace.counters |= {"frames_lost": virtual.operator.gate.lost_count, "frames_drawn": display.drawn_count}
    return trace


def _note(trace: SqueezeTrace, virtual: VirtualSession, t_s: float) -> None:
    row = dict(virtual.operator.state.allocation)
    trace.moments.append(Moment(t_s=t_s, queue_ms=virtual.links["operator"].shared_wait_ms(), row=row))
    ticks = virtual.twin.ticks
    trace.ticks.append((t_s, ticks.tick_count, ticks.overrun_count))
