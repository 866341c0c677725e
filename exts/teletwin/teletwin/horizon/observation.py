"""What a learned policy sees of a slot: the hand's motion, its own past forecasts, the measured delays.

No feature depends on where in the room the hand is; all are of the order of one and finite whatever comes in.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Any

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S
from teletwin.warp_runtime import load_warp, record

OBSERVATION_VERSION = 1
"""Raised whenever a feature changes its meaning: a policy trained on another version is refused."""
WINDOW_COUNT = 100
"""Poses of a forecaster's window."""
PAST_KNOTS = (3, 6, 12, 20)
"""Own forecasts judged: those for 60, 120, 240 and 400 ms ahead."""
SLOTS_PER_KNOT = 2
"""A slot is 10 ms, a knot of a curve 20 ms."""
MOTION_COUNT = SLOTS_PER_KNOT * PAST_KNOTS[-1] + 1
"""Newest poses of a window that the motion features read."""

_PAST_MS = tuple(round(1e3 * CURVE_STEP_S * knot) for knot in PAST_KNOTS)
MOTION_NAMES: tuple[str, ...] = (
    "log_speed_20ms",
    "log_speed_100ms",
    "log_acceleration",
    "log_jerk",
    "straightness_200ms",
    "log_turn_rate",
    *(f"log_ahead_{ms}ms" for ms in _PAST_MS),
    "cosine_ahead_240ms",
    *(f"log_error_{ms}ms" for ms in _PAST_MS),
    *(f"log_ratio_{ms}ms" for ms in _PAST_MS),
    *(f"projection_{ms}ms" for ms in _PAST_MS),
    "log_turn_ratio_120ms",
    "log_turn_ratio_240ms",
)
_DELAY_PARTS = ("", "_mean_50ms", "_mean_300ms", "_mean_2000ms", "_deviation_300ms", "_deviation_2000ms", "_change")
DELAY_NAMES: tuple[str, ...] = (
    *(f"control_delay{part}" for part in _DELAY_PARTS),
    *(f"display_delay{part}" for part in _DELAY_PARTS),
    "aol",
    "uplink_age",
)
RICH_NAMES: tuple[str, ...] = (*MOTION_NAMES, *DELAY_NAMES)
PAPER_NAMES: tuple[str, ...] = ("x", "y", "z", "qw", "qx", "qy", "qz", "aol")
OBSERVATIONS: dict[str, tuple[str, ...]] = {"rich": RICH_NAMES, "paper": PAPER_NAMES}
"""Kind of observation -> names of its numbers; 'paper' is the newest pose [m] and the Age of Loop [s] as they are."""

FIRST_CONTROL_S = 0.15
"""Control delay and Age of Loop assumed until the first measurement [s]."""
FIRST_DISPLAY_S = 0.1
"""The same for the display and the age of packets [s]."""
BOUND = 5.0
"""No feature of 'rich' is further from 0."""

_AVERAGING_S = (0.05, 0.3, 2.0)
_DEVIATION_S = 0.03
_LEVEL_S = 0.1
_LEVELS = [i for i, name in enumerate(DELAY_NAMES) if not name.endswith(("change", "ms")) or "_mean_" in name]
"""Features that tell how long a delay is."""
_LONGEST_S = 10.0
_KEPT_CURVES = 256  # 400 ms of the shortest slots, 2 ms, and some
_KNOT_NS = round(CURVE_STEP_S * NS_PER_S)
_PAST_NS = tuple(knot * _KNOT_NS for knot in PAST_KNOTS)
_NEAR_NS = 5_000_000


def observation_names(kind: str) -> tuple[str, ...]:
    """Names of an observation's numbers, in their order.

    Raises:
        ConfigError: No observation has this name.
    """
    if kind not in OBSERVATIONS:
        raise ConfigError("no observation has this name", given=kind, allowed=", ".join(OBSERVATIONS))
    return OBSERVATIONS[kind]


