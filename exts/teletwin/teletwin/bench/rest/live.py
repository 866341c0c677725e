"""Live sessions whose roles are suspended or killed while the arm moves; the controller's reports are the judge."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from teletwin.bench.rest.cases import ROLES
from teletwin.bench.rest.judge import margins, peaks, tool_speed
from teletwin.bench.rest.listener import ControllerListener
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.robot.ur3e import WorkspaceLimits
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles, local_session
from teletwin.session.role_cfg import PageCfg, RoleCfg

AWAY_S = (0.05, 0.3, 2.0)
"""How long roles are suspended [s]; they are killed once more each."""
_WARM_S, _AFTER_S, _LOOK_S, _WAIT_S = 4.0, 1.2, 0.004, 8.0
_FAST_M_S = 0.25
"""The tool is this fast at least when something happens: the hand that ships seldom is faster."""
_STANDS_M_S = 0.002


def run_live(
    *, times: int, controller_host: str = "127.0.0.1", tell: Callable[[int], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Suspend each role for each of AWAY_S, and kill it, `times` times, each in a session of its own."""
    results: list[dict[str, Any]] = []
    for number in range(times):
        for role in ROLES:
            for away_s in (*AWAY_S, None):
                results.append(_run(number, role, away_s, controller_host))
                tell(len(results))
    return results


def _run(number: int, role: str, away_s: float | None, host: str) -> dict[str, Any]:
    """One session: None kills."""
    clock = SystemClock()
    with _session(number, host) as roles, ControllerListener(host, clock) as listener:
        _sleep(clock, _WARM_S)
        speed_m_s = _await_speed(listener, clock)
        process, begins, t_ns = roles.running[role].process, listener.count, clock.now_ns()
        process.send_signal(signal.SIGKILL if away_s is None else signal.SIGSTOP)
        _sleep(clock, 1.0 if away_s is None else away_s)
        resumes = listener.count
        if away_s is not None:
            process.send_signal(signal.SIGCONT)
            _sleep(clock, _AFTER_S)
        q = listener.joints(begins - 2)
        return {
            "cause": f"{role} {'killed' if away_s is None else f'suspended {away_s:g} s'}",
            "border": "",
            "seed": number,
            "lasts_s": away_s,
            "speed_m_s": speed_m_s,
            **peaks(q),
            "held_ms": _rest_ms(listener, begins, t_ns),
            "counted_ms": None,
            "after_m_s": tool_speed(listener.joints(resumes)) if away_s is not None else 0.0,
            "margins": margins(q, height_m=WorkspaceLimits().height_min_m),
        }


@contextlib.contextmanager
def _session(number: int, host: str) -> Iterator[Roles]:
    """Every role a direct child of this process, engaged."""
    with tempfile.TemporaryDirectory(prefix="teletwin-rest-") as folder, Roles() as roles:
        cfg = RoleCfg(
            role="operator",
            session=SessionCfg(seed=number),
            controller_host=host,
            page=PageCfg(port=0),
            headless=True,
            engage=True,
            record=str(Path(folder) / "run.mcap"),
        )
        roles.start(dataclasses.replace(cfg, role="controller"))
        roles.wait_ready()
        for each in local_session(cfg).values():
            roles.start(each)
        roles.wait_ready()
        yield roles


def _await_speed(listener: ControllerListener, clock: SystemClock) -> float:
    """Wait until the tool is fast; its speed [m/s]."""
    end_ns = clock.now_ns() + int(_WAIT_S * NS_PER_S)
    while True:
        speed_m_s = tool_speed(listener.joints(max(listener.count - 10, 0)))
        if speed_m_s > _FAST_M_S or clock.now_ns() > end_ns:
            return speed_m_s
        _sleep(clock, _LOOK_S)


def _rest_ms(listener: ControllerListener, begins: int, t_ns: int) -> float | None:
    """From the signal until the tool stands [ms]; None where it did not come to rest."""
    q, times_ns = listener.joints(begins), listener.times_ns(begins)
    for k in range(5, len(q), 5):
        if tool_speed(q[k - 5 : k + 1]) < _STANDS_M_S:
            return (times_ns[k] - t_ns) / 1e6
    return None


def _sleep(clock: SystemClock, seconds: float) -> None:
    clock.sleep_until(clock.now_ns() + round(seconds * NS_PER_S))
