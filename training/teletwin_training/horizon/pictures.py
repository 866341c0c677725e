"""When pictures are begun and seen in one session, without motion: pace, credit, loss and key frames.

The runtime's own `Credit` and `FrameGate` decide, in the order of `session.virtual`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.geometry import IDENTITY_POSE, Array
from teletwin.link.delay import hop_seed
from teletwin.messages import SHADOWS, Frame
from teletwin.session.display import FrameGate
from teletwin.session.renderer import Credit
from teletwin.session.virtual import PictureTimes
from teletwin_training.horizon.conditions import HOPS, Schedule
from teletwin_training.horizon.hop import LOST, Hop
from teletwin_training.horizon.timing import SLOT_NS, TICK_NS, Ints, Timing

RENDER_TICK_NS = 4 * NS_PER_MS
_RATE_HZ = 30.0
_PERIOD_NS = int(NS_PER_S / _RATE_HZ)
_CATCH_UP_NS = 250 * NS_PER_MS
_KEY_RETRY_NS = 200 * NS_PER_MS
_PIECES, _PIECE_BYTES = 5, 1150
"""Datagrams of a picture, one of them parity: it is seen unless two are lost."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """Pictures f of one session, in the order in which they are begun."""

    begun_ms: Ints
    """(F,) when the shown world is advanced to now [ms]."""
    packet: Ints
    """(F,) slot of the newest packet then."""
    first_tick_ms: Ints
    """(F,) time of the first of its ticks of 4 ms [ms]."""
    tick_count: Ints
    """(F,) how many ticks it advances."""
    way_s: Array
    """(F,) what the renderer believes of the way to the screen [s]."""
    first_slot: Ints
    """(F,) first slot at which it is on the screen."""
    last_slot: Ints
    """(F,) slot after the last one; equal to first_slot for one that is never seen."""
    screen: Ints
    """(S,) picture on the screen at a slot; -1 before the first."""
    display_delay_s: Array
    """(S,) average T_render as the operator knows it [s]; -1 unknown."""


@dataclass(slots=True)
class _Viewer:
    """The operator's side: gate, key frames, the average delay."""

    gate: FrameGate
    asked_ns: int = 0
    delay_s: float = -1.0

    def drawn(self, delay_s: float) -> float:
        """Average a drawn frame's delay [s]; see session.display."""
        self.delay_s = delay_s if self.delay_s < 0.0 else self.delay_s + 0.05 * (delay_s - self.delay_s)
        return self.delay_s

    def asks_for_key(self, now_ns: int) -> bool:
        """Whether a refused frame makes it ask for a key frame."""
        ask = self.gate.need_key and now_ns - self.asked_ns > _KEY_RETRY_NS
        self.asked_ns = now_ns if ask else self.asked_ns
        return ask


