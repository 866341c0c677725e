"""A smooth motion through targets that jump: what the motion policy follows instead of the targets themselves.

Each packet brings another forecast, so the target jumps with every packet and whenever the network changes the
horizon. The filter below passes slow motion unchanged and falls off towards high frequencies:

    F(s) = (1 + b T s) / ((1 + T s / r) (1 + 2 z T s + T^2 s^2)),   b = 2 z + 1 / r where there is no doubt

A forecast errs over about its own horizon, so the time constant T grows with the horizon: what the hand cannot have
done within a share of it is taken for noise. How far forecasts are to be believed shows in the jumps themselves:
where they are large beside the motion, there is doubt, T grows further and b shrinks. Lag costs less than jumps then.
Position and orientation are filtered and doubted apart, the latter as rotation vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from teletwin.errors import ConfigError
from teletwin.geometry import Array

Vector = tuple[float, float, float]
Quat = tuple[float, float, float, float]

STEP_MAX_S = 0.01
"""A longer tick counts as this one [s]."""
MOTION_FLOOR, TURN_FLOOR = 0.1**2, 0.3**2
"""Slower motion counts as if it were as fast as this, squared: [m^2/s^2], [rad^2/s^2]. Doubt is for the jumps that an
arm feels; a slow, precise hand has small ones, and the lag that doubt brings costs it more than they do."""
_SLOT_S = 0.01
"""Packets come this often; doubt compares what happens within it [s]."""
_STILL = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCfg:
    """How smooth the motion is that targets are turned into."""

    time_s: float = 0.026
    """Time constant without a horizon [s]."""
    horizon_share: float = 0.078
    """Its growth with the horizon [s/s]."""
    damping: float = 0.45
    """z: below 1 it overshoots more and falls off sooner."""
    entry: float = 6.0
    """r: by how much the pole before it is faster."""
    doubt_from: float = 0.65
    """Jumps of a slot over the motion of a slot at which doubt begins."""
    doubt_span: float = 1.2
    """Doubt is whole where that ratio is larger by this."""
    doubt_time: float = 0.3
    """By what share doubt lengthens the time constant."""
    doubt_lag: float = 0.1
    """What share of the lead doubt takes away."""
    averaging_s: float = 0.5
    """Time constant of the average horizon and of the doubt [s]: the filter shall not change with every packet."""

    def __post_init__(self) -> None:
        limits = {
            "time_s": (0.01, 0.2),
            "horizon_share": (0.0, 1.0),
            "damping": (0.2, 1.5),
            "entry": (1.0, 20.0),
            "doubt_from": (0.0, 100.0),
            "doubt_span": (0.01, 100.0),
            "doubt_time": (0.0, 10.0),
            "doubt_lag": (0.0, 1.0),
            "averaging_s": (0.01, 10.0),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not least <= value <= most:
                allowed = f"{least:g} ... {most:g}"
                raise ConfigError(f"{name} of the reference is out of range", given=value, allowed=allowed)


@dataclass(frozen=True, slots=True)
class _Gains:
    """The filter's coefficients for one tick."""

    dt_s: float
    share: float
    """Of the way that the entry goes."""
    stiffness: float
    damping: float
    lead: float