class MotionFeatures:
    """Features of the motion of a number of hands at once; everything is allocated and recorded once."""

    def __init__(self, *, hands: int, count: int = WINDOW_COUNT, device: str = "cpu") -> None:
        """For windows of `count` poses.

        Raises:
            ConfigError: The window is too short to judge the oldest forecast by it.
        """
        if count < MOTION_COUNT:
            raise ConfigError(
                "the window is too short for the features", given=count, allowed=f"{MOTION_COUNT} or more"
            )
        self._kernel = _BoundFeatures(
            rows=hands, hands=hands, poses=count, first=count - 1, hand_step=1, slot_step=0, device=device
        )

    def compute(self, windows: Array, curves: Array, past: Array, *, out: Array | None = None) -> Array:
        """Features of every hand.

        Args:
            windows: Past poses (hands, count, 7), 10 ms apart, oldest first.
            curves: Forecasts made from them (hands, CURVE_KNOTS, 7).
            past: What was forecast for now, PAST_KNOTS ago (hands, 4, 7).
            out: Receives the features; made when None.

        Returns:
            Features (hands, len(MOTION_NAMES)).
        """
        return self._kernel.compute(windows, curves, past, out)


def motion_table(track: Array, table: Array, *, count: int = WINDOW_COUNT, device: str = "cpu") -> Array:
    """Features of every slot of a recorded hand, as `MotionFeatures` gives them slot by slot.

    Args:
        track: Poses (n, 7), 10 ms apart, quaternions in one hemisphere.
        table: Forecasts (n - count + 1, CURVE_KNOTS, 7); row i is made at pose i + count - 1.
        count: Poses of a window; no row has less behind it.
        device: Where warp computes.

    Returns:
        Features (n - count + 1, len(MOTION_NAMES)), rows as in `table`.
    """
    rows = len(track) - count + 1
    if count < MOTION_COUNT or rows < 1 or len(table) != rows:
        raise ConfigError(
            "track and forecasts do not fit each other",
            given=f"{len(track)} poses, {len(table)} forecasts, windows of {count}",
            allowed=f"poses - window + 1 forecasts, windows of {MOTION_COUNT} or more",
        )
    past = np.repeat(track[count - 1 :, None], len(PAST_KNOTS), axis=1)
    for k, knot in enumerate(PAST_KNOTS):
        past[SLOTS_PER_KNOT * knot :, k] = table[: max(rows - SLOTS_PER_KNOT * knot, 0), knot]
    kernel = _BoundFeatures(
        rows=rows, hands=1, poses=len(track), first=count - 1, hand_step=0, slot_step=1, device=device
    )
    return kernel.compute(track[None], table, past, None)


def window_motion_table(windows: Any, table: Array, *, batch: int = 1024) -> Array:
    """Features (n, len(MOTION_NAMES)) of slots whose windows are given, as `MotionFeatures` gives them slot by slot.

    Args:
        windows: Windows (count, 7) of the slots, by slice (n, count, 7).
        table: The forecasts (n, CURVE_KNOTS, 7) made from them.
        batch: Slots worked on together.
    """
    out = np.empty((len(table), len(MOTION_NAMES)))
    features: MotionFeatures | None = None
    for first in range(0, len(table), batch):
        recent = windows[first : first + batch][:, -MOTION_COUNT:]
        if features is None or len(recent) != batch:
            features = MotionFeatures(hands=len(recent), count=MOTION_COUNT)
        past = np.repeat(recent[:, -1:], len(PAST_KNOTS), axis=1)
        for k, knot in enumerate(PAST_KNOTS):
            then = np.arange(first, first + len(recent)) - SLOTS_PER_KNOT * knot
            past[then >= 0, k] = table[then[then >= 0], knot]
        features.compute(recent, table[first : first + batch], past, out=out[first : first + batch])
    return out


