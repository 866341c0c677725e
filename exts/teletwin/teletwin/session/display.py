"""What was on the screen, when: display error, motion to photon, and the frames' credit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_MS
from teletwin.geometry import Array
from teletwin.messages import Frame
from teletwin.telemetry import ErrorTrack, LatencyHistogram

_GRID_NS = 10 * NS_PER_MS
_ABSENT_NS = 1000 * NS_PER_MS
_RESTART_GAP = 100
"""A number this far behind the newest means that the renderer started again; the page judges alike."""


class DisplayTrack:
    """Follows every frame from arrival to the screen, on the operator's clock."""

    def __init__(self, hand: PoseHistory, *, errors: Sequence[ErrorTrack]) -> None:
        """Errors of the picture and of its shadows, in their order."""
        self._hand, self._errors = hand, tuple(errors)
        self._waiting: deque[tuple[int, Frame]] = deque(maxlen=64)
        self._samples: deque[int] = deque(maxlen=4096)
        self._unjudged: deque[tuple[int, Array]] = deque(maxlen=64)
        self._on_screen: Frame | None = None
        self._since_ns = 0
        self.mtp_ms = LatencyHistogram()
        """Hand sample to the first drawn frame that contains it; every sample is counted."""
        self.effective_mtp_ms = LatencyHistogram()
        """The same less the horizon that the frame looked ahead."""
        self.frame_ms = LatencyHistogram()
        """Frame ready to drawn."""
        self.delay_s = -1.0
        """Averaged generation-to-drawn time of the newest frames [s]; < 0 before the first."""
        self.drawn_count = 0
        self.byte_count = 0
        self.on_effective: Callable[[int, float], None] | None = None
        """Told when a hand sample came to the screen [ns] and how effectively late [ms]; for studies."""

    @property
    def on_screen(self) -> Frame | None:
        """The frame that was drawn last; None before the first."""
        return self._on_screen

    @property
    def since_ns(self) -> int:
        """Since when it has been on the screen [ns]."""
        return self._since_ns

    def sampled(self, t_ns: int) -> None:
        """Note a hand sample of t_ns, to be found again on the screen; it tells where the hand was until then."""
        self._samples.append(t_ns)
        while self._unjudged and self._unjudged[0][0] <= t_ns:
            self._pair(*self._unjudged.popleft())

    def arrived(self, frame: Frame, *, t_ready_ns: int) -> None:
        """Note a frame that was ready at t_ready_ns."""
        self.byte_count += len(frame.data)
        self._waiting.append((t_ready_ns, frame))

    def drawn(self, frame_id: int, t_ns: int, *, engaged: bool) -> float:
        """Note that a frame was on the screen at t_ns; return its time since ready [ms], 0 when unknown."""
        while self._waiting and self._waiting[0][1].frame_id < frame_id:
            self._waiting.popleft()
        if not self._waiting or self._waiting[0][1].frame_id != frame_id:
            return 0.0
        t_ready_ns, frame = self._waiting.popleft()
        if engaged:
            self._judge(until_ns=t_ns)
        if t_ns - self._since_ns > _ABSENT_NS:
            self._forget(frame)
        self._on_screen, self._since_ns = frame, t_ns
        self.drawn_count += 1
        if frame.pose_t_ns:
            self._match(frame, t_ns)
        latency_ms = (t_ns - t_ready_ns) / NS_PER_MS
        self.frame_ms.add(latency_ms)
        return latency_ms

    def _forget(self, frame: Frame) -> None:
        """Nobody looked for a while: what was sampled until this frame had no screen to appear on."""
        while self._samples and self._samples[0] <= frame.pose_t_ns:
            self._samples.popleft()

    def _match(self, frame: Frame, t_ns: int) -> None:
        """Motion to photon of every sample that this frame is the first to contain."""
        while self._samples and self._samples[0] <= frame.pose_t_ns:
            mtp_ms = (t_ns - self._samples.popleft()) / NS_PER_MS
            self.mtp_ms.add(mtp_ms)
            effective_ms = mtp_ms - 1e3 * frame.horizon_used_s
            self.effective_mtp_ms.add(effective_ms)
            if self.on_effective is not None:
                self.on_effective(t_ns, effective_ms)
        delay_s = (t_ns - frame.pose_t_ns) * 1e-9
        self.delay_s = delay_s if self.delay_s < 0 else self.delay_s + 0.05 * (delay_s - self.delay_s)

    def _judge(self, *, until_ns: int) -> None:
        """Display error of the frame that was on the screen, every 10 ms until the next came."""
        frame = self._on_screen
        if frame is None:
            return
        t_ns = max(self._since_ns, until_ns - 50 * _GRID_NS)
        while t_ns < until_ns:
            poses = np.stack((frame.shown_pose, *frame.shadow_poses))
            if t_ns > self._hand.newest_t_ns:  # the hand's next sample will tell where it was
                self._unjudged.append((t_ns, poses))
            else:
                self._pair(t_ns, poses)
            t_ns += _GRID_NS

    def _pair(self, t_ns: int, poses: Array) -> None:
        """Judge what was on the screen at t_ns, and what its shadows would have shown: poses (1 + k, 7)."""
        hand = self._hand.at(t_ns)
        if hand is not None:
            for error, pose in zip(self._errors, poses, strict=True):
                error.add_pair(t_ns, hand, pose)


class FrameGate:
    """Lets decodable frames through: after a lost one, nothing until a key frame, which it asks for."""

    def __init__(self) -> None:
        self._last_id = -1
        self._broken = True
        self.lost_count = 0
        self.late_count = 0

    def admit(self, frame: Frame) -> bool:
        """Tell whether the page can decode this frame; `need_key` tells whether one must be asked for."""
        if self._last_id - frame.frame_id >= _RESTART_GAP:
            self._last_id, self._broken = -1, True
        if frame.frame_id <= self._last_id:
            self.late_count += 1
            return False
        if self._last_id >= 0 and frame.frame_id != self._last_id + 1:
            self.lost_count += frame.frame_id - self._last_id - 1
            self._broken = True
        self._last_id = frame.frame_id
        if frame.is_key or frame.codec == "jpeg":
            self._broken = False
        return not self._broken

    @property
    def need_key(self) -> bool:
        """Whether frames are being dropped for want of a key frame."""
        return self._broken