class _Doubt:
    """How large the jumps of the targets are beside their motion, 0 ... 1; in metres or radians."""

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self.restart()

    def restart(self) -> None:
        self._jumps = self._motion = 0.0
        self._step: Vector | None = None

    def update(self, share: float, dt_s: float, step: Vector, motion: Vector, cfg: ReferenceCfg) -> float:
        """Take the target's step in a tick, which jumps where it differs from the one before, and a velocity."""
        (x, y, z), (a, b, c) = step, self._step or step
        self._step = step
        # A jump is in two differences, there and back.
        jump = 0.5 * ((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / dt_s
        self._jumps += share * (jump - self._jumps)
        x, y, z = motion
        self._motion += share * (x * x + y * y + z * z - self._motion)
        ratio = math.sqrt(self._jumps / (_SLOT_S * (self._motion + self._floor)))
        return min(max((ratio - cfg.doubt_from) / cfg.doubt_span, 0.0), 1.0)


class ReferenceFilter:
    """Position, velocity and acceleration of a smooth motion through the targets, base frame."""

    def __init__(self, cfg: ReferenceCfg) -> None:
        self._cfg = cfg
        self._doubt, self._turn_doubt = _Doubt(MOTION_FLOOR), _Doubt(TURN_FLOOR)
        self.restart()

    def restart(self) -> None:
        """The next target starts a new motion, at rest."""
        self._begins = self._is_late = True
        self._horizon_s = 0.0
        self._doubt.restart()
        self._turn_doubt.restart()
        self._target: list[float] = [0.0] * 3
        self._entry: list[float] = [0.0] * 3
        self.position: list[float] = [0.0] * 3
        self.velocity: list[float] = [0.0] * 3
        self.acceleration: list[float] = [0.0] * 3
        self._target_quat: Quat = (1.0, 0.0, 0.0, 0.0)
        self._entry_quat = self.quat = self._target_quat
        self.turn: Vector = _STILL
        """Angular velocity [rad/s]."""
        self.turn_rate: Vector = _STILL
        """Angular acceleration [rad/s^2]."""

    def follow(self, pose: Array, dt_s: float, horizon_s: float, *, is_late: bool = True) -> None:
        """Go on by dt_s [s] towards a target (7,) that was looked up horizon_s [s] ahead.

        Targets that are not late bound stand still between packets: their jumps tell no doubt.
        """
        self._is_late = is_late
        values = pose.tolist()
        target, quat = values[:3], (values[3], values[4], values[5], values[6])
        if self._begins:
            self._begins, self._horizon_s = False, horizon_s
            self._target, self._entry, self.position = target, list(target), list(target)
            self._target_quat = self._entry_quat = self.quat = quat
            return
        if dt_s <= 0.0:
            return
        dt_s = min(dt_s, STEP_MAX_S)
        share = dt_s / (self._cfg.averaging_s + dt_s)
        self._horizon_s += share * (horizon_s - self._horizon_s)
        self._move(target, dt_s, share)
        self._rotate(quat, dt_s, share)

    def _gains(self, dt_s: float, doubt: float) -> _Gains:
        cfg, doubt = self._cfg, doubt if self._is_late else 0.0
        time_s = (cfg.time_s + cfg.horizon_share * self._horizon_s) * (1.0 + cfg.doubt_time * doubt)
        rate = 1.0 / time_s
        share = 1.0 - math.exp(-dt_s * rate * cfg.entry)
        stiffness, damping = rate * rate, 2.0 * cfg.damping * rate
        # Without doubt uniform motion passes without lag: this makes up for the entry, in steps of this length.
        lead = damping + stiffness * dt_s * (1.0 - 2.0 * share) / share
        return _Gains(dt_s, share, stiffness, damping, lead * (1.0 - cfg.doubt_lag * doubt))

    def _move(self, target: list[float], dt_s: float, share: float) -> None:
        (x, y, z), (a, b, c), velocity = target, self._target, self.velocity
        moved, (vx, vy, vz) = (x - a, y - b, z - c), velocity
        gains = self._gains(dt_s, self._doubt.update(share, dt_s, moved, (vx, vy, vz), self._cfg))
        self._target, entry, position, acceleration = target, self._entry, self.position, self.acceleration
        for i in range(3):
            step = gains.share * (target[i] - entry[i])
            entry[i] += step
            change = gains.stiffness * (entry[i] - position[i]) + gains.lead * step / dt_s
            change -= gains.damping * velocity[i]
            velocity[i] += dt_s * change
            position[i] += dt_s * velocity[i]
            acceleration[i] = change

    def _rotate(self, target: Quat, dt_s: float, share: float) -> None:
        wx, wy, wz = self.turn
        moved = turn_between(self._target_quat, target)
        gains = self._gains(dt_s, self._turn_doubt.update(share, dt_s, moved, self.turn, self._cfg))
        self._target_quat = target
        x, y, z = turn_between(self._entry_quat, target)
        x, y, z = gains.share * x, gains.share * y, gains.share * z
        self._entry_quat = turned(self._entry_quat, (x, y, z))
        ax, ay, az = turn_between(self.quat, self._entry_quat)
        stiffness, damping, lead = gains.stiffness, gains.damping, gains.lead / dt_s
        cx = stiffness * ax + lead * x - damping * wx
        cy = stiffness * ay + lead * y - damping * wy
        cz = stiffness * az + lead * z - damping * wz
        wx, wy, wz = wx + dt_s * cx, wy + dt_s * cy, wz + dt_s * cz
        self.turn, self.turn_rate = (wx, wy, wz), (cx, cy, cz)
        self.quat = turned(self.quat, (dt_s * wx, dt_s * wy, dt_s * wz))


def turn_between(start: Quat, end: Quat) -> Vector:
    """Rotation vector [rad] from one orientation to the next; plain floats, as this runs every tick."""
    aw, ax, ay, az = start
    bw, bx, by, bz = end
    w = bw * aw + bx * ax + by * ay + bz * az
    x = bx * aw - bw * ax - by * az + bz * ay
    y = by * aw - bw * ay - bz * ax + bx * az
    z = bz * aw - bw * az - bx * ay + by * ax
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 if sine < 1e-9 else 2.0 * math.atan2(sine, abs(w)) / sine
    scale = scale if w >= 0.0 else -scale
    return scale * x, scale * y, scale * z


def turned(quat: Quat, turn: Vector) -> Quat:
    """An orientation after a rotation vector [rad] in the base frame."""
    x, y, z = turn
    angle = math.sqrt(x * x + y * y + z * z)
    share = 0.5 if angle < 1e-9 else math.sin(0.5 * angle) / angle
    bw, bx, by, bz = math.cos(0.5 * angle), share * x, share * y, share * z
    aw, ax, ay, az = quat
    w = bw * aw - bx * ax - by * ay - bz * az
    i = bw * ax + bx * aw + by * az - bz * ay
    j = bw * ay - bx * az + by * aw + bz * ax
    k = bw * az + bx * ay - by * ax + bz * aw
    scale = 1.0 / math.sqrt(w * w + i * i + j * j + k * k)
    return scale * w, scale * i, scale * j, scale * k
