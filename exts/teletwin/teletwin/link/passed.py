"""What has passed the imitated network: greetings are answered, the rest is read; the same for every transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from teletwin.link import Received
from teletwin.link.endpoint import Endpoint
from teletwin.link.greeting import Greeting
from teletwin.link.ingress import Ingress


def read_passed(
    ingress: Ingress, endpoint: Endpoint, now_ns: int, greet: Callable[[Greeting, int, Any], None]
) -> Iterator[Received]:
    """Messages that have passed by now_ns [ns], oldest first; `greet` answers a greeting where it came from."""
    for due_ns, _, (datagram, body, _, source) in ingress.leave(now_ns):
        if isinstance(datagram, Greeting):
            greet(datagram, due_ns, source)
            continue
        item = endpoint.read(datagram, body, due_ns)
        if item is not None:
            yield item
