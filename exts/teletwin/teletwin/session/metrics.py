"""What a session measured, on the operator's clock: errors at equal instants, ages, stages, counts."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable

import numpy as np

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.geometry import Array
from teletwin.messages import SHADOWS, Mode, TwinStatus
from teletwin.session.display import DisplayTrack
from teletwin.smoothness import ToolTrack
from teletwin.telemetry import ErrorTrack, LatencyHistogram, best_lag_ms

_STAGES = ("sense_to_send", "uplink", "command_link", "frame_wait", "policy_physics", "draw", "encode")
_TRACK_MAX = 60_000
"""States from which the lag is found: the first eight minutes."""
_WAITING_MAX = 64
_SAME_STATE_NS = NS_PER_MS
"""States of the arm are further apart; the clocks' offset may move one by less."""


class SessionMetrics:
    """Gathers what the report and the page show."""

    def __init__(self, *, tool_pose: Callable[[Array], Array], settle_s: float = 3.0) -> None:
        self._tool_pose, self._settle_ns = tool_pose, int(settle_s * NS_PER_S)
        self.settle_s = settle_s
        self.hand = PoseHistory(capacity=8192)
        self.control, self.shown = ErrorTrack(), ErrorTrack()
        self.control_shadows = {name: ErrorTrack() for name in SHADOWS}
        self.shown_shadows = {name: ErrorTrack() for name in SHADOWS}
        self.display = DisplayTrack(self.hand, errors=(self.shown, *self.shown_shadows.values()))
        self.aol_ms, self.pose_age_at_arm_ms = LatencyHistogram(), LatencyHistogram()
        self.stages_ms = {name: LatencyHistogram() for name in _STAGES}
        self.page_mtp_ms = LatencyHistogram()
        self.held_back: Counter[str] = Counter()
        """Statuses of an arm that followed, by what held it back most; empty where nothing did."""
        self.horizon_control_ms, self.horizon_render_ms = LatencyHistogram(), LatencyHistogram()
        self.tool, self.tool_shadows = ToolTrack(), {name: ToolTrack() for name in SHADOWS}
        self._engaged_since_ns = -1
        self._arm_ns = -_SAME_STATE_NS
        self._waiting: deque[tuple[int, Array]] = deque(maxlen=_WAITING_MAX)
        # Written to now: memory that fills while a session runs looks like a leak.
        self._arm_track, self._arm_track_count = np.full((_TRACK_MAX, 2 + len(SHADOWS), 3), np.nan), 0
        self._arm_track_ns, self._arm_track_start_ns = np.full(_TRACK_MAX, np.nan), 0

    def engaged(self, now_ns: int, mode: Mode) -> None:
        """Note the mode of this slot; errors count only when settled, so long after the arm has come near the hand."""
        if mode is not Mode.ENGAGED:
            self._engaged_since_ns = -1
        elif self._engaged_since_ns < 0:
            self._engaged_since_ns = now_ns

    def is_settled(self, now_ns: int) -> bool:
        """Whether the arm has followed long enough for its error to count."""
        return self._engaged_since_ns >= 0 and now_ns - self._engaged_since_ns > self._settle_ns

    def sampled(self, t_ns: int, pose: Array) -> None:
        """Note a hand sample."""
        if self.hand.append(t_ns, pose):
            self.display.sampled(t_ns)
            self._track_arm()

    def arm_measured(self, t_ns: int, status: TwinStatus) -> None:
        """Note an arm state measured at t_ns on the operator's clock."""
        if 0 <= t_ns - self._arm_ns < _SAME_STATE_NS:
            return  # told again: the arm has said nothing since
        self._arm_ns, arm = t_ns, status.arm
        if 0 < arm.pose_t_ns <= t_ns:  # or else a host's clock was set anew, and its peers do not know it yet
            self.pose_age_at_arm_ms.add((t_ns - arm.pose_t_ns) / NS_PER_MS)
        if arm.mode is Mode.ENGAGED:
            self.held_back[status.held_back_by or arm.held_back_by] += 1
        if status.is_approaching and self._engaged_since_ns >= 0:
            self._engaged_since_ns = max(self._engaged_since_ns, t_ns)
        if not self.is_settled(t_ns) or arm.mode is not Mode.ENGAGED:
            return
        poses = np.stack([self._tool_pose(q) for q in (arm.q, *arm.q_shadows)])
        self._waiting.append((t_ns, poses))
        self._track_arm()

    def _track_arm(self) -> None:
        """Judge the arm: it is often heard of before the hand's next sample tells where the hand was then."""
        while self._waiting and self._waiting[0][0] <= self.hand.newest_t_ns:
            t_ns, poses = self._waiting.popleft()
            hand, row = self.hand.at(t_ns), self._arm_track_count
            if hand is None:
                continue
            for error, pose in zip((self.control, *self.control_shadows.values()), poses, strict=True):
                error.add_pair(t_ns, hand, pose)
            for tool, pose in zip((self.tool, *self.tool_shadows.values()), poses, strict=True):
                tool.add(t_ns, hand[:3], pose[:3])
            if row == _TRACK_MAX:
                continue
            self._arm_track_start_ns = self._arm_track_start_ns or t_ns
            self._arm_track_ns[row] = t_ns - self._arm_track_start_ns
            self._arm_track[row, 0], self._arm_track[row, 1:] = hand[:3], poses[:, :3]
            self._arm_track_count += 1

    def lags_ms(self) -> list[float | None]:
        """Lag that best aligns arm and hand [ms]: with forecasting, and of each shadow."""
        count = self._arm_track_count
        if count < 100:
            return [None] * (1 + len(SHADOWS))
        times, track = self._arm_track_ns[:count], self._arm_track[:count]
        lags_ms = [best_lag_ms(times, track[:, 0], track[:, number]) for number in range(1, track.shape[1])]
        return [None if math.isnan(lag_ms) else lag_ms for lag_ms in lags_ms]
