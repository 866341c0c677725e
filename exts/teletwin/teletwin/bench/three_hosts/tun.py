"""A tun device: the end of a host's only cable, whose other end this process holds."""

from __future__ import annotations

import os
import struct

from teletwin.bench.three_hosts.namespaces import inside
from teletwin.errors import MissingPartError

DEVICE = "emulated"
MTU = 1400
_TUNSETIFF = 0x400454CA
_TUN, _NO_INFO = 0x0001, 0x1000


def open_tun(namespace: str) -> int:
    """Make the device inside the namespace at this path; return the handle that gives and takes its packets.

    Raises:
        MissingPartError: This kernel or container has no tun devices.
    """
    import fcntl

    with inside(namespace):
        try:
            handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _TUN | _NO_INFO))
        except OSError as error:
            raise MissingPartError(
                "tun devices cannot be used here",
                given=error.strerror,
                mend="modprobe tun; in a container give it --device /dev/net/tun",
            ) from None
    return handle