class _BoundFeatures:
    """The kernel bound to arrays of one size."""

    def __init__(
        self, *, rows: int, hands: int, poses: int, first: int, hand_step: int, slot_step: int, device: str
    ) -> None:
        warp = load_warp()
        from teletwin.horizon import motion_kernels

        self._on_cpu = bool(warp.get_device(device).is_cpu)
        shapes = ((hands, poses), (rows, CURVE_KNOTS), (rows, len(PAST_KNOTS)))
        self._inputs = [warp.zeros(shape, dtype=motion_kernels.vec7, device=device) for shape in shapes]
        self._out = warp.zeros((rows, len(MOTION_NAMES)), dtype=warp.float64, device=device)
        self._views: list[Array] = [each.numpy() for each in (*self._inputs, self._out)] if self._on_cpu else []
        self._launch = record(
            motion_kernels.motion_features,
            dim=rows,
            inputs=[*self._inputs, warp.vec4i(*PAST_KNOTS), first, hand_step, slot_step],
            outputs=[self._out],
            device=device,
        ).launch

    def compute(self, poses: Array, curves: Array, past: Array, out: Array | None) -> Array:
        """Copy in, launch, copy out."""
        if self._on_cpu:
            own_poses, own_curves, own_past, own_out = self._views
            own_poses[:], own_curves[:], own_past[:] = poses, curves, past
            self._launch()
        else:
            for mine, given in zip(self._inputs, (poses, curves, past), strict=True):
                mine.assign(np.ascontiguousarray(given))
            self._launch()
            own_out = self._out.numpy()
        if out is None:
            return own_out.copy()
        out[:] = own_out
        return out


class PastForecasts:
    """Remembers the newest curves, to tell what was once forecast for now."""

    def __init__(self) -> None:
        self._curves = np.zeros((2 * _KEPT_CURVES, CURVE_KNOTS, 7))
        self._now = np.zeros((len(PAST_KNOTS), 7))
        self._t_ns: list[int] = []

    def reset(self) -> None:
        """Forget every curve."""
        self._t_ns.clear()

    def push(self, t_ns: int, curve: Array) -> None:
        """Keep the forecast (CURVE_KNOTS, 7) of the slot at t_ns; time that runs back starts afresh."""
        times = self._t_ns
        if times and t_ns <= times[-1]:
            times.clear()
        if len(times) == 2 * _KEPT_CURVES:
            self._curves[:_KEPT_CURVES] = self._curves[_KEPT_CURVES:]
            del times[:_KEPT_CURVES]
        self._curves[len(times)] = curve
        times.append(t_ns)

    def now(self, t_ns: int, newest_pose: Array) -> Array:
        """What was forecast for t_ns (4, 7) at PAST_KNOTS ago, a view; the newest pose where nothing was yet.

        Where slots are not 10 ms apart the curve nearest in time is read at its true age.
        """
        for k, age_ns in enumerate(_PAST_NS):
            i = bisect_right(self._t_ns, t_ns - age_ns + _NEAR_NS) - 1
            knot, rest_ns = divmod(t_ns - self._t_ns[i], _KNOT_NS) if i >= 0 else (CURVE_KNOTS, 0)
            if knot >= CURVE_KNOTS - 1:
                self._now[k] = newest_pose
            elif not rest_ns:
                self._now[k] = self._curves[i, knot]
            else:
                before, after = self._curves[i, knot], self._curves[i, knot + 1]
                self._now[k] = before + (rest_ns / _KNOT_NS) * (after - before)
        return self._now


