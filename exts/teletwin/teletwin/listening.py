"""Sockets that listen at an address of this machine, IPv4 or IPv6, and how such an address is written."""

from __future__ import annotations

import socket


def listening_socket(host: str, port: int, *, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A socket bound to a host's first address, IPv4 or IPv6.

    Raises:
        OSError: The host is not known, or the address cannot be bound.
    """
    family, _, _, _, place = socket.getaddrinfo(host, port, type=kind)[0]
    bound = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
    except BaseException:
        bound.close()
        raise
    return bound


def host_and_port(host: str, port: int) -> str:
    """As people write it: 192.0.2.7:30004, [2001:db8::7]:30004."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
