"""`teletwin run`: one role of a session, on the machine where it belongs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from dataclasses import dataclass, field, replace
from typing import Literal

from teletwin.allocation import check_allocator
from teletwin.cli.files import check_files
from teletwin.cli.isaac import run_in_isaac
from teletwin.cli.options import read_options
from teletwin.cli.run_addresses import check_addresses
from teletwin.errors import ConfigError
from teletwin.link.addresses import HERE, is_loopback, parse_address
from teletwin.session.audit import audit_path
from teletwin.session.config import DRAWN, SessionCfg
from teletwin.session.launch import INTERRUPTED, Roles
from teletwin.session.page_cfg import PageCfg, PageTokens, page_tokens
from teletwin.session.parts import check_parts
from teletwin.session.person import check_person
from teletwin.session.policies import check_policy
from teletwin.session.role_cfg import PORTS, RoleCfg
from teletwin.session.secret_source import SESSION_NAME, VARIABLE, SessionKey, is_terminal, session_key
from teletwin.session.warm import warm_up

_PROCESSES = {"operator": ("operator",), "twin": ("twin", "renderer"), "arm": ("arm",)}


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of `teletwin run`."""

    role: Literal["operator", "twin", "arm"]
    """Which part of the loop this machine is; the twin's renderer comes with it."""
    bind: str = "127.0.0.1"
    """Address to listen on, IPv4 or IPv6; beyond loopback every role needs the session's secret."""
    operator: str = "127.0.0.1"
    """Host of the operator role, with its port where it is another ([IPV6]:PORT); 'learn' takes it from its first
    authentic packet."""
    twin: str = "127.0.0.1"
    """Host of the twin role, or 'learn'."""
    arm: str = "127.0.0.1"
    """Host of the arm role, or 'learn'."""
    session_secret_file: str = ""
    """File with the secret that all roles of a session share, readable by its owner alone; `teletwin secret` makes
    one. Without it the environment's TELETWIN_SESSION_SECRET counts."""
    session_secret_prompt: bool = False
    """Ask for the secret at the terminal; done by itself where one is needed and not given."""
    session_name: str = SESSION_NAME
    """Public name of the session, the same for all its roles; tells sessions of one network apart."""
    session: SessionCfg = field(default_factory=lambda: SessionCfg(view=DRAWN))
    page: PageCfg = field(default_factory=PageCfg)
    headless: bool = False
    """No browser: a protocol viewer decodes the pictures (operator)."""
    engage: bool = False
    """Engage at once, without a person's word (operator)."""
    duration: float = 0.0
    """End after this long [s], an operator so long after the arm was first heard; 0 runs until Ctrl-C."""
    report: str = ""
    """Write what was measured to this JSON file (operator)."""
    record: str = ""
    """Record every message to this MCAP file."""
    audit_log: str = "auto"
    """Note who engaged, held and stopped, limits, outages and faults in FILE.ROLE.jsonl, for `teletwin verify`;
    'auto': a new file in runs/audit; 'off'."""
    controller_host: str = "127.0.0.1"
    """Address of the virtual UR3e controller (arm)."""
    sim: Literal["embedded", "isaac"] = "embedded"
    """What simulates and draws the twin's world: MuJoCo and OpenGL in this package, or Isaac Sim (twin)."""
    clock_offset_ms: float = 0.0
    """Make this host's clock lie, for tests [ms]."""
    clock_drift_ppm: float = 0.0
    """Make this host's clock too fast, for tests [ppm]."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done, before anything starts."""
        if self.duration < 0.0:
            raise ConfigError("the duration is negative", given=self.duration, allowed="0 or more seconds")
        check_parts(self.session)
        if self.role == "twin":
            check_allocator(self.session.allocation)
        if self.role == "operator":
            check_files(hand=self.session.hand, report=self.report, record=self.record)
            check_policy(self.session.horizon)
            check_person(self.session.person, self.session.forecaster)


