"""The arm role's process: set-points to the UR controller at the servo rate."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from teletwin.arm import ClearableArm
from teletwin.clock import NS_PER_S
from teletwin.link import RoleLink
from teletwin.messages import Note
from teletwin.session.audit import role_audit
from teletwin.session.build import build_arm, build_arm_loop
from teletwin.session.log import Recorder, obey_record
from teletwin.session.realtime import ARM_PRIORITY, punctual, run_ticks, shared_with_threads
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.wiring import apply_link_note, open_link
from teletwin.telemetry import TickStats

_TOLD = 64
"""Characters of a fault by which a person's word about it is known; the wire cuts long ones."""


def run(cfg: RoleCfg, *, stop: threading.Event, on_ready: Callable[[str], None]) -> None:
    """Run until stop."""
    clock = cfg.clock()
    period_ns = int(NS_PER_S / cfg.session.servo_rate_hz)
    ticks = TickStats()
    with contextlib.ExitStack() as stack:
        audit = stack.enter_context(role_audit(cfg, clock))  # first: it outlives what it tells of
        link = stack.enter_context(open_link(cfg, clock))
        arm = build_arm(cfg.session, controller_host=cfg.controller_host, clock=clock)
        with shared_with_threads(priority=ARM_PRIORITY):  # its reports come by threads of their own
            stack.enter_context(arm)
        recorder = stack.enter_context(Recorder(cfg, clock))
        loop = build_arm_loop(cfg.session, clock=clock, link=link, arm=arm, ticks=ticks, log=recorder, audit=audit)
        loop.on_note = lambda note: _obey(link, arm, recorder, note)
        on_ready("")
        with punctual(priority=ARM_PRIORITY):
            try:
                run_ticks(loop.tick, clock=clock, period_ns=period_ns, stop=stop)
            finally:  # told to end, or by an error of our own
                loop.bring_to_rest()


def _obey(link: RoleLink, arm: ClearableArm, recorder: Recorder, note: Note) -> None:
    """Do what the operator asks of every role."""
    if note.kind == "link":
        apply_link_note(link, "arm", note)
    elif note.kind == "clear":
        if str(note.values.get("fault", ""))[:_TOLD] == arm.state().fault[:_TOLD]:  # else it is about an earlier stop
            arm.clear_fault()
    elif note.kind == "record":
        obey_record(recorder, note)
