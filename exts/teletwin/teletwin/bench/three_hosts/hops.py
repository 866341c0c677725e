"""The hosts, their addresses, and the four hops between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from teletwin.messages import LinkSettings
from teletwin.session.config import HOPS, NetworkCfg

HOSTS: Mapping[str, str] = {"operator": "10.87.0.1", "twin": "10.87.0.2", "arm": "10.87.0.3"}
"""Role to address, the same in every run: the namespaces see nothing of the machine's own network."""
PREFIX_BITS = 24
WAYS: Mapping[str, tuple[str, str]] = {
    "up": ("operator", "twin"),
    "down": ("twin", "operator"),
    "command": ("twin", "arm"),
    "state": ("arm", "twin"),
}
"""Hop to sender and receiver. Operator and arm do not talk to each other; nothing leads from one to the other."""
WIRES: Mapping[str, tuple[str, str]] = {"operator_twin": ("up", "down"), "twin_arm": ("command", "state")}
"""Pair of hosts to the hops there and back."""

Hops = Mapping[str, LinkSettings]
"""The network to emulate on each hop by its name."""


def hops_of(network: NetworkCfg) -> dict[str, LinkSettings]:
    """Settings of all four hops."""
    return {hop: network.hop(hop) for hop in HOPS}


def only_delay(hops: Hops) -> dict[str, LinkSettings]:
    """The same delays and nothing else: what a round trip can be held against."""
    return {hop: replace(LinkSettings(), delay_ms=settings.delay_ms) for hop, settings in hops.items()}


def asked_round_trip_ms(hops: Hops, wire: str) -> float:
    """Round trip [ms] between the two hosts of a wire."""
    return sum(hops[hop].delay_ms for hop in WIRES[wire])
