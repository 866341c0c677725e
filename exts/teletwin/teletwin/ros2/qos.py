"""The quality of service that the nodes at the edges expect."""

from __future__ import annotations

from enum import Enum
from typing import Any

from teletwin.dds.domain import import_cyclone


class Profile(Enum):
    """What a topic is for."""

    COMMAND = "command"
    """Newest only, reliable, volatile: for controllers, which take the middleware's defaults, whatever those are."""
    SENSOR = "sensor"
    """Newest few, best effort: fits every publisher and never waits for a repeat."""
    LATCHED = "latched"
    """The last one comes even to who joins later: states of the driver."""


def qos_of(profile: Profile) -> Any:
    """Cyclone's Qos; writing never blocks."""
    qos = import_cyclone("qos")
    policy = qos.Policy
    reliable, volatile = policy.Reliability.Reliable(0), policy.Durability.Volatile
    if profile is Profile.COMMAND:
        return qos.Qos(reliable, volatile, policy.History.KeepLast(1))
    if profile is Profile.SENSOR:
        return qos.Qos(policy.Reliability.BestEffort, volatile, policy.History.KeepLast(10))
    return qos.Qos(reliable, policy.Durability.TransientLocal, policy.History.KeepLast(1))
