"""`teletwin demo`: the whole loop on this machine."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from teletwin.allocation import check_allocator
from teletwin.cli.files import check_files
from teletwin.cli.options import read_options
from teletwin.clock import SystemClock
from teletwin.errors import ConfigError
from teletwin.session.audit import audit_path
from teletwin.session.carried_rate import paced
from teletwin.session.config import DRAWN, HOPS, NetworkCfg, SessionCfg
from teletwin.session.launch import INTERRUPTED, Roles, start_control, wait_for_pictures
from teletwin.session.page_cfg import PageCfg, page_tokens
from teletwin.session.parts import check_parts
from teletwin.session.person import check_person
from teletwin.session.policies import check_policy
from teletwin.session.realtime import hurried
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.warm import warm_up

_AWAY = NetworkCfg(delay_ms=60.0, jitter_ms=10.0)
"""A virtual arm stands as far away as another country: there is something to see. A real one has its own network."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """Options of `teletwin demo`."""

    session: SessionCfg = field(default_factory=lambda: SessionCfg(network=_AWAY, view=DRAWN))
    page: PageCfg = field(default_factory=PageCfg)
    headless: bool = False
    """No browser: a protocol viewer decodes the pictures."""
    duration: float = 0.0
    """End so long after the arm was first heard [s]; 0 runs until Ctrl-C."""
    report: str = ""
    """Write what was measured to this JSON file."""
    record: str = ""
    """Record every message to this MCAP file."""
    audit_log: str = "off"
    """Note who engaged, held and stopped, limits, outages and faults in FILE.ROLE.jsonl, for `teletwin verify`;
    'auto': a new file in runs/audit; 'off'."""
    controller_host: str = "127.0.0.1"
    """Loopback address of the virtual UR3e controller (--robot rtde)."""
    pace: bool = True
    """Slow the loop down to what this computer carries; a real robot's is never slowed down."""
    engage: bool = True
    """Engage at once; a robot (--robot-host, --robot ros2) is engaged by a person only."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done, before anything starts."""
        if self.duration < 0.0:
            raise ConfigError("the duration is negative", given=self.duration, allowed="0 or more seconds")
        if self.headless and not self.duration:
            raise ConfigError("a headless demo needs an end", mend="give --duration SECONDS")
        check_files(hand=self.session.hand, report=self.report, record=self.record)
        check_policy(self.session.horizon)
        check_person(self.session.person, self.session.forecaster)
        check_parts(self.session)
        check_allocator(self.session.allocation)


def main(arguments: list[str]) -> int:
    """Start every role, say where the page is, wait, stop them together."""
    with hurried():
        options = _read(arguments)
    stop, before = threading.Event(), _written_ns(options.report)
    with contextlib.ExitStack() as stack:
        roles = stack.enter_context(Roles())
        warm_up(_say, forecaster=options.session.forecaster, policy=options.session.horizon.policy)
        session = paced(options.session, SystemClock(), _say) if options.pace else options.session
        common = _common(replace(options, session=session))
        # Until here Ctrl-C ends the process as usual; from here on it ends the roles together.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        _say(f"imitated network: {_network_words(options.session.network)}")
        _say("starting the arm, the twin, the renderer and the operator's page")
        with hurried():
            if not start_control(roles, common, stop):
                return INTERRUPTED
        url = roles.running["operator"].text
        _say(f"the page is at {url}")
        for line in common.page_tokens.links(url):
            _say(line)
        if not wait_for_pictures(roles, stop):
            return INTERRUPTED
        if not options.headless:
            _say("Ctrl-C ends the session")
        status = _watch(roles, stop)
    if options.report and _written_ns(options.report) != before:
        _show(options.report)
        _say(f"measured over an imitated network: {_network_words(options.session.network)}")
    if options.record:
        _gather(options.record)
    return status


def _read(arguments: list[str]) -> DemoOptions:
    """The options; with a real robot no network is imitated unless that was asked for."""
    options = read_options(DemoOptions, arguments, command="demo", description=__doc__ or "")
    if not options.session.is_real:
        return options
    near = DemoOptions(session=SessionCfg(view=DRAWN))
    return read_options(DemoOptions, arguments, command="demo", description=__doc__ or "", default=near)


def _network_words(network: NetworkCfg) -> str:
    """What network is imitated."""
    hops = {name: network.hop(name) for name in HOPS}
    if len(set(map(repr, hops.values()))) > 1:
        return "; ".join(f"{name} {hop.delay_ms:g} ± {hop.jitter_ms:g} ms" for name, hop in hops.items())
    up = hops["up"]
    loss = f", {100 * up.loss:g} % lost" if up.loss else ""
    if not (up.delay_ms or up.jitter_ms or up.loss):
        return "none, everything is on this machine"
    return f"{up.delay_ms:g} ± {up.jitter_ms:g} ms each way{loss}"


def _common(options: DemoOptions) -> RoleCfg:
    """What every role is told."""
    robot = options.session.robot_host
    return RoleCfg(
        role="operator",
        session=options.session,
        page=options.page,
        page_tokens=page_tokens(options.page),
        headless=options.headless,
        engage=options.engage and not options.session.is_real,
        duration_s=options.duration,
        report=options.report,
        record=options.record,
        audit_log=audit_path(options.audit_log, "operator"),
        controller_host=robot or options.controller_host,
    )


def _watch(roles: Roles, stop: threading.Event) -> int:
    """Wait for the end; the exit status is 0 when every role ran to it as asked."""
    told = 0
    while not stop.wait(0.1):
        ended = roles.ended()
        if "operator" in ended:
            if roles.running["operator"].process.returncode:
                raise roles.why_ended("operator")
            return told
        for name in ended:
            if name != "renderer":
                raise roles.why_ended(name)
        if "renderer" in ended and not told:
            told = 1
            print(f"teletwin demo: {roles.why_ended('renderer')}; control goes on without pictures", file=sys.stderr)
    return told


def _written_ns(path: str) -> int:
    """When a file was last written [ns]; 0 when it is not there. An older report must not pass for this session's."""
    return Path(path).stat().st_mtime_ns if path and Path(path).exists() else 0


def _show(report: str) -> None:
    """The report as tables on the terminal and as pictures beside the file."""
    from teletwin.report.document import read_report
    from teletwin.report.figures import save_figures
    from teletwin.report.table import report_tables
    from teletwin.report.text_table import show_table

    document = read_report(report)
    for table in report_tables(document):
        show_table(table)
    path = Path(report)
    pictures = save_figures(document, path.with_name(f"{path.stem}_figures"))
    _say(f"report: {report}, pictures: {pictures[0].parent}" if pictures else f"report: {report}")


def _gather(record: str) -> None:
    """Say where the logs are."""
    path = Path(record)
    logs = [p for p in (path, *sorted(path.parent.glob(f"{path.stem}.*{path.suffix}"))) if p.exists()]
    _say(f"recorded: {', '.join(str(p) for p in logs)}")


def _say(text: str) -> None:
    """One line for the person at the terminal."""
    print(f"teletwin: {text}", flush=True)
