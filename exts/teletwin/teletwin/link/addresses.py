"""Which address belongs to which role: configured, or learned from the first authentic datagram."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.link.wire import ROLES

Address = tuple[Any, ...]
"""A socket address: host and port, and of IPv6 flow 0 and scope."""

HERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}
"""Where somebody who listens everywhere is found from the same machine."""
_SILENCE_NS = 1 * NS_PER_S
_FAMILIES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}


def parse_address(text: str, *, port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; `port` where none is given.

    Raises:
        ConfigError: It is none of these.
    """
    host, told = text, ""
    if text.startswith("["):
        host, closed, told = text[1:].partition("]")
        host, told = host if closed else "", told.removeprefix(":")
    elif text.count(":") == 1:
        host, _, told = text.partition(":")
    if not host or (told and not told.isdecimal()) or (text.endswith(":") and not text.endswith("::")):
        raise ConfigError("an address cannot be read", given=text, allowed="HOST, HOST:PORT, [IPV6]:PORT or an address")
    return host, _checked(int(told) if told else port)


def family_of(host: str) -> socket.AddressFamily:
    """IPv4 or IPv6, whichever a role that listens on `host` uses; IPv4 for a name that is both."""
    found = {each[0] for each in _look_up(host, 0, socket.AF_UNSPEC)}
    return socket.AF_INET if socket.AF_INET in found else socket.AF_INET6


def resolve(host: str, port: int, *, family: socket.AddressFamily = socket.AF_UNSPEC) -> Address:
    """Numeric address of host and port, as a socket of this family reports it; IPv4 before IPv6 where both fit.

    A role that listens on IPv6 reaches IPv4 hosts by their mapped addresses.

    Raises:
        ConfigError: The name is unknown, has no address of the family, or the port is no port.
    """
    found = _look_up(host, _checked(port), socket.AF_UNSPEC)
    if family == socket.AF_INET6 and not any(each[0] == family for each in found):
        found = _look_up(f"::ffff:{found[0][4][0]}", port, family)
    fitting = [each for each in found if family in (socket.AF_UNSPEC, each[0])]
    if not fitting:
        name = _FAMILIES[family]
        mend = "listen on an IPv6 address too (--bind ::), or name the peer's IPv4 address"
        raise ConfigError(f"a host has no {name} address, and this role listens on {name}", given=host, mend=mend)
    return plain_address(min(fitting, key=lambda each: each[0] != socket.AF_INET)[4])


def plain_address(address: Address) -> Address:
    """The same socket address without IPv6's flow label, which is no part of where somebody is."""
    return address if len(address) == 2 else (address[0], address[1], 0, address[3])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the numeric address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _look_up(host: str, port: int, family: int) -> list[tuple[Any, ...]]:
    try:
        return socket.getaddrinfo(host.strip("[]"), port, family, socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError("a host is not known", given=f"{host} ({error})") from None


def _checked(port: int) -> int:
    if not 0 <= port <= 65535:
        raise ConfigError("a port is out of range", given=port, allowed="0 ... 65535")
    return port


class AddressBook:
    """Roles by address and addresses by role.

    A role configured as None is learned from its first authentic datagram; it may move (a restart picks
    another port) only after its old address has been silent for a second.
    """

    def __init__(
        self,
        peers: Mapping[str, tuple[str, int] | None],
        *,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> None:
        for role in peers:
            if role not in ROLES:
                raise ConfigError("unknown role of a peer", given=role, allowed=", ".join(ROLES))
        self._address = {role: resolve(*where, family=family) for role, where in peers.items() if where is not None}
        self._learned: dict[str, int] = {role: -_SILENCE_NS for role, where in peers.items() if where is None}
        self._role = {address: role for role, address in self._address.items()}

    @property
    def known(self) -> list[str]:
        """Roles whose address is known."""
        return list(self._address)

    def is_known(self, source: Address) -> bool:
        """Whether a role is known to be there."""
        return source in self._role

    def address(self, role: str) -> Address | None:
        """Where a role is; None until known."""
        return self._address.get(role)

    def may_be(self, source: Address, role: str, now_ns: int) -> bool:
        """Whether what comes from source may be of this role: it is there, or could be learned to be."""
        there = self._role.get(source)
        if there == role:
            return True
        if role not in self._learned or (there is not None and not self._is_silent(there, now_ns)):
            return False
        return role not in self._address or self._is_silent(role, now_ns)

    def keep(self, source: Address, role: str, now_ns: int) -> None:
        """Something authentic of this role came from source, where it may be."""
        if role in self._learned:
            if self._role.get(source) != role:
                self._move(role, source)
            self._learned[role] = now_ns

    def _is_silent(self, role: str, now_ns: int) -> bool:
        """Whether a role that was learned has left its address, as far as can be told."""
        return role in self._learned and now_ns - self._learned[role] >= _SILENCE_NS

    def _move(self, role: str, source: Address) -> None:
        former = self._role.pop(source, None)
        if former is not None:
            del self._address[former]
        old = self._address.pop(role, None)
        if old is not None:
            del self._role[old]
        self._address[role], self._role[source] = source, role
