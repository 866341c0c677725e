"""The forecaster that knows when it does not know: a mix of others, weighed by how they came out on this hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S
from teletwin.forecast.autoreg import DEFAULT_LAGS, autoreg_spec
from teletwin.forecast.candidates import CANDIDATES, PRIOR_HORIZONS_S, Candidate, check_trust
from teletwin.forecast.constant_velocity import constant_velocity_spec
from teletwin.forecast.habits import HabitCfg, HabitMemory, PersonHabits
from teletwin.forecast.launch import KernelSpec, MotionLimits, bound_limits, eight_lanes
from teletwin.forecast.pooled import pooled_fir_spec
from teletwin.forecast.pooled_model import PooledModel
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S
from teletwin.warp_runtime import RecordedLaunch, load_warp, record

_TRIALS = CURVE_KNOTS // 2
"""Knots at which forecasts are checked: every other one."""
_SPANS = 4 * np.arange(_TRIALS) + 2
"""Their horizons in slots."""
_HISTORY_ROWS = 2 * _TRIALS * (_TRIALS + 1)
_ISSUED = 64
_POSES_KEPT = 4
_POSITIVE = (
    "memory_s",
    "patience_slots",
    "surprise_position_slots",
    "surprise_orientation_slots",
    "choice_memory_s",
    "choice_evidence",
    "neighbors",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedCfg:
    """Whom to trust, and how fast trust is won and lost."""

    candidates: tuple[Candidate, ...] = CANDIDATES
    """The table with other priors; its names are fixed, the kernel forecasts them."""
    memory_s: float = 60.0
    """Time constant of forgetting what the learned mixture rests on [s]; one number per candidate and knot needs many
    seconds of evidence."""
    patience_slots: float = 15.0
    """Slots of the hand's average motion that the prior weights are worth."""
    surprise_position_slots: float = 50.0
    """Slots of motion as lively as now's that they are worth too, times how much livelier than average it is: a burst
    falls back on them."""
    surprise_orientation_slots: float = 15.0
    choice_memory_s: float = 4.0
    """Time constant [s] of telling which of the single forecasts and mixtures does best."""
    choice_evidence: float = 0.6
    """A share's weight falls with its squared error to this power for each independent forecast that fell due."""
    neighbors: float = 2.0
    """What a knot learns from another one falls with the ratio of their horizons to this power."""
    trust_in_holding: float = 0.0
    """Logarithm of the weight to begin with, as a candidate's `trust`."""
    trust_in_prior: float = -1.0
    trust_in_learned: float = 0.0
    habits: HabitCfg = field(default_factory=HabitCfg)
    """What the mixture misses again and again on this hand is added to it."""
    limits: MotionLimits = field(default_factory=MotionLimits)
    model: PooledModel | None = None
    """Weights of the pooled candidate; None takes the shipped ones."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not 0.0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} cannot be used", given=getattr(self, name), allowed="a positive number")
        for name in ("trust_in_holding", "trust_in_prior", "trust_in_learned"):
            check_trust(name, getattr(self, name))
        given, fixed = [each.name for each in self.candidates], [each.name for each in CANDIDATES]
        if given != fixed:
            raise ConfigError("candidates cannot be used", given=", ".join(given), allowed=", ".join(fixed))

    @property
    def shortest_window(self) -> int:
        """The fewest poses that every candidate can read."""
        specs = (autoreg_spec(), self.pooled_spec(), constant_velocity_spec())
        return max(spec.shortest_window for spec in specs)

    def pooled_spec(self) -> KernelSpec:
        """The pooled candidate."""
        return pooled_fir_spec(model=self.model, limits=self.limits)


class CombinedHands:
    """The combined forecaster over many hands at once; every hand has its own memory.

    For each knot, position and orientation apart, the learned weights w minimize
    sum_t f^(now - t) |x(t + h) - x(t) - sum_i w_i d_i(t)|^2 + ridge |w - prior|^2 over the forecasts d_i that have
    fallen due: ridge regression with exponential forgetting, the ridge growing with the motion of now. What is said
    is the mean of this mixture, the prior one, every candidate alone and holding, each weighed by its errors in the
    last seconds (`choice_kernels`). A forecast is compared with what came at the very time that it was made for,
    whatever the rate of the hand's samples. A window that does not continue the one before starts that hand anew.

    Attributes:
        device_window, device_curve: (hands, count) and (hands, CURVE_KNOTS) of 7-vectors, on the device.
        device_expected: (hands, CURVE_KNOTS) of expected errors [m], [rad].
    """

    def __init__(
        self,
        *,
        hands: int,
        count: int = WINDOW_COUNT,
        device: str = "cpu",
        cfg: CombinedCfg | None = None,
        device_window: Any = None,
        device_curve: Any = None,
    ) -> None:
        cfg = cfg or CombinedCfg()
        shortest = cfg.shortest_window
        if hands < 1 or count < shortest:
            raise ConfigError(
                "the batch cannot be used",
                given=f"{hands} hands of {count} poses",
                allowed=f"at least 1 hand of {shortest} poses",
            )
        self._device = device
        command = self._bind(hands, count, cfg, device_window, device_curve)
        on_cpu = load_warp().get_device(device).is_cpu
        self.window: Array | None = self.device_window.numpy() if on_cpu else None
        self.curve: Array | None = self.device_curve.numpy() if on_cpu else None
        self.expected: Array | None = self.device_expected.numpy() if on_cpu else None
        self.launch = command.launch
        """Read the windows, learn from them, write curves and expected errors."""

    def reset(self) -> None:
        """Forget what every hand has taught."""
        self._counts.fill_(-1)

    def forecast(self, windows: Array, *, out: Array | None = None) -> Array:
        """Continue windows (hands, count, 7) of past poses; return curves (hands, CURVE_KNOTS, 7)."""
        self.device_window.assign(np.ascontiguousarray(windows, dtype=np.float64))
        self.launch()
        if out is None:
            out = np.empty((len(windows), CURVE_KNOTS, 7))
        out[:] = self.device_curve.numpy()
        return out

    def _bind(self, hands: int, count: int, cfg: CombinedCfg, device_window: Any, device_curve: Any) -> RecordedLaunch:
        """Allocate what is learned; return the recorded launch."""
        warp = load_warp()
        from teletwin.forecast import combine_kernels, kernels

        self.device_window = self._zeros(hands, count, dtype=kernels.vec7) if device_window is None else device_window
        self.device_curve = (
            self._zeros(hands, CURVE_KNOTS, dtype=kernels.vec7) if device_curve is None else device_curve
        )
        self.device_expected = self._zeros(hands, CURVE_KNOTS, dtype=warp.vec2d)
        candidates, memory = self._candidates(hands, count, cfg), self._memory(hands)
        self.habits = HabitMemory(cfg.habits, hands=hands, nooks=self._nooks(hands), device=self._device)
        limits = bound_limits(warp, cfg.limits)
        inputs = [self.device_window, candidates, limits, self._trust(cfg), memory, self.habits.habits]
        return record(
            combine_kernels.combine,
            dim=hands,
            inputs=inputs,
            outputs=[self.device_curve, self.device_expected],
            device=self._device,
        )

    def _nooks(self, hands: int) -> int:
        return 1 if load_warp().get_device(self._device).is_cpu else hands

    def _given(self, values: Any, dtype: Any) -> Any:
        return load_warp().array(values, dtype=dtype, device=self._device)

    def _zeros(self, *shape: int, dtype: Any) -> Any:
        return load_warp().zeros(shape, dtype=dtype, device=self._device)

    def _candidates(self, hands: int, count: int, cfg: CombinedCfg) -> Any:
        """Room for the candidates: one hand's on the CPU, which serves them one by one, else every hand's."""
        warp = load_warp()
        from teletwin.forecast import candidate_kernels, kernels, weighing_kernels

        nooks = self._nooks(hands)
        pooled = cfg.pooled_spec()
        assert pooled.weights is not None
        candidates = candidate_kernels.Candidates()
        candidates.lags = self._given(np.array(DEFAULT_LAGS, dtype=np.int32), warp.int32)
        candidates.taps = self._given(np.array(pooled.lags, dtype=np.int32), warp.int32)
        candidates.weights = self._given(eight_lanes(pooled.weights), kernels.vec8)
        candidates.increments = self._zeros(nooks, count + CURVE_KNOTS + 2, dtype=kernels.vec8)
        candidates.scratch = self._zeros(nooks, 2, count, dtype=kernels.vec8)
        candidates.coefficients = self._zeros(nooks, len(DEFAULT_LAGS) + 1, dtype=kernels.vec7)
        candidates.ways = self._zeros(nooks, count + _TRIALS, dtype=kernels.vec8)
        candidates.moved = self._zeros(nooks, len(CANDIDATES) * CURVE_KNOTS, dtype=kernels.vec7)
        candidates.leads = self._zeros(nooks, 2 * _TRIALS, dtype=weighing_kernels.Shares)
        candidates.prior = self._given(_prior_by_trial(cfg), weighing_kernels.Weights)
        return candidates

    def _trust(self, cfg: CombinedCfg) -> Any:
        """The settings as the kernel takes them."""
        from teletwin.forecast import choice_kernels, weighing_kernels

        mixtures = (cfg.trust_in_holding, cfg.trust_in_prior, cfg.trust_in_learned)
        trust = choice_kernels.Trust()
        trust.memory = cfg.memory_s / WINDOW_STEP_S
        trust.choice_memory = cfg.choice_memory_s / WINDOW_STEP_S
        trust.patience = cfg.patience_slots
        trust.surprise = load_warp().vec2d(cfg.surprise_position_slots, cfg.surprise_orientation_slots)
        trust.evidence = cfg.choice_evidence
        trust.start = weighing_kernels.Shares(*(each.trust for each in cfg.candidates), *mixtures)
        trust.between = self._given(_between_trials(cfg), load_warp().float64)
        return trust

    def _memory(self, hands: int) -> Any:
        """What the hands teach; nothing yet."""
        warp = load_warp()
        from teletwin.forecast import kernels, lane_kernels, memory_kernels, weighing_kernels

        self._counts = warp.full((hands,), -1, dtype=warp.int32, device=self._device)
        memory = memory_kernels.Memory()
        memory.before = self._zeros(hands, _POSES_KEPT, dtype=kernels.vec7)
        memory.clocks = self._zeros(hands, dtype=warp.float64)
        memory.counts = self._counts
        memory.signs = self._zeros(hands, dtype=warp.float64)
        memory.issued = self._zeros(hands, _ISSUED, dtype=warp.float64)
        memory.scored = self._zeros(hands, _TRIALS, dtype=warp.int32)
        memory.history = self._zeros(hands, _HISTORY_ROWS, len(CANDIDATES) + 2, dtype=lane_kernels.vec7f)
        by_trial = (hands, _TRIALS, 2)
        memory.moments = self._zeros(*by_trial, dtype=weighing_kernels.Moments)
        memory.products = self._zeros(*by_trial, dtype=weighing_kernels.Weights)
        memory.scores = self._zeros(*by_trial, dtype=warp.vec4d)
        memory.faults = self._zeros(*by_trial, dtype=weighing_kernels.Shares)
        memory.evidence = self._zeros(*by_trial, dtype=warp.float64)
        return memory


def _prior_by_trial(cfg: CombinedCfg) -> Array:
    """Weights to start from (trials, 2, candidates)."""
    trial_s = WINDOW_STEP_S * _SPANS
    prior = np.empty((_TRIALS, 2, len(cfg.candidates)))
    for which, candidate in enumerate(cfg.candidates):
        for group, weights in enumerate((candidate.prior_position, candidate.prior_orientation)):
            prior[:, group, which] = np.interp(trial_s, PRIOR_HORIZONS_S, weights)
    return prior


def _between_trials(cfg: CombinedCfg) -> Array:
    """What a trial (row) learns from each trial; rows add up to 1."""
    ratio = np.minimum.outer(_SPANS, _SPANS) / np.maximum.outer(_SPANS, _SPANS)
    weights = ratio**cfg.neighbors
    return weights / weights.sum(axis=1, keepdims=True)


class CombinedForecaster:
    """The forecasts of `candidates.CANDIDATES`, weighed by their recent errors on this hand.

    Feed it the window of every slot: it finds out by itself whether a window continues the one before, and learns
    only then. A window that stands alone gets the prior weights.
    """

    typical_ms = 0.01

    def __init__(self, *, cfg: CombinedCfg | None = None) -> None:
        self._cfg = cfg or CombinedCfg()
        self._shortest = self._cfg.shortest_window
        self._horizons_s = CURVE_STEP_S * np.arange(CURVE_KNOTS)
        self._person: PersonHabits | None = None
        self._bind(WINDOW_COUNT)

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7); another n starts anew."""
        if len(window) != self._count:
            missing = self._shortest - len(window)
            if missing > 0:
                window = np.concatenate([np.repeat(window[:1], missing, axis=0), window])
            if len(window) != self._count:
                self._bind(len(window))
        self._window[:] = window
        self._launch()
        out[:] = self._curve

    def reset(self) -> None:
        """Forget what earlier windows taught; a person who was adopted starts as then."""
        self._hands.reset()
        if self._person is not None:
            self._hands.habits.adopt(self._person)

    def adopt(self, person: PersonHabits) -> None:
        """Start from what is known of a person, whose hand this is from now on."""
        self._person = person
        self._hands.habits.adopt(person)

    @property
    def habits(self) -> PersonHabits:
        """What is known of this hand now; a copy."""
        return self._hands.habits.of_hand(0)

    @property
    def expected_errors(self) -> Array:
        """Expected root-mean-square errors of the last curve (CURVE_KNOTS, 2): distance [m], angle [rad]; a view."""
        return self._expected

    def predicted_error_m(self, horizon_s: float | Array) -> Array:
        """Root-mean-square distance to expect at horizons [s] of the last curve [m]."""
        return np.interp(horizon_s, self._horizons_s, self._expected[:, 0])

    def predicted_error_rad(self, horizon_s: float | Array) -> Array:
        """Root-mean-square angle to expect at horizons [s] of the last curve [rad]."""
        return np.interp(horizon_s, self._horizons_s, self._expected[:, 1])

    def _bind(self, count: int) -> None:
        hands = CombinedHands(hands=1, count=count, cfg=self._cfg)
        if self._person is not None:
            hands.habits.adopt(self._person)
        assert hands.window is not None
        assert hands.curve is not None
        assert hands.expected is not None
        self._hands = hands
        self._count = count
        self._launch = hands.launch
        self._window, self._curve, self._expected = hands.window[0], hands.curve[0], hands.expected[0]
