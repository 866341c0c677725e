"""Round trips between two namespaces, to show that the emulated network is the only way between them."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import subprocess
from collections.abc import Iterator

from teletwin.bench.three_hosts.emulator import Emulator
from teletwin.bench.three_hosts.hops import HOSTS, WAYS, WIRES, Hops, asked_round_trip_ms, only_delay
from teletwin.bench.three_hosts.namespaces import Namespaces, inside
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.errors import TeletwinError

_PORT = 8799
_PROBE = struct.Struct("<q")
_COUNT = 12
_TRIES = 8
"""A busy computer may hold up every trip of a try; the emulated way shows in the shortest of all."""
_SPACING_NS = 8 * NS_PER_MS
_EARLY_MS, _LATE_MS = 1.0, 6.0


def prove_route(namespaces: Namespaces, emulator: Emulator, hops: Hops, clock: Clock) -> dict[str, dict[str, float]]:
    """Round trip asked for and shortest measured [ms], by pair of hosts; leaves the network as it was asked for.

    Measured with the delays alone: jitter and loss would only blur it.

    Raises:
        TeletwinError: A host has another device than the emulated cables, or a trip is not as long as asked for.
    """
    for host in HOSTS:
        _require_devices(namespaces.names[host], emulator.devices(host))
    emulator.apply(only_delay(hops))
    proof = {}
    for wire in WIRES:
        emulator.figures()
        asked_ms = asked_round_trip_ms(hops, wire)
        trips_ms: list[float] = []
        for _ in range(_TRIES):
            trips_ms += round_trips_ms(namespaces, wire, clock, longest_ms=asked_ms + 1000.0)
            if min(trips_ms, default=float("inf")) <= asked_ms + _LATE_MS:
                break
        proof[wire] = {"asked_ms": asked_ms, "measured_ms": min(trips_ms, default=float("inf"))}
        _require_emulated(wire, proof[wire], carried=_carried(emulator, wire, len(trips_ms)), trips=len(trips_ms))
    emulator.apply(hops)
    return proof


def _carried(emulator: Emulator, wire: str, otherwise: int) -> int:
    """Packets that the emulator saw on the wire's quieter hop; also sets its counts back."""
    counts = emulator.figures().get("packet_count")
    return min(counts[hop] for hop in WIRES[wire]) if counts else otherwise


def _require_emulated(wire: str, trip: dict[str, float], *, carried: int, trips: int) -> None:
    asked_ms, measured_ms = trip["asked_ms"], trip["measured_ms"]
    if not asked_ms - _EARLY_MS <= measured_ms <= asked_ms + _LATE_MS or carried < trips:
        raise TeletwinError(
            f"the way between {' and '.join(wire.split('_'))} is not the emulated one",
            given=f"round trip {measured_ms:.2f} ms, {trips} trips of which the emulator carried {carried}",
            allowed=f"{asked_ms:g} ms, up to {_EARLY_MS:g} shorter and {_LATE_MS:g} longer, every trip carried",
            mend="is the machine too busy?",
        )


def round_trips_ms(namespaces: Namespaces, wire: str, clock: Clock, *, longest_ms: float) -> list[float]:
    """Round trips [ms] of some datagrams between the two hosts of a wire; those that came back."""
    near, far = WAYS[WIRES[wire][0]]
    with _socket(namespaces, near) as asking, _socket(namespaces, far) as answering:
        trips_ms: list[float] = []
        sent, due_ns = 0, clock.now_ns()
        end_ns = due_ns + _COUNT * _SPACING_NS + round(longest_ms * NS_PER_MS)
        while len(trips_ms) < _COUNT and clock.now_ns() < end_ns:
            if sent < _COUNT and clock.now_ns() >= due_ns:
                asking.sendto(_PROBE.pack(clock.now_ns()), (HOSTS[far], _PORT))
                sent, due_ns = sent + 1, due_ns + _SPACING_NS
            wait_ns = (due_ns if sent < _COUNT else end_ns) - clock.now_ns()
            readable, _, _ = select.select([asking, answering], [], [], max(wait_ns, 0) / NS_PER_S)
            if answering in readable:
                packet, source = answering.recvfrom(64)
                answering.sendto(packet, source)
            if asking in readable:
                trips_ms.append((clock.now_ns() - _PROBE.unpack(asking.recv(64))[0]) / NS_PER_MS)
    return trips_ms


@contextlib.contextmanager
def _socket(namespaces: Namespaces, host: str) -> Iterator[socket.socket]:
    """A UDP socket in a host's namespace."""
    with inside(namespaces.path(host)):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with made:
        made.bind((HOSTS[host], _PORT))
        yield made


def _require_devices(name: str, expected: set[str]) -> None:
    done = subprocess.run(["ip", "-n", name, "-o", "link"], capture_output=True, text=True)
    found = {line.split(":")[1].strip().partition("@")[0] for line in done.stdout.splitlines()}
    placeholders = {"sit0", "tunl0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6gre0"}
    if found - placeholders != expected:
        raise TeletwinError("a host has other devices than the emulated cable", given=", ".join(sorted(found)))
