"""Many delayed loops at once: hand, packets, twin, arm and screen, a slot at a time.

The same kernels run on the CPU, where the environments are shared out among threads, and on CUDA.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin.arm.servo_law import ServoLawCfg
from teletwin.arm.simulated import SimulatedArmCfg
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.rule import STOCK_ORIENTATION_LAG_S, STOCK_POSITION_LAG_S
from teletwin.session.build import FED_LAG_S, FED_TURN_LAG_S, SERVO_LAG_S
from teletwin.twin.rmpflow.launch import usable_cores
from teletwin_training.horizon.lag_loops import LagLoops
from teletwin_training.horizon.tables import Tables
from teletwin_training.horizon.world_loops import SIMULATED, WorldDrives, WorldFactory, world_factory

HORIZON_COLUMNS = ("control_s", "render_s", "control_orientation_s", "render_orientation_s", "gain", "late_binding")
"""Columns of the horizons (N, 6) that a step takes."""
ERROR_COLUMNS = ("control_m2", "control_rad2", "control_count", "display_m2", "display_rad2", "display_count")
"""Columns of the errors (N, 6) that a step returns: sums of squares and how many instants they are over."""
ARMS = ("lag", "rmpflow", *SIMULATED)
"""What the arm can be; see `LoopsCfg.arm`."""
_LEAST_A_THREAD = 64
_CYCLE_S = 0.002


@dataclass(frozen=True, kw_only=True, eq=False)
class LoopSettings:
    """How the twin and the arm of each environment are; every array (N,)."""

    feed_forward: NDArray[np.bool_]
    """Whether the policy follows a reference, its motion fed forward; else stock, the paper's smoothing."""
    servo_lag_s: Array
    """Lag of the arm behind its set-points [s], transport in it; the twin knows it."""

    def __post_init__(self) -> None:
        low, high = 0.015, 0.11
        if len(self.servo_lag_s) != len(self.feed_forward) or not (
            np.isfinite(self.servo_lag_s).all() and self.servo_lag_s.min() >= low and self.servo_lag_s.max() <= high
        ):
            raise ConfigError("servo_lag_s cannot be used", given=self.servo_lag_s, allowed=f"{low:g} ... {high:g} s")


def plain_settings(count: int, *, feed_forward: bool = True, servo_lag_s: float = SERVO_LAG_S) -> LoopSettings:
    """All environments alike."""
    return LoopSettings(
        feed_forward=np.full(count, feed_forward), servo_lag_s=np.full(count, servo_lag_s, dtype=np.float64)
    )


def params_of(settings: LoopSettings) -> dict[str, NDArray[Any]]:
    """The kernel's `Params` by field."""
    fed = settings.feed_forward
    tau_s = ServoLawCfg().time_constant_s
    pure = np.round((settings.servo_lag_s - tau_s) / _CYCLE_S).astype(np.int32)
    tau = settings.servo_lag_s - pure * _CYCLE_S
    lag_s = np.where(fed, FED_LAG_S, STOCK_POSITION_LAG_S)
    return {
        "feed_forward": fed.astype(np.int32),
        "policy_lag": lag_s,
        "turn_lag": np.where(fed, FED_TURN_LAG_S, STOCK_ORIENTATION_LAG_S) - lag_s,
        "servo_guess": settings.servo_lag_s.astype(np.float64),
        "servo_cycles": pure,
        "servo_blend": _CYCLE_S / (tau + _CYCLE_S),
    }


assert abs(SimulatedArmCfg().transport_delay_s + ServoLawCfg().ramp_delay_s - SERVO_LAG_S) < 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Where episodes begin; every array (k,) for the environments in `rows`."""

    rows: NDArray[np.intp]
    first_row: NDArray[np.int64]
    """Row of the hand at slot 0."""
    session: NDArray[np.int64]
    first_slot: NDArray[np.int64]
    """Slot of the session that is slot 0."""
    horizons: Array
    """(k, 6) of the packets that are under way when the episode begins."""


class LoopPart(Protocol):
    """Some of the environments, on one thread."""

    def place(self, places: Places, settings: LoopSettings | None) -> None:
        """Begin episodes."""
        ...

    def step(self) -> None:
        """One slot with `horizons`; writes `errors`."""
        ...

    @property
    def horizons(self) -> Any:
        """(n, 6) to be written before a step."""
        ...

    @property
    def errors(self) -> Any:
        """(n, 6) of the newest step."""
        ...

    @property
    def tool(self) -> Array:
        """Poses (n, 7) of the arms' tools."""
        ...

    @property
    def shown(self) -> Array:
        """Poses (n, 7) on the screens."""
        ...


