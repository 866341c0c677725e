"""What `scripts/three_hosts.py` is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from teletwin.bench.three_hosts.changes import load_script
from teletwin.bench.three_hosts.hops import HOSTS
from teletwin.bench.three_hosts.sweep import DELAYS_MS, MODES
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.session.config import NetworkCfg, SessionCfg

_LEAST_S = 5.0
"""Errors count from three seconds after engaging."""


@dataclass(frozen=True, kw_only=True)
class ThreeHostsOptions:
    """Options; those of every host's `teletwin run` follow after `--`, for example `-- --paper-mode`."""

    network: NetworkCfg = field(default_factory=NetworkCfg)
    script: str = ""
    """Changes over time: wifi-handover, mobile, congestion, blackouts, or a file (docs/deploy.md has the format)."""
    seconds: float = 15.0
    """Duration of the session [s]; with --page 0 runs until Ctrl-C."""
    emulator: Literal["auto", "netem", "relay"] = "auto"
    """What emulates: the kernel's netem where it can do what is asked, else the relay."""
    page: bool = False
    """No headless viewer: the page is reachable from this machine, and a person engages."""
    page_port: int = 8765
    """Port of the page."""
    clocks: str = ""
    """Clocks that lie, for tests, as 'HOST=OFFSET_MS:DRIFT_PPM', for example 'twin=-5000:200 arm=1e6:-100'."""
    seed: int = 0
    """Seed of the emulated network."""
    sweep: bool = False
    """The latency sweep: every mode at every delay; the other options hold for each point."""
    virtual: bool = False
    """On the virtual clock, in this process, without namespaces; needs no rights."""
    delays_ms: tuple[float, ...] = DELAYS_MS
    """One-way delays of every hop that the sweep goes through [ms]."""
    modes: tuple[str, ...] = tuple(MODES)
    """Lines of the sweep: default, paper (paper mode), off (no prediction)."""
    report: str = ""
    """Write everything that was measured to this JSON file."""
    figure: str = ""
    """Draw the sweep into this PNG file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done, before anything starts."""
        unknown = [mode for mode in self.modes if mode not in MODES]
        if unknown or not self.modes or not self.delays_ms:
            given = f"{' '.join(self.modes)}; {self.delays_ms}"
            raise ConfigError("nothing to sweep", given=given, allowed=f"{', '.join(MODES)}, and delays in ms")
        endless = self.page and not self.sweep and self.seconds == 0.0
        if not endless and not self.seconds >= _LEAST_S:
            raise ConfigError(
                "the session is too short to judge", given=self.seconds, allowed=f"{_LEAST_S:g} s or more"
            )
        if self.page and (self.virtual or self.sweep):
            raise ConfigError("a page is for a single live session", given="--page", allowed="no --virtual, no --sweep")
        load_script(self.script)
        self.lies()

    def lies(self) -> dict[str, tuple[float, float]]:
        """Host to offset [ms] and drift [ppm] of its clock.

        Raises:
            ConfigError: They cannot be read.
        """
        lies = {}
        for part in self.clocks.split():
            host, _, values = part.partition("=")
            offset, _, drift = values.partition(":")
            try:
                lies[host] = float(offset), float(drift or 0.0)
            except ValueError:
                host = ""
            if host not in HOSTS:
                allowed = f"{'|'.join(HOSTS)}=OFFSET_MS:DRIFT_PPM"
                raise ConfigError("a clock cannot be read", given=part, allowed=allowed)
        return lies


def read(arguments: Sequence[str]) -> tuple[ThreeHostsOptions, list[str]]:
    """The options, and those of each `teletwin run`.

    Raises:
        ConfigError: One is unknown, or its value is not allowed.
    """
    own, rest = list(arguments), []
    if "--" in own:
        place = own.index("--")
        own, rest = own[:place], own[place + 1 :]
    options = read_options(ThreeHostsOptions, own, command="three hosts", description=__doc__ or "")
    if session_of(rest).network != NetworkCfg():
        raise ConfigError("the network is emulated between the hosts, not inside them", mend="name it before --")
    return options, rest


def session_of(arguments: Sequence[str]) -> SessionCfg:
    """The session that options of `teletwin run` describe.

    Raises:
        ConfigError: One is unknown, or its value is not allowed.
    """
    return read_options(SessionCfg, arguments, command="run", description="")
