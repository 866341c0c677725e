"""What a person's motion adds to the combined forecast: settings, room for it, and what is kept of a person."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_STEP_S
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS
from teletwin.warp_runtime import load_warp

TRIALS = CURVE_KNOTS // 2
PAIRS = 2 * TRIALS
"""Trials and groups (position, orientation)."""
_RING = 64
_FEATURE_ROWS = 9
_PAST_ROWS = _FEATURE_ROWS + 2 * TRIALS
_FEATURES = 16
_SHAPES = {"weights": (PAIRS, _FEATURES), "checks": (PAIRS, 4), "counts": (PAIRS,)}
_LARGEST = 1e12
_POSITIVE = (
    "memory_s",
    "check_memory_s",
    "patience_slots",
    "patience_horizons",
    "doubt_horizons",
    "start_s",
    "start_check_s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HabitCfg:
    """Whether and how fast a hand's habits are learned."""

    used: bool = True
    memory_s: float = 60.0
    """Time constant of forgetting [s], of the hand's motion: while it rests nothing is forgotten."""
    check_memory_s: float = 5.0
    """Time constant of telling whether corrections pay [s]."""
    patience_slots: float = 3.0
    """Slots of average motion that the weights before, none at all, are worth."""
    patience_horizons: float = 1.5
    """Horizons that they are worth besides: errors of neighboring slots tell one and the same thing."""
    doubt_horizons: float = 3.0
    """Horizons of evidence that it takes to follow corrections half."""
    start_s: float = 20.0
    """A person's weights from before are worth so much motion at most [s], whatever its size."""
    start_check_s: float = 1.0
    """Whether its corrections pay counts as so much at most [s]."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not 0.0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} cannot be used", given=getattr(self, name), allowed="a positive number")


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonHabits:
    """What was learned of a person, without any scale of the motion; read-only float64. See `habit_kernels`."""

    weights: Array
    """(PAIRS, 16) of the features."""
    checks: Array
    """(PAIRS, 4)."""
    counts: Array
    """(PAIRS,) slots that taught them."""

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            values = np.array(getattr(self, name), dtype=np.float64)
            if values.shape != shape or not (np.abs(values) <= _LARGEST).all():
                raise ConfigError(f"a person's {name} cannot be used", given=values.shape, allowed=f"finite {shape}")
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if (self.counts < 0.0).any() or (self.checks[:, [0, 2, 3]] < 0.0).any():
            raise ConfigError("a person's habits cannot be used", given="a negative square", allowed="sums of squares")


class HabitMemory:
    """The habits of many hands, on the device.

    Attributes:
        habits: The `habit_kernels.Habits` that the kernel takes.
    """

    def __init__(self, cfg: HabitCfg, *, hands: int, nooks: int, device: str) -> None:
        """Nothing is known yet; nooks: rooms to work in, see `lane_kernels`."""
        warp = load_warp()
        from teletwin.forecast import habit_kernels, habit_lanes, kernels

        def zeros(*shape: int, dtype: Any) -> Any:
            return warp.zeros(shape, dtype=dtype, device=device)

        self._cfg = cfg
        kept = hands if cfg.used else 1
        habits = habit_kernels.Habits()
        habits.used, habits.lasting = int(cfg.used), zeros(kept, dtype=warp.int32)
        habits.memory = warp.vec2d(cfg.memory_s / WINDOW_STEP_S, cfg.check_memory_s / WINDOW_STEP_S)
        habits.patience = warp.vec2d(cfg.patience_slots, cfg.patience_horizons)
        habits.doubt = cfg.doubt_horizons
        habits.features = zeros(nooks, _FEATURE_ROWS + 1, dtype=kernels.vec8)
        habits.past = zeros(kept, _RING, _PAST_ROWS, dtype=habit_lanes.vec8f)
        habits.start = zeros(kept, PAIRS, 2, dtype=kernels.vec8)
        habits.known = zeros(kept, PAIRS, dtype=warp.float64)
        habits.sums = zeros(kept, PAIRS, 36, dtype=kernels.vec8)
        habits.checks = zeros(kept, PAIRS, dtype=warp.vec4d)
        habits.counts = zeros(kept, PAIRS, dtype=warp.float64)
        self.habits = habits

    def adopt(self, person: PersonHabits) -> None:
        """Every hand is this person's from now on, and stays it when a window does not continue the one before."""
        hands = self.habits.lasting.shape[0]
        sums = np.zeros((PAIRS, 36, 8))
        start = sums[:, 34:] = person.weights.reshape(PAIRS, 2, 8)
        slots = person.checks[:, 2:3]
        checks = person.checks * np.minimum(1.0, self._cfg.start_check_s / WINDOW_STEP_S / np.maximum(slots, 1.0))
        known = np.minimum(person.counts, self._cfg.start_s / WINDOW_STEP_S)
        given = {"start": start, "known": known, "sums": sums, "checks": checks, "counts": np.zeros(PAIRS)}
        for name, values in given.items():
            getattr(self.habits, name).assign(np.broadcast_to(values, (hands, *values.shape)).copy())
        self.habits.lasting.fill_(1)

    def of_hand(self, hand: int) -> PersonHabits:
        """What was learned of one hand."""
        sums, checks, counts, known = (
            getattr(self.habits, name).numpy()[hand] for name in ("sums", "checks", "counts", "known")
        )
        return PersonHabits(weights=sums[:, 34:].reshape(PAIRS, _FEATURES), checks=checks, counts=counts + known)


def nobody() -> PersonHabits:
    """A person of whom nothing is known yet."""
    return PersonHabits(**{name: np.zeros(shape) for name, shape in _SHAPES.items()})
