"""A live session on three hosts: namespaces, emulator, roles; what the operator measured, and what the network was."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teletwin.bench.three_hosts.changes import NetworkScript
from teletwin.bench.three_hosts.emulator import Emulator, Netem, TunRelay, has_netem, netem_can
from teletwin.bench.three_hosts.hops import HOSTS, Hops
from teletwin.bench.three_hosts.hosts import Hosts
from teletwin.bench.three_hosts.namespaces import Namespaces, require_namespaces
from teletwin.bench.three_hosts.page_door import PageDoor
from teletwin.bench.three_hosts.round_trip import prove_route
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.errors import ConfigError, TeletwinError
from teletwin.link.secret import generated_secret

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCfg:
    """One session on the three hosts."""

    hops: Hops
    script: NetworkScript
    seconds: float
    """0 goes on until Ctrl-C."""
    arguments: Sequence[str] = ()
    """Options of every `teletwin run`."""
    lies: dict[str, tuple[float, float]] | None = None
    """Host to offset [ms] and drift [ppm] of its clock."""
    page_port: int = 0
    """Port of the page for a person; 0: a headless viewer, engaged at once."""


class ThreeHosts:
    """The hosts and the network between them, for one session after another. A context manager."""

    def __init__(self, *, emulator: str, seed: int, hops: Hops, script: NetworkScript) -> None:
        self._wanted, self._seed = emulator, seed
        self._can_netem = netem_can(hops) and not script.changes
        self._stack = contextlib.ExitStack()
        self.clock = SystemClock()

    def __enter__(self) -> ThreeHosts:
        require_namespaces()
        with contextlib.ExitStack() as stack:
            self.namespaces = stack.enter_context(Namespaces(list(HOSTS)))
            self.emulator: Emulator = stack.enter_context(self._choose())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _choose(self) -> Emulator:
        """The kernel's where it is there and can do all that is asked, unless the other one is wanted."""
        if self._wanted == "netem" and not self._can_netem:
            allowed = "delay_ms, loss and duplication without a script"
            raise ConfigError("netem cannot emulate this truthfully", allowed=allowed, mend="--emulator relay can")
        there = self._wanted != "relay" and self._can_netem and has_netem(self.namespaces)
        if self._wanted == "netem" and not there:
            raise ConfigError("this kernel has no netem", mend="modprobe sch_netem, or --emulator relay")
        return Netem(self.namespaces) if there else TunRelay(self.namespaces, seed=self._seed)

    def measure(self, cfg: LiveCfg, say: Say) -> dict[str, Any]:
        """Run one session; what the operator's report holds, under `emulation` what lay between the hosts.

        Raises:
            TeletwinError: The emulated network is not the only way, or a role failed.
        """
        proof = prove_route(self.namespaces, self.emulator, cfg.hops, self.clock)
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="teletwin-three-hosts-"))
            report = Path(folder) / "report.json"
            hosts = stack.enter_context(Hosts(self.namespaces, self.clock))
            self._start(hosts, cfg, report, say)
            if cfg.page_port:
                stack.enter_context(PageDoor(self.namespaces.path("operator"), port=cfg.page_port))
                say(f"the page is at http://127.0.0.1:{cfg.page_port}; Ctrl-C ends the session")
            self._watch(hosts, cfg)
            figures = self.emulator.figures()
            if not report.exists():
                raise TeletwinError("the operator wrote no report")
            results = json.loads(report.read_text(encoding="utf-8"))["results"]
        return results | {"emulation": {"emulator": self.emulator.name, "round_trip": proof, **figures}}

    def _watch(self, hosts: Hosts, cfg: LiveCfg) -> None:
        """Play the script until the session ends; one without an end ends well by Ctrl-C."""
        try:
            hosts.watch(self._player(cfg))
        except KeyboardInterrupt:
            if cfg.seconds:
                raise
            hosts.end("operator")

    def _start(self, hosts: Hosts, cfg: LiveCfg, report: Path, say: Say) -> None:
        """Twin and arm first: the operator's time begins when it runs."""
        say("starting the twin's and the arm's host")
        secret = ["--session-secret-file", str(_secret_file(report.parent))]
        for role in ("twin", "arm"):
            hosts.start(role, [*_addresses(role), *secret, *_lie(cfg, role), *cfg.arguments])
        hosts.wait_ready("twin", "arm")
        say("starting the operator's host")
        end = [f"--duration={cfg.seconds:g}", f"--report={report}"]
        view = [f"--port={cfg.page_port}"] if cfg.page_port else ["--headless", "--engage"]
        common = [*_addresses("operator"), *secret, *_lie(cfg, "operator")]
        hosts.start("operator", [*common, *end, *view, *cfg.arguments])
        hosts.wait_ready("operator")

    def _player(self, cfg: LiveCfg) -> Callable[[], None]:
        """Plays the script from now on, when it is called often."""
        steps = _changes(cfg, self.emulator)
        began_ns = self.clock.now_ns()
        due_s = next(steps)

        def play() -> None:
            nonlocal due_s
            while (self.clock.now_ns() - began_ns) / NS_PER_S >= due_s:
                due_s = next(steps)

        play()
        return play


def _changes(cfg: LiveCfg, emulator: Emulator) -> Iterator[float]:
    """Yields when the next change is due [s]; makes it when it is asked to go on."""
    due_s = 0.0 if cfg.script.changes else float("inf")
    while True:
        yield due_s
        emulator.apply(cfg.script.settings(due_s, cfg.hops))
        due_s = cfg.script.next_change_s(due_s)


def _addresses(role: str) -> list[str]:
    """Where a role listens and finds the others."""
    others = [f"--{other}={address}" for other, address in HOSTS.items() if other != role]
    return [f"--bind={HOSTS[role]}", *others]


def _secret_file(folder: Path) -> Path:
    """A secret for this run, in a folder that its owner alone can read."""
    path = folder / "session-secret"
    path.touch(mode=0o600)
    path.write_text(generated_secret(), encoding="utf-8")
    return path


def _lie(cfg: LiveCfg, role: str) -> list[str]:
    """How wrong the clock of a host is."""
    offset_ms, drift_ppm = (cfg.lies or {}).get(role, (0.0, 0.0))
    return [f"--clock-offset-ms={offset_ms:g}", f"--clock-drift-ppm={drift_ppm:g}"] if offset_ms or drift_ppm else []
