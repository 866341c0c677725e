"""`teletwin doctor`: what this machine has and lacks for the demo, each with the mend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from teletwin.cli import doctor_checks as checks
from teletwin.cli.doctor_checks import Check, State
from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.report import build_report, write_report

ROBOT_PORTS = {30004: "RTDE", 30003: "real-time client", 30002: "secondary client", 29999: "dashboard"}
"""Ports of the virtual UR3e; they are those of a real one."""


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """Options of `teletwin doctor`."""

    host: str = "127.0.0.1"
    """Address of the page."""
    port: int = 8765
    """Port of the page."""
    controller_host: str = "127.0.0.1"
    """Loopback address of the virtual UR3e controller."""
    report: str = ""
    """Write what was found to this JSON file."""


def main(arguments: list[str]) -> int:
    """Look at this machine; return 0 only when the demo can run here."""
    options = read_options(DoctorOptions, arguments, command="doctor", description=__doc__ or "")
    return run_doctor(
        host=options.host, port=options.port, robot_host=options.controller_host, report=options.report or None
    )


def run_doctor(
    *, host: str = "127.0.0.1", port: int = 8765, robot_host: str = "127.0.0.1", report: str | Path | None = None
) -> int:
    """Look at everything, print a table, write the report; 0 only when the demo can run here."""
    found = list(all_checks(host=host, port=port, robot_host=robot_host))
    ready = not any(each.state is State.MISSING for each in found)
    _print(found, ready=ready)
    if report is not None:
        write_report(_document(found, ready=ready, settings={"host": host, "port": port}), report)
    return 0 if ready else 1


def all_checks(*, host: str, port: int, robot_host: str) -> Iterator[Check]:
    """Every check in the order of the table."""
    return chain(
        checks.check_python(),
        checks.check_packages(),
        checks.check_assets(),
        checks.check_rendering(),
        checks.check_encoder(),
        checks.check_ports(host, {port: "page"}),
        checks.check_ports(robot_host, ROBOT_PORTS),
        checks.check_cores(),
        checks.check_realtime(),
        checks.check_kernel_cache(),
        checks.check_browser(),
        checks.check_extras(),
        checks.check_optional(),
    )


def _document(found: Sequence[Check], *, ready: bool, settings: dict[str, object]) -> dict[str, object]:
    listed = [{"name": each.name, "state": each.state.value, "found": each.found, "mend": each.mend} for each in found]
    now = utc_text()
    results = {"ready": ready, "checks": listed}
    return build_report("doctor", results=results, configuration=settings, seed=None, created_utc=now)


def _print(found: Sequence[Check], *, ready: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from teletwin.report.text_table import terminal

    table = Table(box=None, pad_edge=False, show_header=False)
    colour = {State.OK: "green", State.NOTE: "yellow", State.MISSING: "bold red"}
    for each in found:
        told = Text(each.found).append(f"\n→ {each.mend}" if each.mend else "", style="dim")
        table.add_row(Text(each.state.value, style=colour[each.state]), each.name, told)
    console = terminal()
    console.print(table)
    console.print("\nready: teletwin demo" if ready else "\nnot ready: mend what is marked 'missing'")