@dataclass(frozen=True, kw_only=True)
class LoopsCfg:
    """How the loops are run."""

    arm: str = "lag"
    """'lag': motion policy and arm as lags in task space; 'rmpflow': joint space with RMPflow and the limits; 'mujoco'
    and 'isaac': the same, the arm's masses and drives simulated."""
    causal: bool = False
    """True: nothing later than the present slot is computed, for a hand that reacts; False: each packet's whole effect
    is computed at once and credited to its slot."""
    device: str = "cpu"
    threads: int = 0
    """On the CPU; 0 takes one per core. Arms of 'isaac' are stepped by the calling thread alone."""
    world: WorldFactory | None = None
    """Makes the arms of 'isaac', and those of 'mujoco' where they shall be others than usual."""

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            raise ConfigError("no such arm", given=self.arm, allowed=", ".join(ARMS))
        if self.arm != "lag" and not self.causal:
            raise ConfigError("arms in joint space step together", given="causal=False", allowed="causal=True")
        if self.arm in SIMULATED:
            world_factory(self.arm, self.world)
        elif self.world is not None:
            raise ConfigError("this arm takes no world", given=self.arm, allowed=", ".join(SIMULATED))


@dataclass(eq=False)
class DelayedLoops:
    """N loops; `place` begins episodes, `step` advances every loop by a slot."""

    tables: Tables
    settings: LoopSettings
    cfg: LoopsCfg = field(default_factory=LoopsCfg)

    def __post_init__(self) -> None:
        self.count = len(self.settings.feed_forward)
        on_cpu = self.cfg.device == "cpu"
        wanted = (self.cfg.threads or usable_cores()) if on_cpu and self.cfg.arm != "isaac" else 1
        parts = max(1, min(wanted, self.count // _LEAST_A_THREAD))
        self._edges = [self.count * part // parts for part in range(parts + 1)]
        self._parts: list[LoopPart] = [self._part(first, last) for first, last in pairwise(self._edges)]
        self._pool = ThreadPoolExecutor(parts - 1, "loops") if parts > 1 else None
        self.errors = np.zeros((self.count, 6))

    def _part(self, first: int, last: int) -> LoopPart:
        settings = LoopSettings(
            feed_forward=self.settings.feed_forward[first:last], servo_lag_s=self.settings.servo_lag_s[first:last]
        )
        if self.cfg.arm == "lag":
            return LagLoops(self.tables, params_of(settings), causal=self.cfg.causal)
        from teletwin_training.horizon.rmpflow_loops import RmpFlowLoops

        if self.cfg.arm not in SIMULATED:
            return RmpFlowLoops(self.tables, settings)
        world = world_factory(self.cfg.arm, self.cfg.world)(last - first)
        return RmpFlowLoops(self.tables, settings, drives=lambda arrays: WorldDrives(world, arrays))

    def place(self, places: Places, settings: LoopSettings | None = None) -> None:
        """Begin episodes; settings (k,) change how those loops are."""
        for (first, last), part in zip(pairwise(self._edges), self._parts, strict=True):
            mine = (places.rows >= first) & (places.rows < last)
            if not mine.any():
                continue
            own = Places(
                rows=places.rows[mine] - first,
                first_row=places.first_row[mine],
                session=places.session[mine],
                first_slot=places.first_slot[mine],
                horizons=places.horizons[mine],
            )
            chosen = settings and LoopSettings(
                feed_forward=settings.feed_forward[mine], servo_lag_s=settings.servo_lag_s[mine]
            )
            part.place(own, chosen)

    def step(self, horizons: Array) -> Array:
        """One slot with horizons (N, 6); return errors (N, 6), valid until the next step."""
        jobs = []
        for index, (first, last) in enumerate(pairwise(self._edges)):
            if index and self._pool is not None:
                jobs.append(self._pool.submit(self._step_part, index, horizons[first:last]))
        self._step_part(0, horizons[: self._edges[1]])
        for job in jobs:
            job.result()
        return self.errors

    def _step_part(self, index: int, horizons: Array) -> None:
        part = self._parts[index]
        part.horizons.write(horizons)
        part.step()
        self.errors[self._edges[index] : self._edges[index + 1]] = part.errors.pull()

    @property
    def tool(self) -> Array:
        """Poses (N, 7) of the arms' tools at the newest slot."""
        return np.concatenate([part.tool for part in self._parts])

    @property
    def shown(self) -> Array:
        """Poses (N, 7) on the screens at the coming slot."""
        return np.concatenate([part.shown for part in self._parts])
