"""The twin role's process: the control function at its rate; the renderer is told and never waited for."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable

from teletwin.clock import NS_PER_S
from teletwin.link import Received, RoleLink
from teletwin.messages import ArmState, ForecastPacket, Note
from teletwin.session.audit import role_audit
from teletwin.session.build import build_control
from teletwin.session.in_force import in_force_of
from teletwin.session.log import Recorder, obey_record
from teletwin.session.realtime import TWIN_PRIORITY, punctual, run_ticks
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.twin import TwinLoop
from teletwin.session.wiring import apply_link_note, open_link
from teletwin.telemetry import TickStats


def run(cfg: RoleCfg, *, stop: threading.Event, on_ready: Callable[[str], None]) -> None:
    """Run until stop."""
    clock = cfg.clock()
    control = build_control(cfg.session)
    period_ns = int(NS_PER_S / cfg.session.control_rate_hz)
    ticks = TickStats()
    with contextlib.ExitStack() as stack:
        audit = stack.enter_context(role_audit(cfg, clock))  # first: it outlives what it tells of
        link = stack.enter_context(open_link(cfg, clock))
        recorder = stack.enter_context(Recorder(cfg, clock))
        keeps = in_force_of("twin", cfg.session)
        loop = TwinLoop(
            clock=clock,
            link=link,
            control=control,
            ticks=ticks,
            forward=lambda item: _pass_on(link, recorder, item),
            counters=link.counters,
            in_force=lambda limits: dataclasses.replace(keeps(limits), problem=link.peer_problem("arm")),
            audit=audit,
            on_message=recorder,
        )
        on_ready("")
        with punctual(priority=TWIN_PRIORITY):
            run_ticks(loop.tick, clock=clock, period_ns=period_ns, stop=stop)


def _pass_on(link: RoleLink, recorder: Recorder, item: Received) -> None:
    """Packets and arm states to the renderer as they came; notes to whom they concern."""
    note = item.message
    if isinstance(note, ForecastPacket | ArmState):
        link.forward("renderer", item.raw)
    if not isinstance(note, Note) or item.peer != "operator":
        return
    if note.kind == "link":
        apply_link_note(link, "twin", note)
    elif note.kind == "record":
        obey_record(recorder, note)
    link.send_reliable("arm", note)
