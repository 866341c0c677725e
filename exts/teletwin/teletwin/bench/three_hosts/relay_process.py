"""The relay as a process: tun devices, a clock, and a pipe on which it is told what to emulate.

The first line on standard input is a JSON object with `namespaces` (host to path) and `seed`. Each further
line has `hops` (hop to settings), or asks for the figures since the last such line with `figures`. It ends
with its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
from collections.abc import Iterator
from typing import Any

from teletwin.bench.three_hosts.hops import HOSTS
from teletwin.bench.three_hosts.relay import Relay
from teletwin.bench.three_hosts.tun import open_tun
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.errors import TeletwinError
from teletwin.messages import LinkSettings
from teletwin.session.realtime import punctual

_PRIORITY = 40
"""Above the loops: the network must not feel how busy the hosts are."""
_MOST_BYTES = 2048
_MAX_READS = 64
_IDLE_S = 0.5


def main() -> int:
    """Run until standard input ends."""
    told = json.loads(sys.stdin.buffer.readline())
    try:
        tuns = {host: open_tun(path) for host, path in told["namespaces"].items()}
    except TeletwinError as error:
        print(json.dumps({"refused": str(error)}), flush=True)
        return 2
    relay = Relay({host: socket.inet_aton(HOSTS[host]) for host in tuns}, seed=told["seed"])
    print(json.dumps({"ready": True}), flush=True)
    with punctual(priority=_PRIORITY):
        _carry(relay, tuns, SystemClock())
    return 0


def _carry(relay: Relay, tuns: dict[str, int], clock: SystemClock) -> None:
    """Read, hold, write; sleep in between."""
    hosts = {handle: host for host, handle in tuns.items()}
    pipe = sys.stdin.fileno()
    words = _Words(pipe)
    while True:
        due_ns = relay.next_due_ns()
        wait_s = _IDLE_S if due_ns is None else max((due_ns - clock.now_ns()) / NS_PER_S, 0.0)
        readable, _, _ = select.select([*hosts, pipe], [], [], min(wait_s, _IDLE_S))
        for handle in readable:
            if handle != pipe:
                for packet in _packets(handle):
                    relay.offer(hosts[handle], packet, clock.now_ns())
        for host, packet in relay.leave(clock.now_ns()):
            try:
                os.write(tuns[host], packet)
            except OSError:
                relay.unsent_count += 1
        if pipe in readable and not words.obey(relay):
            return


def _packets(handle: int) -> Iterator[bytes]:
    """What waits on a device."""
    with contextlib.suppress(BlockingIOError):
        for _ in range(_MAX_READS):
            yield os.read(handle, _MOST_BYTES)


class _Words:
    """Lines of the launcher, as they come."""

    def __init__(self, pipe: int) -> None:
        self._pipe, self._begun = pipe, b""

    def obey(self, relay: Relay) -> bool:
        """Do what the next lines ask; False at their end."""
        said = os.read(self._pipe, 1 << 16)
        *lines, self._begun = (self._begun + said).split(b"\n")
        for line in lines:
            _obey(relay, json.loads(line))
        return bool(said)


def _obey(relay: Relay, told: dict[str, Any]) -> None:
    """One wish of the launcher."""
    if "hops" in told:
        relay.change({hop: LinkSettings(**values) for hop, values in told["hops"].items()})
    if "figures" in told:
        print(json.dumps(relay.figures()), flush=True)
        relay.reset_figures()


if __name__ == "__main__":
    sys.exit(main())
