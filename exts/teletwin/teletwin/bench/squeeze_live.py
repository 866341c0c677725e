"""The squeeze in a live session: every role a process, the network imitated, software GL and x264 at work."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from teletwin.bench.squeeze import END_S, PHASES, Moment, SqueezeTrace
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.session.carried_rate import paced
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles, local_session
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.role_operator import OperatorProcess
from teletwin.session.warm import warm_up
from teletwin.view.server_messages import PageEvent
from teletwin.view.viewer import HeadlessViewer

_WARM_S = 4.0
"""Clocks meet and the arm engages before the first phase."""
_STEP_S = 0.05


def squeeze_live(session: SessionCfg, *, allocator: str) -> SqueezeTrace:
    """One run under an allocator ('off' for none): this process is the operator, the other roles are processes."""
    allocation = replace(session.allocation, allocator=allocator, bandwidth_mbps=PHASES[0].bandwidth_mbps)
    session = paced(replace(session, allocation=allocation), SystemClock())
    warm_up(lambda _: None, forecaster=session.forecaster, policy=session.horizon.policy)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="teletwin-squeeze-"))
        cfg = RoleCfg(
            role="operator",
            session=session,
            page=PageCfg(port=0),
            engage=True,
            duration_s=_WARM_S + END_S + 0.2,
            report=str(Path(folder) / "report.json"),
        )
        roles = stack.enter_context(Roles())
        settings = local_session(cfg)
        for name in ("twin", "renderer", "arm"):
            roles.start(settings[name])
        process = OperatorProcess(settings["operator"], stack)
        roles.wait_ready()
        stack.enter_context(HeadlessViewer(process.server.url, process.clock, lambda _: None, drives=True))
        return _watched(process, allocator)


def _watched(process: OperatorProcess, allocator: str) -> SqueezeTrace:
    trace, stop = SqueezeTrace(allocator=allocator), threading.Event()
    start_ns = process.clock.now_ns() + int(_WARM_S * NS_PER_S)
    display = process.metrics.display

    def since_s(t_ns: int) -> float:
        return (t_ns - start_ns) / NS_PER_S

    display.on_effective = lambda t_ns, late_ms: trace.effective.append((since_s(t_ns), late_ms))
    watcher = threading.Thread(target=_watch, args=(process, trace, start_ns, stop), daemon=True)
    watcher.start()
    try:
        process.run(threading.Event())
    finally:
        stop.set()
        watcher.join()
    trace.effective = [(t_s, late_ms) for t_s, late_ms in trace.effective if 0.0 <= t_s <= END_S]
    gate = process.loop.gate
    trace.counters |= {"frames_lost": gate.lost_count, "frames_drawn": display.drawn_count}
    return trace


def _watch(process: OperatorProcess, trace: SqueezeTrace, start_ns: int, stop: threading.Event) -> None:
    """Squeeze as a page would at each phase's time, and note what is in force meanwhile."""
    clock, waiting = SystemClock(), list(PHASES)
    while not stop.wait(_STEP_S):
        now_ns = clock.now_ns()
        t_s = (now_ns - start_ns) / NS_PER_S
        if waiting and t_s >= waiting[0].at_s:
            phase = waiting.pop(0)
            values = {"bandwidth_mbps": phase.bandwidth_mbps, "compute_share": phase.compute_share}
            said = {"name": "squeeze", "values": values}
            event = PageEvent(kind="settings", viewer=0, t_ns=now_ns, received_ns=now_ns, values=said)
            process.desk.put(event)
        if 0.0 <= t_s < END_S:
            _note(process, trace, t_s)


def _note(process: OperatorProcess, trace: SqueezeTrace, t_s: float) -> None:
    state = process.loop.state
    trace.moments.append(Moment(t_s=t_s, queue_ms=process.link.shared_wait_ms(), row=dict(state.allocation)))
    if state.status is not None:
        trace.ticks.append((t_s, state.status.tick_count, state.status.overrun_count))
