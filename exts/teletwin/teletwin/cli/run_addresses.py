"""Looks at the addresses of a role's processes before anything starts, so that one line tells what is wrong."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from teletwin.errors import ConfigError
from teletwin.listening import host_and_port, listening_socket
from teletwin.session.role_cfg import RoleCfg

PORT_MAX = 65535


def check_addresses(roles: Iterable[RoleCfg]) -> None:
    """Refuse hosts that are not known and ports that cannot be listened on.

    Raises:
        ConfigError: Says which, and of which role.
    """
    for role in roles:
        for name, address in role.addresses.items():
            if address is not None:
                _check_host(name, address[0])
        own = role.addresses.get(role.role)
        if own is not None and role.session.link == "udp":
            _check_port(f"the {role.role} cannot listen", own, socket.SOCK_DGRAM, mend="ss -lunp tells who uses it")
        if role.role == "operator":
            page = (role.page.host, role.page.port)
            _check_port("the page's port is in use", page, socket.SOCK_STREAM, mend="choose another --port")


def _check_host(name: str, host: str) -> None:
    allowed = "a host name or an IP address, or 'learn'"
    if not host.strip():
        raise ConfigError(f"the address of the {name} is missing", allowed=allowed, mend=f"give --{name} HOST")
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"the host of the {name} is not known", given=f"{host} ({error})", allowed=allowed) from None


def _check_port(what: str, address: tuple[str, int], kind: socket.SocketKind, *, mend: str) -> None:
    """Listen for a moment."""
    if not 0 <= address[1] <= PORT_MAX:
        raise ConfigError(what, given=f"port {address[1]}", allowed=f"0 ... {PORT_MAX}")
    try:
        listening_socket(*address, kind=kind).close()
    except OSError as error:
        given = f"{host_and_port(*address)} ({error.strerror or error})"
        raise ConfigError(what, given=given, mend=mend) from None