def main(arguments: list[str]) -> int:
    """Start the role's processes, wait, stop them."""
    _refuse_token(arguments)
    options = read_options(RunOptions, arguments, command="run", description=__doc__ or "")
    stop = threading.Event()
    tokens = page_tokens(options.page) if options.role == "operator" else PageTokens()
    if options.sim == "isaac":
        return run_in_isaac(options)
    key = own_key(options)
    processes = [role_settings(options, name, key, tokens) for name in _PROCESSES[options.role]]
    check_addresses(processes)  # before anything starts
    with contextlib.ExitStack() as stack:
        roles = stack.enter_context(Roles())
        session = options.session
        warm_up(_say, forecaster=session.forecaster, policy=session.horizon.policy)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        if not _start(roles, processes, stop):
            return INTERRUPTED
        page = roles.running["operator"].text if options.role == "operator" else ""
        _say(f"the {options.role} runs{' at ' + page if page else ''}")
        for line in tokens.links(page):
            _say(line)
        return _watch(roles, stop, options.duration)


def _start(roles: Roles, processes: list[RoleCfg], stop: threading.Event) -> bool:
    """The role's processes, the controller before its arm. False when a person's Ctrl-C came first."""
    for settings in processes:
        if settings.role == "arm" and settings.session.starts_controller:
            roles.start(replace(settings, role="controller", key=""))
            if not roles.wait_ready(stop):
                return False
        roles.start(settings)
    return roles.wait_ready(stop)


def _watch(roles: Roles, stop: threading.Event, duration_s: float) -> int:
    """Wait for the end of the role, of the time asked for, or for a person's word."""
    left_s, told = duration_s or float("inf"), 0
    while not stop.wait(0.1):
        left_s -= 0.1
        for name in roles.ended():
            if name == "operator" and not roles.running[name].process.returncode:
                return told
            if name != "renderer":
                raise roles.why_ended(name)
            if not told:
                told = 1
                text = f"{roles.why_ended(name)}; control goes on without pictures"
                print(f"teletwin run: {text}", file=sys.stderr)
        if left_s <= 0.0 and "operator" not in roles.running:
            break
    return told


def own_key(options: RunOptions) -> SessionKey:
    """Number and key of the session that the options name; asks the person where a secret is needed and missing."""
    is_beyond = not all(_is_here(host) for host in (options.bind, options.operator, options.twin, options.arm))
    return session_key(
        name=options.session_name,
        file=options.session_secret_file,
        ask=options.session_secret_prompt or (is_beyond and is_terminal()),
        environment={} if options.session_secret_prompt else os.environ,
    )


def role_settings(options: RunOptions, name: str, key: SessionKey, tokens: PageTokens | None = None) -> RoleCfg:
    """What one process of this machine's role is told."""
    return RoleCfg(
        role=name,
        session=options.session,
        addresses={role: _address(options, name, role) for role in PORTS},
        session_id=key.session_id,
        key=key.key,
        page=options.page,
        page_tokens=tokens or PageTokens(),
        headless=options.headless,
        engage=options.engage,
        report=options.report,
        record=options.record,
        audit_log=audit_path(options.audit_log, name),
        controller_host=options.session.robot_host or options.controller_host,
        clock_offset_ms=options.clock_offset_ms,
        clock_drift_ppm=options.clock_drift_ppm,
        duration_s=options.duration if name == "operator" else 0.0,
    )


def _address(options: RunOptions, name: str, role: str) -> tuple[str, int] | None:
    """Where process `name` of this machine finds `role`; None: learned from its first authentic packet."""
    if role == name:
        return options.bind.strip("[]"), PORTS[role]
    if role in _PROCESSES[options.role]:
        # Two processes of one host; listening everywhere they meet on loopback.
        return HERE.get(options.bind, options.bind), PORTS[role]
    host = str(getattr(options, "twin" if role == "renderer" else role))
    if host == "learn":
        return None
    host, port = parse_address(host, port=PORTS["twin" if role == "renderer" else role])
    return host, port + 1 if role == "renderer" else port


def _is_here(host: str) -> bool:
    """Whether only this machine is meant."""
    return host in ("localhost", "learn") or is_loopback(parse_address(host, port=0)[0])


def _refuse_token(arguments: list[str]) -> None:
    """Tell what stands in the place of an option that showed the secret to everybody on the machine."""
    names = {each.partition("=")[0].replace("_", "-") for each in arguments}
    told = names & {"--session-token", "--session-secret", "--session-key", "--secret"}
    if told:
        raise ConfigError(
            f"{min(told)} is no option: a command line can be read by every user of the machine",
            allowed=f"--session-secret-file FILE, the environment's {VARIABLE}, or --session-secret-prompt",
            mend="make a file on one machine and copy it: (umask 077; teletwin secret > FILE)",
        )


def _say(text: str) -> None:
    """One line for the person at the terminal."""
    print(f"teletwin: {text}", flush=True)
