"""What forecasting has been worth lately, and how far it is therefore followed.

When the hand's pose of an instant has come, it tells what was still missing then: r, from where the loop was to where
the hand was. Where f is what the forecast for that instant was ahead of the pose that it was made from, and g the gain
it was followed with, the gain that would have been best is g + r.f / f.f. So whatever forecasts lose on their way
(filters, limits, jitter, a wrist that turns the tool away) counts. Position and orientation are judged apart.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.messages import ForecastPacket
from teletwin.twin.reference import Quat, Vector, turn_between
from teletwin.twin.target import BoundTarget, evaluate_curve

_EVERY_NS = 30 * NS_PER_MS
_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthCfg:
    """How fast gains are learned."""

    memory_s: float = 8.0
    """Time constant of the memory [s]."""
    trust_m: float = 0.001
    """Forecasts are taken to be right until they have looked this far ahead, root mean square over the memory [m]."""
    trust_rad: float = 0.01
    """The same for orientation [rad]."""

    def __post_init__(self) -> None:
        if not (0.1 <= self.memory_s <= 600.0 and self.trust_m > 0.0 < self.trust_rad):
            raise ConfigError("the worth of forecasts cannot be learned so", given=self)


@dataclass(frozen=True, slots=True)
class _Foreseen:
    """What a forecast was ahead of its pose, and the gains that it was followed with."""

    t_ns: int
    moved: Vector
    turned: Vector
    gain: float
    turn_gain: float


class _Gain:
    """The best gain of one part: sums over the memory, beginning with trust."""

    def __init__(self, cfg: WorthCfg, trust: float) -> None:
        self._cfg, self._trust = cfg, trust * trust
        self._along = self._square = 0.0
        self.value = 1.0

    def learn(self, keep: float, ahead: Vector, missing: Vector, gain: float) -> None:
        """Take one moment, which weighs 1 - keep."""
        square = sum(f * f for f in ahead)
        along = sum(r * f for r, f in zip(missing, ahead, strict=True)) + gain * square
        self._along = keep * self._along + (1.0 - keep) * along
        self._square = keep * self._square + (1.0 - keep) * square
        best = (self._along + self._trust) / (self._square + self._trust)
        self.value = min(max(best, 0.0), 1.0)


class ForecastWorth:
    """Gains (0 ... 1) for position and orientation of a path's forecasts, learned while it runs."""

    def __init__(self, cfg: WorthCfg | None = None) -> None:
        self._cfg = cfg = cfg or WorthCfg()
        self._position, self._turn = _Gain(cfg, cfg.trust_m), _Gain(cfg, cfg.trust_rad)
        self._hand = PoseHistory(capacity=512)
        self._foreseen: deque[_Foreseen] = deque(maxlen=_KEPT)
        self._waiting: deque[tuple[int, Array]] = deque(maxlen=_KEPT)
        self._foreseen_ns = self._moved_ns = self._learned_ns = 0

    @property
    def gains(self) -> tuple[float, float]:
        """For position and for orientation."""
        return self._position.value, self._turn.value

    def foresees(self, now_ns: int, *, ahead_s: float, packet: ForecastPacket, bound: BoundTarget) -> None:
        """Take what is followed at now_ns for motion that becomes real ahead_s [s] later; a few dozen a second."""
        if abs(now_ns - self._foreseen_ns) < _EVERY_NS:
            return
        self._foreseen_ns = now_ns
        pose, start = evaluate_curve(packet, bound.horizon_s, bound.horizon_orientation_s), packet.pose
        x, y, z = (pose[:3] - start[:3]).tolist()
        turned = turn_between(_quat(start), _quat(pose))
        self._foreseen.append(_Foreseen(now_ns + int(1e9 * ahead_s), (x, y, z), turned, *self.gains))

    def moved_to(self, t_ns: int, tool: Callable[[], Array]) -> None:
        """Take the tool's pose (7,) at t_ns on this host's clock; a few dozen a second."""
        if abs(t_ns - self._moved_ns) >= _EVERY_NS:
            self._moved_ns = t_ns
            self._waiting.append((t_ns, tool()))

    def hand_was(self, t_ns: int, pose: Array) -> None:
        """Take the hand's pose (7,) of an instant on this host's clock, and learn from it."""
        if not self._hand.append(t_ns, pose):
            return
        while self._waiting and self._waiting[0][0] <= t_ns:
            at_ns, tool = self._waiting.popleft()
            hand, foreseen = self._hand.at(at_ns), self._foreseen_for(at_ns)
            if hand is not None and foreseen is not None:
                self._learn(at_ns, hand, tool, foreseen)

    def _foreseen_for(self, t_ns: int) -> _Foreseen | None:
        """What was foreseen for t_ns; None where nothing was."""
        while len(self._foreseen) > 1 and self._foreseen[1].t_ns <= t_ns:
            self._foreseen.popleft()
        newest = self._foreseen[0] if self._foreseen else None
        return newest if newest is not None and abs(t_ns - newest.t_ns) <= 2 * _EVERY_NS else None

    def _learn(self, t_ns: int, hand: Array, tool: Array, foreseen: _Foreseen) -> None:
        elapsed_s = min(max((t_ns - self._learned_ns) / NS_PER_S, 0.0), 0.2)
        self._learned_ns = t_ns
        keep = math.exp(-elapsed_s / self._cfg.memory_s)
        x, y, z = (hand[:3] - tool[:3]).tolist()
        self._position.learn(keep, foreseen.moved, (x, y, z), foreseen.gain)
        self._turn.learn(keep, foreseen.turned, turn_between(_quat(tool), _quat(hand)), foreseen.turn_gain)


def _quat(pose: Array) -> Quat:
    w, x, y, z = pose[3:].tolist()
    return w, x, y, z
