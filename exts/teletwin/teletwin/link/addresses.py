"""Which address belongs to which role: configured, or learned from the first authentic datagram."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.link.wire import ROLES, Datagram

Address = tuple[str, int]

_SILENCE_NS = 1 * NS_PER_S


def resolve(host: str, port: int) -> Address:
    """Numeric IPv4 address of host and port.

    Raises:
        ConfigError: The name is unknown or the port is no port.
    """
    if not 0 <= port <= 65535:
        raise ConfigError("a port is out of range", given=port, allowed="0 ... 65535")
    try:
        return socket.gethostbyname(host), port
    except OSError as error:
        raise ConfigError("a host is not known", given=f"{host} ({error})") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the numeric IPv4 address."""
    return host.startswith("127.")


class AddressBook:
    """Roles by address and addresses by role.

    A role configured as None is learned from its first authentic datagram; it may move (a restart picks
    another port) only after its old address has been silent for a second. What may be a recording of an
    earlier session does not keep an address alive.
    """

    def __init__(self, peers: Mapping[str, tuple[str, int] | None]) -> None:
        for role in peers:
            if role not in ROLES:
                raise ConfigError("unknown role of a peer", given=role, allowed=", ".join(ROLES))
        self._address = {role: resolve(*where) for role, where in peers.items() if where is not None}
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

    def hop(
        self, source: Address, datagram: Datagram, own_role: str, now_ns: int, *, is_proven: bool = True
    ) -> str | None:
        """The role at source, learned if need be from an authentic datagram; None: a foreign address."""
        role = self._role.get(source)
        if role is None:
            role = datagram.sender
            if role not in self._learned or datagram.destination != own_role:
                return None
            if role in self._address and now_ns - self._learned[role] < _SILENCE_NS:
                return None
            self._move(role, source)
        if role in self._learned and is_proven:
            self._learned[role] = now_ns
        return role

    def _move(self, role: str, source: Address) -> None:
        old = self._address.pop(role, None)
        if old is not None:
            del self._role[old]
        self._address[role], self._role[source] = source, role
