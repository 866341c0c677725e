"""A hand as it is known at the far end of a network: late, unsteady, and forecast by as much as it is late.

The same pieces as in teletwin's loop, one after the other: every sample is forecast where it is made, travels on the
imitated network, and is read where it arrives at its exact age (late binding). A filter makes a smooth motion of it.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import ConfigError
from teletwin.forecast import DEFAULT_FORECASTER, WINDOW_COUNT, WINDOW_STEP_S, build_forecaster
from teletwin.geometry import Array, is_valid_pose
from teletwin.link.delay import DelayLine, check_settings, hop_seed
from teletwin.messages import CURVE_KNOTS, HORIZON_MAX_S, ForecastPacket, Horizons, LinkSettings, Mode, PoseSample
from teletwin.session.hand_window import HandWindow
from teletwin.twin.target import PathCfg, TargetStream

_WINDOW_STEP_NS = round(WINDOW_STEP_S * NS_PER_S)
_TICK_NS = 5 * NS_PER_MS
_PAUSE_NS = 100 * NS_PER_MS
_PACKET_BYTES = 800
"""About what a pose with its curve takes on teletwin's wire."""
_LATE = Horizons(late_binding_control=True, late_binding_render=True)
_OLDEST_NS = NS_PER_S
"""Older samples are dropped on arrival, as on teletwin's links."""
_SILENCE_NS = 200 * NS_PER_MS
"""Where nothing has arrived for longer, the pose is held: no forecast is followed to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateHandCfg:
    """The network between hand and robot, and how its delay is made up for."""

    link: LinkSettings = field(default_factory=lambda: LinkSettings(delay_ms=50.0, jitter_ms=10.0))
    forecaster: str = DEFAULT_FORECASTER
    """One of `teletwin.forecast.FORECASTERS`."""
    predict: bool = True
    """False gives the delay alone: the pose as it arrives."""
    robot_lag_ms: float = 0.0
    """How far the robot stays behind its commands [ms]; looked ahead as well."""
    smooth: bool = True
    """Make a smooth motion of forecasts that jump from packet to packet."""
    seed: int = 0
    """Of the network; the same seed and times give the same delays."""

    def __post_init__(self) -> None:
        check_settings(self.link)
        if not 0.0 <= self.robot_lag_ms <= 1000.0 * HORIZON_MAX_S or self.seed < 0:
            raise ConfigError(
                "robot_lag_ms or seed cannot be used",
                given=f"{self.robot_lag_ms}, {self.seed}",
                allowed=f"0 ... {1000.0 * HORIZON_MAX_S:g} ms, 0 or more",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What the far end knows."""

    pose: Array
    """(7,) position [m] and quaternion wxyz: where the hand is now, as forecast."""
    rest: Any
    """What came beside the newest pose, such as the gripper's word."""
    age_ms: float
    """How old the newest sample that has arrived is [ms]."""


class LateHand:
    """Takes samples where the hand is, tells poses where the robot is; times on one clock [ns] that never decrease."""

    def __init__(self, cfg: LateHandCfg | None = None) -> None:
        self.cfg = cfg = cfg or LateHandCfg()
        self._forecaster = build_forecaster(cfg.forecaster)
        self._curve = np.zeros((CURVE_KNOTS, 7))
        self._stream = TargetStream(PathCfg(predict=cfg.predict, feed_forward=cfg.predict and cfg.smooth))
        self.reset()

    def reset(self) -> None:
        """Forget the hand, and what is under way; the network begins anew."""
        self._forecaster.reset()
        self._stream.reset()
        self._window = HandWindow(PoseHistory(capacity=2048))
        self._line = DelayLine(self.cfg.link, hop_seed(self.cfg.seed, "operator", "twin"))
        self._under_way: list[tuple[int, int, ForecastPacket, Any]] = []
        self._number = self._heard_ns = 0
        self._at_ns: int | None = None
        self._rest: Any = None
        self._pose: Array | None = None

    def take(self, t_ns: int, pose: Array, rest: Any = None) -> bool:
        """Send a sample (7,), wxyz, of t_ns on its way; False when it is no pose, or not newer than the last."""
        if not is_valid_pose(pose) or not self._window.append(PoseSample(t_ns=t_ns, pose=pose)):
            return False
        window = self._window.window(WINDOW_COUNT, step_ns=_WINDOW_STEP_NS)
        self._forecaster.forecast(window, out=self._curve)
        packet = ForecastPacket(
            t_ns=t_ns, pose=window[-1].copy(), curve=self._curve.copy(), horizons=_LATE, mode=Mode.ENGAGED
        )
        for due_ns in self._line.offer(t_ns, _PACKET_BYTES):
            self._number += 1
            heapq.heappush(self._under_way, (due_ns, self._number, packet, rest))
        return True

    def at(self, now_ns: int) -> Arrived | None:
        """What is known at now_ns; None before the first arrival."""
        for t_ns in self._ticks(now_ns):
            self._receive(t_ns)
            self._follow(t_ns)
        packet = self._stream.packet
        if packet is None or self._pose is None:
            return None
        return Arrived(pose=self._pose, rest=self._rest, age_ms=(now_ns - packet.t_ns) / NS_PER_MS)

    def _follow(self, now_ns: int) -> None:
        """The pose of this moment; held while nothing arrives."""
        if now_ns - self._heard_ns > _SILENCE_NS:
            self._stream.rest()
            return
        bound = self._stream.at(now_ns, downstream_s=1e-3 * self.cfg.robot_lag_ms)
        self._pose = self._pose if bound is None else bound.target.pose

    def _ticks(self, now_ns: int) -> range | list[int]:
        """Moments since the last call at which targets are followed; the filter wants them close together."""
        last_ns, self._at_ns = self._at_ns, now_ns
        if last_ns is None or not 0 < now_ns - last_ns < _PAUSE_NS:
            return [now_ns]
        count = -(-(now_ns - last_ns) // _TICK_NS)
        return [last_ns + (now_ns - last_ns) * (i + 1) // count for i in range(count)]

    def _receive(self, now_ns: int) -> None:
        """Take what has arrived; what is older than the newest was overtaken."""
        while self._under_way and self._under_way[0][0] <= now_ns:
            _, _, packet, rest = heapq.heappop(self._under_way)
            newest = self._stream.packet
            if now_ns - packet.t_ns <= _OLDEST_NS and (newest is None or packet.t_ns > newest.t_ns):
                self._stream.accept(packet, pose_t_ns=packet.t_ns)
                self._rest, self._heard_ns = rest, now_ns