class DelayFeatures:
    """The measured delays of a loop, now and over the last seconds, in plain Python."""

    def __init__(self) -> None:
        self._control = _Delay(FIRST_CONTROL_S)
        self._display = _Delay(FIRST_DISPLAY_S)
        self.reset()

    def reset(self) -> None:
        """Go back to the first guesses."""
        self._control.reset()
        self._display.reset()
        self._aol_s, self._uplink_s = FIRST_CONTROL_S, FIRST_DISPLAY_S

    def update(
        self,
        t_ns: int,
        *,
        aol_s: float,
        uplink_age_s: float,
        control_delay_s: float,
        display_delay_s: float,
        out: Array,
    ) -> None:
        """Take this slot's measurements [s]; one that is negative or not finite is unknown: the last one stays.

        Args:
            t_ns: Time of the slot.
            aol_s: Age of Loop.
            uplink_age_s: Age of packets on arrival at the twin.
            control_delay_s: Measured T_control.
            display_delay_s: Measured T_render.
            out: Receives the features (len(DELAY_NAMES),).
        """
        self._aol_s = known_or(aol_s, self._aol_s)
        self._uplink_s = known_or(uplink_age_s, self._uplink_s)
        self._control.update(t_ns, control_delay_s)
        self._display.update(t_ns, display_delay_s)
        out[:] = (
            *self._control.features(),
            *self._display.features(),
            _level(self._aol_s),
            _level(self._uplink_s),
        )


def known_or(delay_s: float, before_s: float) -> float:
    """A measured delay [s], at most 10; the one before where it is unknown."""
    return min(delay_s, _LONGEST_S) if 0.0 <= delay_s < math.inf else before_s


class _Delay:
    """One delay with its exponential averages against time."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self.reset()

    def reset(self) -> None:
        self._newest = self._mean_50 = self._mean_300 = self._mean_2000 = self._first_s
        self._variance_300 = self._variance_2000 = 0.0
        self._seen_ns: int | None = None
        self._elapsed_ns = -1
        self._shares = (0.0, 0.0, 0.0)

    def update(self, t_ns: int, delay_s: float) -> None:
        delay_s = known_or(delay_s, -1.0)
        if delay_s < 0.0:
            return
        if self._seen_ns is None:
            self._mean_50 = self._mean_300 = self._mean_2000 = delay_s
        else:
            self._average(max(t_ns - self._seen_ns, 0), delay_s)
        self._newest, self._seen_ns = delay_s, t_ns

    def _average(self, elapsed_ns: int, delay_s: float) -> None:
        if elapsed_ns != self._elapsed_ns:  # slots are even as a rule: the three exponentials are seldom needed
            elapsed_s = elapsed_ns / NS_PER_S
            a, b, c = (1.0 - math.exp(-elapsed_s / averaging_s) for averaging_s in _AVERAGING_S)
            self._elapsed_ns, self._shares = elapsed_ns, (a, b, c)
        share_50, share_300, share_2000 = self._shares
        off = delay_s - self._mean_300
        self._variance_300 = (1.0 - share_300) * (self._variance_300 + share_300 * off * off)
        self._mean_300 += share_300 * off
        off = delay_s - self._mean_2000
        self._variance_2000 = (1.0 - share_2000) * (self._variance_2000 + share_2000 * off * off)
        self._mean_2000 += share_2000 * off
        self._mean_50 += share_50 * (delay_s - self._mean_50)

    def features(self) -> tuple[float, ...]:
        return (
            _level(self._newest),
            _level(self._mean_50),
            _level(self._mean_300),
            _level(self._mean_2000),
            min(math.sqrt(self._variance_300) / _DEVIATION_S, BOUND),
            min(math.sqrt(self._variance_2000) / _DEVIATION_S, BOUND),
            max(min((self._newest - self._mean_2000) / _DEVIATION_S, BOUND), -BOUND),
        )


def later(features: Array, by_s: Array) -> Array:
    """Delay features (n, len(DELAY_NAMES)) where every delay is longer by so much (n, 1) [s]; deviations stay."""
    out = features.copy()
    out[:, _LEVELS] = np.minimum(features[:, _LEVELS] + by_s / _LEVEL_S, BOUND)
    return out


def _level(delay_s: float) -> float:
    return min((delay_s - 0.12) / _LEVEL_S, BOUND)
