"""The page's side of a drag, without a browser: its texts, through the server's own reader, dates and hand."""

from __future__ import annotations

import json

import numpy as np

from teletwin.bench.dragged.motions import Motion
from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.hand.browser import BrowserHand
from teletwin.hand.clutch import Clutch
from teletwin.messages import PoseSample
from teletwin.session.page_input import hand_input
from teletwin.view.server_messages import PageEvent, Values, parse_message
from teletwin.view.server_times import PageTimes

PAGE_MS = 4321.0
"""Age of the page when the pointer is pressed [ms]."""
_FRAME_S = 1.0 / 60.0
_HELD_S = 0.014
"""A hand that is held still is said again this long after the last message, with a display frame [s]."""


class PageHand:
    """A pointer pressed at start_ns that follows a motion: a `hand.HandSource`.

    Args:
        motion: Where it is.
        events_s: Times of its events (n,) [s] since the press.
        handled_s: When the page handles each (n,) [s]; those of one moment go as one message.
        start_ns: When it is pressed [ns].
        home_pose: The tool's pose (7,) there.
        pixel_m: Step in which the screen knows places [m]; 0 is exact.
        stalls_s: When the page has come through each of its stalls (n,) [s]; between two it does nothing.
        knows_times: False stamps at sending and repeats nothing, as pages did before they sent events' own times.
    """

    def __init__(
        self,
        motion: Motion,
        events_s: Array,
        handled_s: Array,
        *,
        start_ns: int,
        home_pose: Array,
        pixel_m: float = 0.0,
        knows_times: bool = True,
        stalls_s: Array | None = None,
    ) -> None:
        self._stalls_s = np.zeros(0) if stalls_s is None else stalls_s
        handled_s = np.array([self._awake_s(at_s) for at_s in handled_s])
        self._events_s, self._handled_s, self._places = events_s, handled_s, motion(events_s)
        if pixel_m:
            self._places = np.round(self._places / pixel_m) * pixel_m
        self._start_ns, self._pixel_m, self._knows_times = start_ns, pixel_m, knows_times
        self._hand, self._times = BrowserHand(Clutch(tool_pose=home_pose)), PageTimes()
        self._next = self._seq = 0
        self._frame_s, self._sent_s = 0.3 * _FRAME_S, -1.0
        self._place = np.zeros(3)

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples since the last call; first all messages that have come by now are taken."""
        now_s = (now_ns - self._start_ns) / NS_PER_S
        if not self._seq and now_s >= 0.0:
            self._say(0.0, 0.0, self._place)
        while self._seq and (due_s := self._due_s()) <= now_s:
            if self._next < len(self._handled_s) and self._handled_s[self._next] <= due_s:
                self._handle(due_s)
            else:
                self._frame(due_s)
        return self._hand.poll(now_ns)

    def _due_s(self) -> float:
        handled = self._handled_s[self._next] if self._next < len(self._handled_s) else np.inf
        return float(min(handled, self._awake_s(self._frame_s)))

    def _awake_s(self, at_s: float) -> float:
        """When the page does what is due at at_s [s]."""
        after = int(np.searchsorted(self._stalls_s, at_s))
        return float(self._stalls_s[after]) if after < len(self._stalls_s) else float(at_s)

    def _handle(self, at_s: float) -> None:
        """All events of this moment in one message."""
        first = self._next
        while self._next < len(self._handled_s) and self._handled_s[self._next] <= at_s:
            self._next += 1
        rows = range(first, self._next)
        before = [[self._page_ms(self._events_s[k]), *_pose(self._places[k])] for k in rows[:-1]]
        self._place = self._places[rows[-1]]
        self._say(at_s, float(self._events_s[rows[-1]]), self._place, before=before)

    def _frame(self, at_s: float) -> None:
        """A display frame: what has not been said for a while is said again."""
        self._frame_s = max(self._frame_s, at_s) + _FRAME_S
        if self._knows_times and at_s - self._sent_s >= _HELD_S:
            self._say(at_s, at_s, self._place)

    def _page_ms(self, t_s: float) -> float:
        return PAGE_MS + 1e3 * t_s

    def _say(self, at_s: float, event_s: float, place: Array, *, before: list[list[float]] | None = None) -> None:
        self._seq += 1
        self._sent_s = at_s
        message = {"type": "input", "seq": self._seq, "hand": _pose(place), "clutch": True, "device": "mouse"}
        message["t_ms"] = self._page_ms(event_s if self._knows_times else at_s)
        if before and self._knows_times:
            message["before"] = before
        if self._pixel_m and self._knows_times:
            message["grain_m"] = self._pixel_m
        self._receive(json.dumps(message), self._start_ns + round(at_s * NS_PER_S))

    def _receive(self, text: str, received_ns: int) -> None:
        """What server and desk do with it."""
        values: Values
        kind, values = parse_message(text)
        self._times.learn(kind, values, received_ns)
        t_ns = self._times.date(kind, values, received_ns)
        event = PageEvent(kind=kind, values=values, viewer=1, t_ns=t_ns, received_ns=received_ns)
        self._hand.put(hand_input(event))


def _pose(place: Array) -> list[float]:
    return [*place.tolist(), 1.0, 0.0, 0.0, 0.0]
