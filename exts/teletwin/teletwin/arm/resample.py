"""From joint commands that arrive with jitter to one set-point every servo tick."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from teletwin.arm.transit import MeanTransit, TransitCfg
from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array

_KEPT = 64
TRACKED_SHARE = 0.5
"""Set-points go on by at most this share of the tracking's time constant at once; more would not be stable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResamplerCfg:
    """How commands are played out."""

    playout_delay_s: float = 0.0
    """Added delay that gives late commands time to arrive; 0 puts the mean command on time."""
    extrapolation_s: float = 0.01
    """How long the newest command is continued at its own velocity."""
    tracking_s: float = 0.0
    """Time constant with which set-points follow what is played, which jumps when late commands arrive; uniform motion
    passes without lag. 0: set-points are what is played."""
    brake_rad_s2: float = 30.0
    """Deceleration to rest after that."""
    hold_after_s: float = 0.1
    """Silence after which the arm holds until the link is back."""
    resume_s: float = 0.3
    """Shortest time of the way back from a hold to the commands."""
    resume_speed_rad_s: float = 0.5
    """Mean speed of that way when it is long."""
    transit_time_constant_s: float = 1.0
    """How slowly the estimate of the mean transit follows."""
    early_max_s: float = 0.01
    """No command waits longer than this for its time, so that a faster link is used at once."""
    speed_max_rad_s: float = 8.0
    """Velocities beyond this are clipped; what q asks is left to the limits stage."""

    def __post_init__(self) -> None:
        for name in ("extrapolation_s", "hold_after_s", "resume_s", "transit_time_constant_s"):
            if not 0.0 < getattr(self, name) <= 10.0:
                raise ConfigError(f"{name} cannot be used", given=getattr(self, name), allowed="above 0 to 10 s")
        if self.tracking_s and not 0.004 <= self.tracking_s <= 0.1:
            raise ConfigError("tracking_s cannot be used", given=self.tracking_s, allowed="0, or 0.004 to 0.1 s")
        if not 0.0 <= self.playout_delay_s <= 0.5 or not 0.0 <= self.early_max_s <= 0.5:
            given = (self.playout_delay_s, self.early_max_s)
            raise ConfigError("playout_delay_s or early_max_s cannot be used", given=given, allowed="0 to 0.5 s")
        if min(self.brake_rad_s2, self.resume_speed_rad_s, self.speed_max_rad_s) <= 0.0:
            raise ConfigError("brake_rad_s2, resume_speed_rad_s and speed_max_rad_s must be positive")

    @property
    def transit(self) -> TransitCfg:
        """How the mean transit follows: a command that comes later than the continuation lasts pulls it up at once."""
        return TransitCfg(
            time_constant_s=self.transit_time_constant_s,
            late_max_s=self.extrapolation_s,
            early_max_s=self.early_max_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled:
    """One set-point."""

    q: Array
    """Joint positions [rad] (n,)."""
    qd: Array
    """Their rate [rad/s] (n,), as the commands tell it."""
    held: bool
    """True while there is nothing to follow: before the first command, and when the link is silent."""
    silent_s: float
    """Time since the newest command arrived [s]; 0 before the first."""


class CommandResampler:
    """Plays commands out on their own time line, shifted by the mean transit; the newest wins.

    Stamps are given on the receiver's clock (offset between the hosts removed). Between two commands the
    position is a cubic Hermite curve; beyond the newest it goes on at its velocity for `extrapolation_s`,
    then brakes. What is played jumps where a late command contradicts its continuation: set-points go after
    it as a critically damped second order (`tracking_s`). After `hold_after_s` of silence it holds, and when
    commands come again it goes over to them on a smooth blend. Hard limits follow this stage and are not its job.
    """

    def __init__(self, cfg: ResamplerCfg | None = None, *, joint_count: int = 6) -> None:
        self._cfg = cfg or ResamplerCfg()
        self._n = joint_count
        self.refused_count = 0
        """Commands that were not finite or of another size."""
        self.stale_count = 0
        """Commands that were not newer than the newest."""
        self.held_count = 0
        """How often a silent link made the arm hold."""
        self.reset(np.zeros(joint_count))
        self._placed = self._tracks = False

    def reset(self, q: Array) -> None:
        """Forget all commands; hold q [rad] (n,) until the first arrives, then go over to it smoothly.

        Without a reset the first command is taken as it is: nothing is known about where the arm stands.
        """
        self._placed = self._tracks = True
        self._commands: deque[tuple[int, Array, Array]] = deque(maxlen=_KEPT)
        self._transit = MeanTransit(self._cfg.transit)
        self._arrived_ns = 0
        self._last = np.array(q, dtype=np.float64)
        self._still = np.zeros(self._n)
        self._last_qd = self._blend_qd = self._still
        self._sampled_ns = 0
        self._holding = True
        self._blend_from = self._last.copy()
        self._blend_start_ns = 0
        self._blend_ns = 0.0

    def push(self, t_ns: int, q: Array, qd: Array, *, now_ns: int) -> bool:
        """Take a command that holds at t_ns [ns] and arrived at now_ns; return whether it is used.

        Commands come in their order. One that is far older than the newest tells that the time line moved (the
        estimate of the sender's clock was put right): it begins anew with that command.
        """
        if q.shape != (self._n,) or qd.shape != (self._n,) or not (np.isfinite(q).all() and np.isfinite(qd).all()):
            self.refused_count += 1
            return False
        if self._commands and t_ns <= self._commands[-1][0]:
            if self._commands[-1][0] - t_ns < self._cfg.hold_after_s * NS_PER_S:
                self.stale_count += 1
                return False
            self._transit = MeanTransit(self._cfg.transit)
            if not self._holding:
                last_qd = self._last_qd
                self._hold()
                self._last_qd = last_qd  # the arm goes on while its commands find their time again
        if not self._holding and self._is_silent(now_ns):  # nobody sampled meanwhile
            self._hold()
        if self._holding:
            self._resume(q, now_ns)
        self._transit.update(now_ns - t_ns, elapsed_ns=now_ns - self._arrived_ns)
        limit = self._cfg.speed_max_rad_s
        self._commands.append((t_ns, np.array(q, dtype=np.float64), np.minimum(np.maximum(qd, -limit), limit)))
        self._arrived_ns = now_ns
        return True

    def rest_at(self, q: Array) -> None:
        """Something else has moved the joints, to q [rad] (n,): the way back from a silence begins there."""
        np.copyto(self._last, q)
        self._last_qd = self._still

    def forget(self) -> None:
        """What was commanded so far is not to be played out: the next command is the first that counts."""
        self._commands.clear()

    def sample(self, now_ns: int) -> Resampled:
        """The set-point for now_ns [ns]; call it once every servo tick."""
        if self._holding:
            return self._held(now_ns)
        if self._is_silent(now_ns):
            self._hold()
            return self._held(now_ns)
        q, qd = self._follow(now_ns)
        q, qd = self._blend(q, qd, now_ns)
        q, qd = self._track(q, qd, now_ns)
        self._last, self._last_qd, self._sampled_ns = q, qd, now_ns
        return Resampled(q=q.copy(), qd=qd, held=False, silent_s=(now_ns - self._arrived_ns) / NS_PER_S)

    def is_blending(self, now_ns: int) -> bool:
        """Whether set-points are still on the way from a hold to the commands."""
        return now_ns - self._blend_start_ns < self._blend_ns

    def _is_silent(self, now_ns: int) -> bool:
        return now_ns - self._arrived_ns > self._cfg.hold_after_s * NS_PER_S

    def _hold(self) -> None:
        self._holding, self._last_qd = True, self._still
        self.held_count += 1

    def _held(self, now_ns: int) -> Resampled:
        silent_s = (now_ns - self._arrived_ns) / NS_PER_S if self._commands else 0.0
        return Resampled(q=self._last.copy(), qd=np.zeros(self._n), held=True, silent_s=silent_s)

    def _resume(self, q: Array, now_ns: int) -> None:
        """Start a blend from where the arm holds; commands from before the silence are forgotten."""
        self._commands.clear()
        self._holding = False
        if not self._placed:
            self._last = np.array(q, dtype=np.float64)
            self._placed = True
        self._blend_from, self._blend_qd = self._last.copy(), self._last_qd
        # In motion the way goes on from the last set-point; at rest it begins now.
        self._blend_start_ns = self._sampled_ns if self._blend_qd.any() else now_ns
        way_rad = float(np.abs(q - self._last).max())
        # A blend over nothing would only delay the first motion.
        blend_s = 0.0 if way_rad < 1e-6 else max(self._cfg.resume_s, way_rad / self._cfg.resume_speed_rad_s)
        self._blend_ns = blend_s * NS_PER_S

    def _follow(self, now_ns: int) -> tuple[Array, Array]:
        transit_ns = self._transit.mean_ns or 0.0
        t_ns = now_ns - transit_ns - self._cfg.playout_delay_s * NS_PER_S
        commands = self._commands
        if t_ns >= commands[-1][0]:
            return self._extrapolate((t_ns - commands[-1][0]) / NS_PER_S)
        for index in range(len(commands) - 2, -1, -1):
            if commands[index][0] <= t_ns:
                return _hermite(commands[index], commands[index + 1], t_ns)
        return commands[0][1].copy(), commands[0][2]

    def _extrapolate(self, ahead_s: float) -> tuple[Array, Array]:
        _, q, qd = self._commands[-1]
        free_s = min(ahead_s, self._cfg.extrapolation_s)
        return _braked(q + qd * free_s, qd, ahead_s - free_s, self._cfg.brake_rad_s2)

    def _track(self, q: Array, qd: Array, now_ns: int) -> tuple[Array, Array]:
        """Go on from the last set-point's motion towards what is played at now_ns [ns]."""
        if not self._cfg.tracking_s or not self._tracks:
            self._tracks = True
            return q, qd
        dt_s = min(max((now_ns - self._sampled_ns) / NS_PER_S, 0.0), TRACKED_SHARE * self._cfg.tracking_s)
        rate, last, last_qd = 1.0 / self._cfg.tracking_s, self._last, self._last_qd
        change = rate * (rate * (q - last - dt_s * last_qd) + 2.0 * (qd - last_qd))
        next_qd = last_qd + dt_s * change
        return last + dt_s * next_qd, next_qd

    def _blend(self, q: Array, qd: Array, now_ns: int) -> tuple[Array, Array]:
        elapsed_ns = now_ns - self._blend_start_ns
        if elapsed_ns >= self._blend_ns or not self._blend_ns:  # a command may arrive after the tick has begun
            return q, qd
        s = max(elapsed_ns / self._blend_ns, 0.0)
        share = s * s * s * (10.0 + s * (6.0 * s - 15.0))  # rest to rest: zero speed and acceleration at both ends
        rate = 30.0 * s * s * (1.0 - s) ** 2 * NS_PER_S / self._blend_ns
        ahead_s = max(elapsed_ns, 0) / NS_PER_S
        start, start_qd = _braked(self._blend_from, self._blend_qd, ahead_s, self._cfg.brake_rad_s2)
        away = q - start
        return start + share * away, start_qd + share * (qd - start_qd) + rate * away


def _braked(q: Array, qd: Array, ahead_s: float, brake_rad_s2: float) -> tuple[Array, Array]:
    """Where a joint at q with rate qd is after ahead_s of braking to rest, and its rate there."""
    brake_s = np.minimum(ahead_s, np.abs(qd) / brake_rad_s2)
    slowed = qd - np.sign(qd) * brake_rad_s2 * brake_s
    return q + 0.5 * (qd + slowed) * brake_s, slowed


def _hermite(left: tuple[int, Array, Array], right: tuple[int, Array, Array], t_ns: float) -> tuple[Array, Array]:
    """Cubic between two commands at t_ns: position and its rate; a straight line over a long gap."""
    span_s = (right[0] - left[0]) / NS_PER_S
    s = (t_ns - left[0]) / (right[0] - left[0])
    way = right[1] - left[1]
    if span_s > 0.05:
        return left[1] + s * way, way / span_s
    start, end = span_s * left[2], span_s * right[2]
    a, b = start + end - 2.0 * way, 3.0 * way - 2.0 * start - end
    q = left[1] + s * (start + s * (b + s * a))
    return q, (start + s * (2.0 * b + 3.0 * s * a)) / span_s
