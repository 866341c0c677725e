"""When things happened at a page, by the server's clock: one page's times, mapped and bounded."""

from __future__ import annotations

from teletwin.clock import NS_PER_MS
from teletwin.sender_clock import SenderClock
from teletwin.view.server_messages import Values

BACKDATE_MAX_NS = 1_000_000_000
"""How far back the page may date an input or a draw; anything else counts from its receipt."""


class PageTimes:
    """Dates what one page says. Inputs bring the time of the event itself, which came before it was sent."""

    def __init__(self) -> None:
        self._clock = SenderClock()

    def learn(self, kind: str, values: Values, received_ns: int) -> None:
        """Take any message; those with a page's time tell how far apart the clocks are."""
        t_ms = values.get("t_ms")
        if t_ms is not None:
            self._clock.learn(round(t_ms * NS_PER_MS), received_ns, is_by_timer=kind == "ping")

    def date(self, kind: str, values: Values, received_ns: int) -> int:
        """When it happened [ns]; takes the page's own time out of the values, and dates the hand's way in them."""
        claimed_ns = values.pop("server_ns", None)
        is_fit = claimed_ns is not None and received_ns - BACKDATE_MAX_NS <= claimed_ns <= received_ns
        if kind != "input":
            return claimed_ns if is_fit and claimed_ns is not None else received_ns
        t_ns = received_ns
        if values["t_ms"] is not None and (is_fit or claimed_ns is None):
            stamp_ns = round(values["t_ms"] * NS_PER_MS)
            t_ns = self._clock.at(stamp_ns, received_ns, claimed_ns=claimed_ns)
        values["before"] = [
            (t_ns - round((values["t_ms"] - t_ms) * NS_PER_MS), pose)
            for t_ms, pose in values["before"]
            if t_ms < values["t_ms"] and not self._clock.is_coarse
        ]
        return t_ns