class PictureRun:
    """Steps from picture to picture."""

    def __init__(self, schedule: Schedule, timing: Timing, *, seed: int, times: PictureTimes | None = None) -> None:
        self._times = times or PictureTimes()
        self._picture, self._ack = (Hop(schedule[n], hop_seed(seed, *HOPS[n])) for n in ("picture", "ack"))
        taken = np.flatnonzero(np.diff(timing.packet, prepend=-1) > 0)  # ticks at which the renderer hears something
        self._heard_ns, self._packets = taken * TICK_NS, timing.packet[taken]
        self._end_ns = timing.slot_count * SLOT_NS
        self._credit, self._viewer = Credit(), _Viewer(FrameGate())
        self._acks: list[tuple[int, int, bool, bool, float]] = []
        self._downlink_s, self._make_s = 0.03, 1e-3 * (self._times.draw_ms + self._times.encode_ms)
        self._need_key, self._tick_ns, self._last_packet = True, -NS_PER_S, -1
        self.rows: list[tuple[int, int, int, int, float]] = []
        self.drawn: list[tuple[int, int, float]] = []
        """(drawn [ns], picture, average delay [s]) of every picture that was seen."""

    def run(self) -> None:
        """Every picture of the session."""
        due_ns, free_ns, last_ns = -NS_PER_S, 0, 0  # before the start, as on a clock that has run for long
        while True:
            heard = int(np.searchsorted(self._heard_ns, last_ns, side="right" if self.rows else "left"))
            if heard == len(self._heard_ns):
                return
            now_ns = self._when_open(max(due_ns, free_ns, int(self._heard_ns[heard])))
            if now_ns >= self._end_ns:
                return
            due_ns = max(due_ns + _PERIOD_NS, now_ns + _PERIOD_NS // 2)
            free_ns = self._begin(now_ns)
            last_ns = now_ns

    def _when_open(self, now_ns: int) -> int:
        """The first millisecond from now_ns on at which credit is left; takes the acks until then."""
        now_ns = -(-now_ns // NS_PER_MS) * NS_PER_MS
        while True:
            while self._acks and self._acks[0][0] <= now_ns:
                self._acknowledged(*heapq.heappop(self._acks))
            if self._credit.is_open(now_ns, _RATE_HZ) or now_ns >= self._end_ns:
                return now_ns
            now_ns += NS_PER_MS

    def _acknowledged(self, due_ns: int, frame_id: int, was_drawn: bool, need_key: bool, latency_s: float) -> None:
        now_ns = -(-due_ns // NS_PER_MS) * NS_PER_MS
        self._credit.acknowledged(frame_id, now_ns)
        self._need_key |= need_key
        if was_drawn and 0.0 < latency_s < 1.0:
            self._downlink_s += 0.1 * (latency_s - self._downlink_s)

    def _begin(self, now_ns: int) -> int:
        """Note one picture, send it, follow it to the screen; return when the next may be begun [ns]."""
        frame_id = len(self.rows) + 1
        packet = int(self._packets[int(np.searchsorted(self._heard_ns, now_ns, side="right")) - 1])
        if now_ns - self._tick_ns > _CATCH_UP_NS:
            self._tick_ns = now_ns - RENDER_TICK_NS
        ticks = (now_ns - self._tick_ns) // RENDER_TICK_NS
        first_ns = self._tick_ns + RENDER_TICK_NS
        self._tick_ns += ticks * RENDER_TICK_NS
        self._last_packet = packet if ticks else self._last_packet
        self.rows.append((now_ns // NS_PER_MS, packet, first_ns // NS_PER_MS, ticks, self._make_s + self._downlink_s))
        force_key, self._need_key = self._need_key, False
        self._credit.sent(frame_id, now_ns)
        ready_ns = now_ns + int((self._times.draw_ms + self._times.encode_ms) * NS_PER_MS)
        self._send(frame_id, ready_ns, is_key=force_key)
        return ready_ns

    def _send(self, frame_id: int, ready_ns: int, *, is_key: bool) -> None:
        arrived_ns = sorted(self._picture.offer(ready_ns, _PIECE_BYTES) for _ in range(_PIECES))[-2]
        if arrived_ns == LOST:
            return
        now_ns = max(-(-arrived_ns // NS_PER_MS) * NS_PER_MS, ready_ns + NS_PER_MS)  # the operator's turn comes first
        if not self._viewer.gate.admit(_frame(frame_id, is_key)):
            ask = self._viewer.asks_for_key(now_ns)
            self._reply(now_ns, frame_id, was_drawn=False, need_key=ask, latency_s=0.0)
            return
        drawn_ns = now_ns + int(self._times.decode_draw_ms * NS_PER_MS)
        pose_ns = SLOT_NS * self._last_packet
        self.drawn.append((drawn_ns, frame_id - 1, self._viewer.drawn((drawn_ns - pose_ns) * 1e-9)))
        self._reply(drawn_ns, frame_id, was_drawn=True, need_key=False, latency_s=(drawn_ns - ready_ns) * 1e-9)

    def _reply(self, now_ns: int, frame_id: int, *, was_drawn: bool, need_key: bool, latency_s: float) -> None:
        due_ns = self._ack.offer(now_ns, 60)
        if due_ns != LOST:
            heapq.heappush(self._acks, (due_ns, frame_id, was_drawn, need_key, latency_s))


def time_pictures(schedule: Schedule, timing: Timing, *, seed: int, times: PictureTimes | None = None) -> Pictures:
    """Pictures of the session whose packets these are."""
    run = PictureRun(schedule, timing, seed=seed, times=times)
    run.run()
    rows = np.array(run.rows, dtype=np.float64).reshape(-1, 5)
    drawn_ns = np.array([d[0] for d in run.drawn], dtype=np.int64)
    picture = np.array([d[1] for d in run.drawn], dtype=np.int32)
    slots_ns = SLOT_NS * np.arange(timing.slot_count, dtype=np.int64)
    newest = np.searchsorted(drawn_ns, slots_ns, side="right") - 1
    seen = newest >= 0
    screen = np.where(seen, picture[np.maximum(newest, 0)] if len(picture) else -1, -1).astype(np.int32)
    delays = np.array([d[2] for d in run.drawn]) if run.drawn else np.zeros(1)
    first, last = _on_screen(screen, len(rows))
    return Pictures(
        begun_ms=rows[:, 0].astype(np.int32),
        packet=rows[:, 1].astype(np.int32),
        first_tick_ms=rows[:, 2].astype(np.int32),
        tick_count=rows[:, 3].astype(np.int32),
        way_s=rows[:, 4].copy(),
        first_slot=first,
        last_slot=last,
        screen=screen,
        display_delay_s=np.where(seen, delays[np.maximum(newest, 0)], -1.0),
    )


def _on_screen(screen: Ints, count: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First slot of each picture on the screen, and the slot after its last."""
    first = np.zeros(count, dtype=np.int32)
    last = np.zeros(count, dtype=np.int32)
    starts = np.flatnonzero(np.diff(screen, prepend=-1) != 0)
    ends = np.append(starts[1:], len(screen))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if screen[start] >= 0:
            first[screen[start]], last[screen[start]] = start, end
    return first, last


_NOTHING = IDENTITY_POSE
_NOTHINGS = np.tile(IDENTITY_POSE, (len(SHADOWS), 1))


def _frame(frame_id: int, is_key: bool) -> Frame:
    """What a gate looks at."""
    return Frame(
        frame_id=frame_id,
        codec="h264",
        is_key=is_key,
        width=0,
        height=0,
        input_seq=0,
        pose_t_ns=0,
        shown_pose=_NOTHING,
        shadow_poses=_NOTHINGS,
        horizon_used_s=0.0,
        stages_ms={},
        t_ready_ns=0,
        data=b"",
    )
