"""Who looks at the page: who drives, and those who watch; each with an outbox of its own.

The driver's credit is end to end: its acks go to the renderer, which stops by itself. While nobody drives, every
picture's credit is given back at once. An outbox bounds what a stuck viewer may owe; past that the viewer waits for a
key frame and holds up nobody. An observer that falls behind gets the slow stream's pictures (`slow_stream`), the newest
whenever it has taken those before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from teletwin.view.server_pace import Pace

UNACKED_MAX = 8
SLOW_UNACKED_MAX = 2
KEY_REQUEST_GAP_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFrame:
    """A picture ready to send."""

    frame_id: int
    stands_alone: bool
    """A key frame or a JPEG: it needs none of the pictures before it."""
    message: bytes
    is_state: bool = False
    """No picture but what it would show: the newest is all that a viewer needs."""


_TELEMETRY_WAITS = 6
"""A slow observer gets one row of numbers in so many: all would fill its link, fewer would be too old to believe."""
_TEXTS_MAX = 64
"""Texts that wait for a page that does not read; the oldest go first."""


class Viewer:
    """One connection: what it still has to be sent, and which pictures it has not acknowledged."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.waits_for_key = True
        self.pace = Pace()
        self.unacked: deque[int] = deque()
        self._texts: deque[str] = deque(maxlen=_TEXTS_MAX)
        self._frames: deque[bytes] = deque()
        self._standing: str | None = None
        self._telemetry: str | None = None
        self._held_telemetry = 0
        self._small: PackedFrame | None = None
        self._state: PackedFrame | None = None
        self._wake = asyncio.Event()
        self._enable_seq = 0

    def enables(self, seq: int) -> bool:
        """Whether a word of its enabling input is newer than those before."""
        is_new, self._enable_seq = seq > self._enable_seq, max(seq, self._enable_seq)
        return is_new

    def offer_frame(self, frame: PackedFrame) -> bool:
        """Queue a picture; False when the viewer is stuck or waits for a key frame."""
        if len(self.unacked) >= UNACKED_MAX or (self.waits_for_key and not frame.stands_alone):
            self.waits_for_key = True
            return False
        self.waits_for_key = False
        self._queue(frame)
        return True

    def offer_state(self, frame: PackedFrame) -> int | None:
        """Put the newest state in its slot; returns the number of one that will not be sent, this one's where stuck."""
        if len(self.unacked) >= UNACKED_MAX:
            return frame.frame_id
        before, self._state = self._state, frame
        if before is not None and before.frame_id in self.unacked:  # a page may acknowledge what it never got
            self.unacked.remove(before.frame_id)
        self.unacked.append(frame.frame_id)
        self._wake.set()
        return None if before is None else before.frame_id

    def offer_small(self, frame: PackedFrame, now_ns: int) -> None:
        """Queue a picture of the slow stream once those before it are taken, unless a newer one comes first."""
        self._small = frame
        self._queue_small(now_ns)

    def slow_down(self, now_ns: int) -> None:
        """It has fallen behind: what was not sent yet is dropped."""
        self.pace.slow_down(now_ns)
        while self._frames:
            self._frames.pop()
            if self.unacked:  # a page may acknowledge what it never got
                self.unacked.pop()

    def speed_up(self) -> None:
        """It gets all pictures again, from the next key frame on."""
        self.pace.speed_up()
        self.waits_for_key, self._small = True, None

    def _queue(self, frame: PackedFrame) -> None:
        self.unacked.append(frame.frame_id)
        self._frames.append(frame.message)
        self._wake.set()

    def _queue_small(self, now_ns: int) -> None:
        if self._small is None or len(self.unacked) >= SLOW_UNACKED_MAX:
            return
        frame, self._small = self._small, None
        if not self.unacked or frame.frame_id > self.unacked[-1]:
            self.pace.sent(frame.frame_id, now_ns)
            self._queue(frame)

    def offer_text(self, text: str) -> None:
        """Queue a text that must arrive."""
        self._texts.append(text)
        self._wake.set()

    def offer_standing(self, text: str) -> None:
        """Put how control stands in its slot; one that was not sent yet is replaced, however often it changes."""
        self._standing = text
        self._wake.set()

    def offer_telemetry(self, text: str) -> None:
        """Put the newest telemetry in its slot; one that was not sent yet is replaced."""
        self._held_telemetry += 1
        if self.pace.is_slow and self._held_telemetry < _TELEMETRY_WAITS:
            return
        self._telemetry, self._held_telemetry = text, 0
        self._wake.set()

    def acknowledge(self, frame_id: int, *, need_key: bool, now_ns: int = 0) -> bool:
        """Take a picture and those before it off the list; False when it was not on it."""
        self.pace.acknowledged(frame_id, now_ns)
        self.waits_for_key = self.waits_for_key or need_key
        if frame_id not in self.unacked:
            return False
        while self.unacked.popleft() != frame_id:
            continue
        if self.pace.is_slow:
            self._queue_small(now_ns)
        return True

    async def outgoing(self) -> list[bytes | str]:
        """Wait until there is something to send and take it; pictures go first."""
        await self._wake.wait()
        self._wake.clear()
        newest = (text for text in (self._standing, self._telemetry) if text is not None)
        state = [self._state.message] if self._state is not None else []
        batch: list[bytes | str] = [*self._frames, *state, *self._texts, *newest]
        self._state = None
        self._frames.clear()
        self._texts.clear()
        self._standing = self._telemetry = None
        return batch


