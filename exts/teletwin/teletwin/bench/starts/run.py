"""Starts the demo as a person would, without a browser; its audit logs and its report are the judge."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teletwin.bench.busy import busy_processes
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.listening import host_and_port
from teletwin.recording.audit_chain import read_line
from teletwin.session.audit import role_file
from teletwin.session.realtime import punctual

_DEMO = "import sys; from teletwin.cli import main; sys.exit(main(sys.argv[1:]))"
_RTDE_PORT = 30004
_STARTS_MOST_S, _ENDS_MOST_S = 180.0, 60.0
"""A start that takes longer is given up, as is an end."""
_LATE_S = 3.0
"""The session goes on so much longer than what is judged: its time counts from its own start, not from engaging [s]."""
_STEP_S = 0.1
_PRIORITY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What became of one start."""

    engaged_s: float | None
    """From the command to the arm that follows [s]; None: it never did."""
    fault_count: int
    """Faults in the time that was judged, and before it."""
    faults: tuple[str, ...] = ()
    """In words, of any role."""
    held_count: int = 0
    """Times that the arm stopped following in the time that was judged."""
    resumed_count: int = 0
    """Outages that were this computer's own and were gone on from without a press."""
    twin_late_percent: float | None = None
    """Ticks that started more than 2 ms late [%]."""
    arm_late_percent: float | None = None
    picture_hz: float | None = None
    why: str = ""
    """Its last line, where it did not end well."""


def run_starts(
    times: int,
    *,
    busy: int,
    seconds: float,
    controller_host: str = "127.0.0.1",
    tell: Callable[[int, Start], None] = lambda _, __: None,
) -> list[Start]:
    """Start the demo so often beside busy processes; judge `seconds` [s] from engaging on."""
    starts: list[Start] = []
    with busy_processes(busy):
        for number in range(1, times + 1):
            with tempfile.TemporaryDirectory(prefix="teletwin-starts-") as folder:
                starts.append(_start(Path(folder), seconds=seconds, host=controller_host))
            tell(number, starts[-1])
    return starts


def fifo_granted() -> bool:
    """Whether real-time scheduling is permitted here."""
    with punctual(priority=_PRIORITY) as granted:
        return granted


def _start(folder: Path, *, seconds: float, host: str) -> Start:
    """One start, to its end."""
    clock, audit, report, said = SystemClock(), folder / "demo.jsonl", folder / "demo.json", folder / "said.txt"
    began_ns = clock.now_ns()
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _DEMO, *_arguments(audit, report, seconds=seconds, host=host)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(),
        )
    try:
        end_ns = began_ns + int((_STARTS_MOST_S + seconds + _ENDS_MOST_S) * NS_PER_S)
        while process.poll() is None and clock.now_ns() < end_ns:
            if report.exists() and not _is_listening(host):
                break  # all roles have ended; pictures of the report are not waited for
            clock.sleep_until(clock.now_ns() + int(_STEP_S * NS_PER_S))
        failed = process.poll() not in (None, 0)
    finally:
        process.kill()
        process.wait()
        _await_end(host, clock)
    results = json.loads(report.read_text())["results"] if report.exists() else None
    lines = said.read_text(errors="replace").strip().splitlines()
    return judge(_states(audit), results, began_ns=began_ns, seconds=seconds, why=lines[-1] if failed and lines else "")


def _arguments(audit: Path, report: Path, *, seconds: float, host: str) -> list[str]:
    words = {
        "--duration": seconds + _LATE_S,
        "--port": 0,
        "--robot": "rtde",
        "--controller-host": host,
        "--audit-log": audit,
        "--report": report,
        "--delay-ms": 0,
        "--jitter-ms": 0,
    }
    return ["demo", "--headless", *(str(each) for pair in words.items() for each in pair)]


def _environment() -> dict[str, str]:
    """With this very package in front."""
    here = str(Path(__file__).resolve().parents[3])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))}


def _is_listening(host: str) -> bool:
    """Whether the virtual controller, the last to end, is there."""
    with contextlib.suppress(OSError), socket.create_connection((host, _RTDE_PORT), timeout=1.0):
        return True
    return False


def _await_end(host: str, clock: SystemClock) -> None:
    """Roles end within seconds of their launcher; the next start needs their ports."""
    end_ns = clock.now_ns() + int(_ENDS_MOST_S * NS_PER_S)
    while _is_listening(host):
        if clock.now_ns() > end_ns:
            raise TimeoutError(f"the controller at {host_and_port(host, _RTDE_PORT)} does not end")
        clock.sleep_until(clock.now_ns() + int(_STEP_S * NS_PER_S))


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state by a role's audit log."""

    t_ns: int
    role: str
    before: str
    after: str
    why: str


def _states(audit: Path) -> Iterator[Change]:
    for role in ("operator", "twin", "arm"):
        path = role_file(audit, role)
        for raw in path.read_bytes().splitlines() if path.exists() else ():
            line = read_line(raw)
            if line.kind == "state":
                values = line.values
                yield Change(
                    line.t_ns, role, str(values["before"]), str(values["after"]), str(values.get("outage", ""))
                )


def judge(
    changes: Iterator[Change] | Sequence[Change],
    results: dict[str, Any] | None,
    *,
    began_ns: int,
    seconds: float,
    why: str = "",
) -> Start:
    """What a start was worth, by the changes of state and by the session's report, where there is one."""
    known = sorted(changes, key=lambda each: each.t_ns)
    engaged = [each.t_ns for each in known if each.role == "arm" and each.after == "engaged"]
    until_ns = (engaged[0] if engaged else began_ns + int(_STARTS_MOST_S * NS_PER_S)) + int(seconds * NS_PER_S)
    judged = [each for each in known if each.t_ns <= until_ns]
    faults = [each for each in judged if each.after == "fault"]
    values: dict[str, Any] = results or {}
    return Start(
        engaged_s=(engaged[0] - began_ns) / NS_PER_S if engaged else None,
        fault_count=len([each for each in faults if each.role == "arm"]) or len(faults),
        faults=tuple(dict.fromkeys(each.why for each in faults)),
        held_count=sum(each.role == "arm" and each.before == "engaged" for each in judged),
        resumed_count=int(values.get("busy_computer", {}).get("resumed_count", 0)),
        twin_late_percent=_late_percent(values.get("control_loop")),
        arm_late_percent=_late_percent(values.get("arm_loop")),
        picture_hz=values.get("frame_rate_hz"),
        why=why,
    )


def _late_percent(loop: dict[str, Any] | None) -> float | None:
    if not loop or not loop["tick_count"]:
        return None
    return 100.0 * loop["overrun_count"] / loop["tick_count"]
