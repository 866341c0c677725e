"""From shares and estimates to what is sent, drawn and simulated: down at once, up half of the way at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from teletwin.clock import NS_PER_MS
from teletwin.messages import ViewSettings
from teletwin.session.allocation.ladder import MeasuredCosts, Rung, ladder

UPDATE_RATES_HZ = (10.0, 125.0)
"""Least and most states of the arm to the operator in a second."""
PHYSICS_TICKS_S = (0.004, 0.008, 0.016)
"""Steps of the shown world."""
LEAST_BITRATE_BPS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCfg:
    """How much of what is there is used, and how fast plans change."""

    link_used: float = 0.85
    """Of the link's capacity; the rest keeps queues from forming."""
    compute_used: float = 0.9
    """Of the time there is."""
    drain_ms: float = 250.0
    """A queue of this length halves what is sent, so that it empties [ms]."""
    least_bits_per_pixel: float = 0.04
    """A picture with fewer is better made smaller."""
    period_ms: float = 200.0
    """The encoder changes at most once in this time [ms]."""
    least_step: float = 0.05
    """Smaller changes are not worth one."""
    good_ticks: int = 4
    """Ticks in a row in which a higher rung would fit before the ladder is climbed."""
    good_link_ticks: int = 3
    """The same for a higher bitrate and update rate."""
    rise: float = 1.5
    """Largest factor of one step up."""
    margin: float = 1.1
    """A higher rung must fit with this much to spare."""
    most_good_ticks: int = 64
    """A rung that had to be left again soon after it was taken must fit for twice as long next time, at most this."""
    proof_ticks: int = 20
    """So long it must be held to have been right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """What is known in a tick."""

    capacity_bps: float
    """Of the way to the operator, pictures and updates together."""
    queue_ms: float
    """What waits on it."""
    whole_ms: float
    """Drawing and encoding a picture as it was asked for."""
    step_ms: float
    """A physics step of the shown world."""
    update_bytes: float
    """What one update takes of the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is in force."""

    view: ViewSettings
    relative: float = 1.0
    """Cost of a picture over one as it was asked for."""
    update_rate_hz: float = UPDATE_RATES_HZ[1]
    physics_tick_s: float = PHYSICS_TICKS_S[0]


class Planner:
    """Keeps the plan, and changes it once a tick.

    Args:
        asked: What the operator asked for: never more than that.
        payload_bytes: Bytes of a picture whose datagrams together take so many bytes.
        cfg: Hysteresis.
        costs: Of pictures on this machine, as far as they are known.
    """

    def __init__(
        self,
        asked: ViewSettings,
        *,
        payload_bytes: Callable[[float], float],
        cfg: PlanCfg | None = None,
        costs: MeasuredCosts | None = None,
    ) -> None:
        self._costs = costs
        self._cfg, self._payload_bytes = cfg or PlanCfg(), payload_bytes
        self._changed_ns = 0
        self.change_count = 0
        """How often the encoder's settings changed."""
        self.ask(asked)

    def ask(self, asked: ViewSettings) -> None:
        """Begin anew with what the operator asks for now."""
        self.asked, self._rungs = asked, ladder(asked, self._costs)
        self._rung = self._good = self._good_link = self._good_physics = self._calm = 0
        self._patience, self._since_up = self._cfg.good_ticks, self._cfg.proof_ticks
        self.plan = Plan(view=asked)

    @property
    def rung(self) -> int:
        """Steps below what was asked for."""
        return self._rung

    def decide(self, now_ns: int, *, link_share: float, compute_share: float, seen: Estimates) -> Plan:
        """The plan from now on.

        Args:
            now_ns: Time of the tick.
            link_share: Of the link, for pictures; updates get the rest.
            compute_share: Of the compute, for pictures; physics gets the rest.
            seen: Estimates of this tick.
        """
        cfg = self._cfg
        usable_bps = cfg.link_used * seen.capacity_bps
        draining_bps = usable_bps / (1.0 + seen.queue_ms / cfg.drain_ms)
        self._calm = self._calm + 1 if seen.queue_ms <= 0.0 else 0
        self._climb(link_share * usable_bps, 1e3 * cfg.compute_used * compute_share, seen)
        self.plan = dataclasses.replace(
            self._pictured(now_ns, link_share * draining_bps),
            update_rate_hz=self._update_rate_hz((1.0 - link_share) * draining_bps / 8.0 / seen.update_bytes),
            physics_tick_s=self._physics_tick_s(1e3 * cfg.compute_used * (1.0 - compute_share), seen.step_ms),
        )
        return self.plan

    def _climb(self, frames_bps: float, work_ms: float, seen: Estimates) -> None:
        """Down to the first rung that fits at once; up half of the way after enough good ticks."""
        cfg = self._cfg
        self._since_up += 1
        if self._since_up == cfg.proof_ticks:
            self._patience = cfg.good_ticks
        fitting = self._first_fitting(frames_bps, work_ms, seen.whole_ms)
        if fitting > self._rung:
            # Left soon after it was taken: not for such a machine. Left later: this is another machine.
            soon = self._since_up < cfg.proof_ticks
            self._patience = min(2 * self._patience, cfg.most_good_ticks) if soon else cfg.good_ticks
            self._since_up = cfg.proof_ticks
            self._rung, self._good = fitting, 0
            return
        roomy = self._first_fitting(frames_bps / cfg.margin, work_ms / cfg.margin, seen.whole_ms)
        self._good = self._good + 1 if roomy < self._rung and seen.queue_ms <= 0.0 else 0
        if self._good >= self._patience:
            # Half of the way where there is room for more than one.
            self._rung, self._good, self._since_up = (self._rung + roomy) // 2, 0, 0

    def _first_fitting(self, frames_bps: float, work_ms: float, whole_ms: float) -> int:
        for number, rung in enumerate(self._rungs):
            if rung.relative * whole_ms * rung.rate_hz <= work_ms and self._is_fed(rung, frames_bps):
                return number
        return len(self._rungs) - 1

    def _is_fed(self, rung: Rung, frames_bps: float) -> bool:
        """Whether so many bits make good pictures of this size."""
        asked = self._rungs[0]
        least = min(self._cfg.least_bits_per_pixel, 0.5 * self.asked.bitrate_bps / asked.pixel_rate)
        return self._payload_bps(rung, frames_bps) >= least * rung.pixel_rate

    def _payload_bps(self, rung: Rung, frames_bps: float) -> float:
        return 8.0 * rung.rate_hz * self._payload_bytes(frames_bps / rung.rate_hz / 8.0)

    def _pictured(self, now_ns: int, frames_bps: float) -> Plan:
        """The plan with the rung's picture at the bitrate that fits, changed as often as an encoder may."""
        plan, rung = self.plan, self._rungs[self._rung]
        fitting_bps = self._payload_bps(rung, frames_bps)
        has_room = self._calm and fitting_bps > plan.view.bitrate_bps
        self._good_link = self._good_link + 1 if has_room else 0
        if now_ns - self._changed_ns < self._cfg.period_ms * NS_PER_MS:
            return plan
        view = dataclasses.replace(
            self.asked,
            width=rung.width,
            height=rung.height,
            shadow=rung.shadow,
            rate_hz=rung.rate_hz,
            bitrate_bps=self._bitrate_bps(fitting_bps),
        )
        if view == plan.view:
            return plan
        self._changed_ns, self._good_link = now_ns, 0
        self.change_count += 1
        return dataclasses.replace(plan, view=view, relative=rung.relative)

    def _bitrate_bps(self, fitting_bps: float) -> int:
        """Down at once, up in steps after enough good ticks; no small steps but the last one up."""
        cfg, old_bps, most_bps = self._cfg, self.plan.view.bitrate_bps, self.asked.bitrate_bps
        wanted_bps = min(max(int(fitting_bps), LEAST_BITRATE_BPS), most_bps)
        if wanted_bps > old_bps:
            if self._good_link < cfg.good_link_ticks:
                return old_bps
            wanted_bps = min(wanted_bps, int(cfg.rise * old_bps))
        is_step = abs(wanted_bps / old_bps - 1.0) > cfg.least_step or wanted_bps == most_bps
        return wanted_bps if is_step else old_bps

    def _update_rate_hz(self, fitting_hz: float) -> float:
        """Down at once, up in steps."""
        least_hz, most_hz = UPDATE_RATES_HZ
        old_hz, wanted_hz = self.plan.update_rate_hz, min(max(fitting_hz, least_hz), most_hz)
        if wanted_hz > old_hz:
            wanted_hz = min(wanted_hz, self._cfg.rise * old_hz) if self._calm >= self._cfg.good_link_ticks else old_hz
        is_step = abs(wanted_hz / old_hz - 1.0) > self._cfg.least_step or wanted_hz in UPDATE_RATES_HZ
        return wanted_hz if is_step else old_hz

    def _physics_tick_s(self, rest_ms: float, step_ms: float) -> float:
        """The finest step that fits; a finer one than now after enough good ticks."""
        fits = [tick_s for tick_s in PHYSICS_TICKS_S if step_ms / tick_s <= rest_ms]
        wanted_s, old_s = (fits or PHYSICS_TICKS_S[-1:])[0], self.plan.physics_tick_s
        self._good_physics = self._good_physics + 1 if wanted_s < old_s else 0
        if wanted_s >= old_s:
            return wanted_s
        return wanted_s if self._good_physics >= self._cfg.good_ticks else old_s