class Viewers:
    """All viewers in the order in which they came, and which of them drives. Lives on the server's loop."""

    def __init__(self, *, on_lost: Callable[[int, bool], None], on_need_key: Callable[[int], None]) -> None:
        self._viewers: list[Viewer] = []
        self._driver: Viewer | None = None
        self._settled: frozenset[int] = frozenset()
        """Pictures that the driver got before it drove: their credit was given back then."""
        self._next_number = 1
        self._on_lost = on_lost
        self._on_need_key = on_need_key
        self._key_asked_ns = -KEY_REQUEST_GAP_NS
        self.skipped_count = 0

    def __len__(self) -> int:
        return len(self._viewers)

    def __iter__(self) -> Iterator[Viewer]:
        return iter(self._viewers)

    @property
    def driver(self) -> Viewer | None:
        """Who drives; None for nobody."""
        return self._driver

    def find(self, number: int) -> Viewer | None:
        """The viewer with a number; None when it is gone."""
        return next((viewer for viewer in self._viewers if viewer.number == number), None)

    def let_drive(self, number: int) -> None:
        """From now on this viewer's acks are the credit; 0 for nobody. What the one before owed is given back."""
        if self._driver is not None:
            for frame_id in self._driver.unacked:
                if frame_id not in self._settled:
                    self._on_lost(frame_id, False)
        self._driver = self.find(number)
        self._settled = frozenset(self._driver.unacked if self._driver is not None else ())
        if self._driver is not None and self._driver.pace.is_slow:
            self._driver.speed_up()

    @property
    def slow_count(self) -> int:
        """How many observers take the slow stream."""
        return sum(viewer.pace.is_slow for viewer in self._viewers)

    def add(self) -> Viewer:
        """Let a viewer in."""
        viewer = Viewer(self._next_number)
        self._next_number += 1
        self._viewers.append(viewer)
        return viewer

    def remove(self, viewer: Viewer) -> None:
        """Let a viewer go and give its credit back."""
        if viewer is self._driver:
            self.let_drive(0)
        self._viewers.remove(viewer)

    def send_frame(self, frame: PackedFrame, now_ns: int) -> None:
        """Offer a picture to everybody; what the driver cannot take is reported lost at once."""
        if self._driver is None:
            self._on_lost(frame.frame_id, False)
        if frame.is_state:
            self._send_state(frame)
            return
        for viewer in self._viewers:
            if viewer.pace.is_slow and not self._tries_again(viewer, now_ns):
                continue
            if viewer.offer_frame(frame):
                continue
            self.skipped_count += 1
            is_stuck = len(viewer.unacked) >= UNACKED_MAX
            if viewer is self._driver:
                self._on_lost(frame.frame_id, True)
            elif is_stuck:
                viewer.slow_down(now_ns)
            if not is_stuck:
                self.ask_key(viewer.number, now_ns)

    def _send_state(self, frame: PackedFrame) -> None:
        """Offer a state to everybody; each of the driver's that is overtaken or does not fit is given back."""
        for viewer in self._viewers:
            lost = viewer.offer_state(frame)
            if lost is None:
                continue
            self.skipped_count += 1
            if viewer is self._driver and lost not in self._settled:
                self._on_lost(lost, False)

    def send_small(self, frame: PackedFrame, now_ns: int) -> None:
        """Offer a picture of the slow stream to those who take it."""
        for viewer in self._viewers:
            if viewer.pace.is_slow:
                viewer.offer_small(frame, now_ns)

    def ask_key(self, number: int, now_ns: int) -> None:
        """Ask for a key frame, seldom: it takes from the pictures of all."""
        if now_ns - self._key_asked_ns >= KEY_REQUEST_GAP_NS:
            self._key_asked_ns = now_ns
            self._on_need_key(number)

    def _tries_again(self, viewer: Viewer, now_ns: int) -> bool:
        """Whether an observer goes back to all pictures now."""
        if viewer.unacked or not viewer.pace.may_try(now_ns):
            return False
        viewer.speed_up()
        return True

    def send_telemetry(self, text: str) -> None:
        """Offer telemetry to everybody."""
        for viewer in self._viewers:
            viewer.offer_telemetry(text)
