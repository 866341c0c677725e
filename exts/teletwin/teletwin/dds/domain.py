"""A DDS domain of one's own: where it listens, and whom it looks for by unicast."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from teletwin.errors import ConfigError, MissingPartError

_LOCAL_IDS = itertools.count(1000)
"""Cyclone's own numbers for domains within a process; on the wire stands the number of the configuration."""
_MOST_PEERS_PORTS = 9
_NICE = -10
_ELSEWHERE = "198.51.100.1"
"""Of TEST-NET-2: the way there is the way to anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCfg:
    """One participant of a domain."""

    domain_id: int = 0
    """Number of the domain, 0 ... 230."""
    interface: str = ""
    """Address of the network interface; empty lets Cyclone choose."""
    port: int = 0
    """The one UDP port of this participant; 0 takes the usual ports of the domain."""
    peers: tuple[str, ...] = ()
    """Hosts to look for, 'host' or 'host:port'."""
    multicast: bool = False
    """Look for others by multicast too."""
    announce_period_ms: int = 500
    """How often this participant tells that it is here [ms]."""

    def __post_init__(self) -> None:
        if not 0 <= self.domain_id <= 230:
            raise ConfigError("a DDS domain is out of range", given=self.domain_id, allowed="0 ... 230")
        if not 0 <= self.port <= 65535:
            raise ConfigError("a port is out of range", given=self.port, allowed="0 ... 65535")

    def xml(self) -> str:
        """The same as Cyclone's configuration."""
        interface = f"address={quoteattr(self.interface)}" if self.interface else 'autodetermine="true"'
        peers = "".join(f"<Peer address={quoteattr(peer)}/>" for peer in self.peers)
        ports = (
            "<ParticipantIndex>0</ParticipantIndex>"
            f"<Ports><Base>{self.port}</Base><DomainGain>0</DomainGain><ParticipantGain>0</ParticipantGain>"
            "<UnicastMetaOffset>0</UnicastMetaOffset><UnicastDataOffset>0</UnicastDataOffset></Ports>"
            if self.port
            else "<ParticipantIndex>auto</ParticipantIndex>"
            f"<MaxAutoParticipantIndex>{_MOST_PEERS_PORTS}</MaxAutoParticipantIndex>"
        )
        return (
            '<CycloneDDS><Domain Id="any">'
            f"<General><Interfaces><NetworkInterface {interface}/></Interfaces>"
            f"<AllowMulticast>{'default' if self.multicast else 'false'}</AllowMulticast></General>"
            f"<Discovery><ExternalDomainId>{self.domain_id}</ExternalDomainId><SPDPInterval>{self.announce_period_ms}ms</SPDPInterval>"
            f"{ports}<Peers>{peers}</Peers></Discovery>"
            "<Tracing><Verbosity>none</Verbosity></Tracing></Domain></CycloneDDS>"
        )


class DdsDomain:
    """A domain with one participant. A context manager: enter starts Cyclone's threads, leaving ends them."""

    def __init__(self, cfg: DomainCfg) -> None:
        self._cfg = cfg
        self._domain: Any = None
        self.participant: Any = None
        """Cyclone's participant; None outside of the context."""

    def __enter__(self) -> DdsDomain:
        """Join.

        Raises:
            MissingPartError: Cyclone DDS is not installed.
            ConfigError: The interface is not there, or the port is taken.
        """
        core, domain = import_cyclone("core"), import_cyclone("domain")
        local_id, before = next(_LOCAL_IDS), _threads()
        try:
            self._domain = domain.Domain(local_id, self._cfg.xml())
            self.participant = domain.DomainParticipant(local_id)
            for thread_id in _threads() - before:
                favour(thread_id)
        except core.DDSException:
            self.__exit__()
            raise ConfigError(
                "DDS cannot start",
                given=f"interface {self._cfg.interface or 'any'}, port {self._cfg.port or 'any'}",
                mend="choose a free UDP port and an address of this machine",
            ) from None
        return self

    def __exit__(self, *exc: object) -> None:
        domain, self._domain, self.participant = self._domain, None, None
        if domain is not None:
            domain._delete(domain._ref)  # with all that was made in it; the binding has no other way to end it now


def import_cyclone(name: str) -> Any:
    """A module of Cyclone's Python binding.

    Raises:
        MissingPartError: It is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"cyclonedds.{name}")
    except ImportError as error:
        raise MissingPartError(
            "DDS needs Cyclone DDS", given=error, mend="pip install 'teletwin[dds]' (or [ros2])"
        ) from error


def address_towards(hosts: Iterable[str]) -> str:
    """The own address on the way to the first of these hosts that is another machine; loopback where there is no way.

    Nothing is sent: the kernel is asked for the route.
    """
    for host in (*(each for each in hosts if not each.startswith("127.")), _ELSEWHERE):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.connect((host, 9))
            return probe.getsockname()[0]
    return "127.0.0.1"


def favour(thread_id: int) -> None:
    """Let a thread that receives go before ordinary work, such as drawing, where that is permitted."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, thread_id, _NICE)


def _threads() -> set[int]:
    """Threads of this process by the kernel's numbers; none where it does not tell."""
    with contextlib.suppress(OSError):
        return {int(path.name) for path in Path("/proc/self/task").iterdir()}
    return set()


def free_udp_port(host: str) -> int:
    """A UDP port of this host that nobody uses now.

    Raises:
        ConfigError: The host is no address of this machine.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise ConfigError("DDS cannot listen", given=f"{host} ({error.strerror})") from None
        return probe.getsockname()[1]
