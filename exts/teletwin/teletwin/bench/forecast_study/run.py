"""The study: every forecaster on every hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from teletwin.bench.forecast_study.entries import Entry, entries_of, forecaster_for, piles_of, usual_names
from teletwin.bench.forecast_study.hands import StudyHand, motion_facts
from teletwin.bench.forecast_study.pooling import was_seen
from teletwin.bench.forecast_study.rates import at_rate
from teletwin.bench.forecast_study.runner import Runner
from teletwin.bench.forecast_study.slots import Slot, counted_slots, slot_count, slots_of
from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.forecast import LEARNS_PERSON, WINDOW_STEP_S
from teletwin.forecast.habits import PersonHabits
from teletwin.geometry import Array
from teletwin.hand.recording import HandRecording
from teletwin.hand.resampled import resample
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S

_STEP_MS = round(1e3 * WINDOW_STEP_S)
_KNOT_MS = round(1e3 * CURVE_STEP_S)
_TRACE_SLOTS = 300
_FAN_SLOTS = 20
_TELL_EVERY = 200

Advance = Callable[[str, int], None]
"""Told the hand's name and how many slots were done since the last call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCfg:
    """What is forecast from how much past, and how often it is judged."""

    forecasters: tuple[str, ...] = field(default_factory=usual_names)
    window_ms: int = 1000
    horizon_ms: int = 500
    every_ms: int = 50
    """Forecasters run at 100 Hz; their error is counted this often."""
    person: PersonHabits | None = None
    """What forecasters that learn of a person start from on every recording."""
    thin_count: int = 60
    """Windows of a hand that a slow forecaster is given."""
    settle_ms: int = 2000
    """Forecasts count from so late on: who begins cold has learned something by then."""
    rates_hz: tuple[int, ...] = ()
    """Recordings are judged at these sample rates too, as far as they have them."""

    def __post_init__(self) -> None:
        """Refuse what the grid cannot hold."""
        _whole("window_ms", self.window_ms, _STEP_MS, 100, 5000)
        _whole("horizon_ms", self.horizon_ms, _KNOT_MS, _KNOT_MS, _KNOT_MS * (CURVE_KNOTS - 1))
        _whole("every_ms", self.every_ms, _STEP_MS, _STEP_MS, 1000)
        _whole("settle_ms", self.settle_ms, _STEP_MS, 0, 60_000)
        if not all(20 <= rate <= 1000 for rate in self.rates_hz):
            raise ConfigError("rates_hz cannot be used", given=self.rates_hz, allowed="20 ... 1000 Hz")
        if self.thin_count < 1:
            raise ConfigError("thin_count cannot be used", given=self.thin_count, allowed="1 or more")

    @property
    def horizons(self) -> int:
        """Knots that are judged."""
        return self.horizon_ms // _KNOT_MS

    @property
    def counting(self) -> dict[str, Any]:
        """Which slots count, for `counted_slots`."""
        every = self.every_ms // _STEP_MS
        past_s = 1e-3 * max(self.window_ms, self.settle_ms)
        return {"past_s": past_s, "horizon_s": 1e-3 * self.horizon_ms, "every": every}

    @property
    def shortest_s(self) -> float:
        """A recording that is shorter has no forecast that counts."""
        return 1e-3 * (max(self.window_ms, self.settle_ms) + self.horizon_ms + self.every_ms)

    @property
    def slots(self) -> dict[str, Any]:
        """How to go through a recording, for `slots_of`."""
        horizons_s = CURVE_STEP_S * np.arange(1, self.horizons + 1)
        counting = self.counting
        return {"count": self.window_ms // _STEP_MS, "horizons_s": horizons_s} | {
            name: counting[name] for name in ("past_s", "every")
        }


@dataclass(slots=True, kw_only=True)
class Trace:
    """A stretch of one hand with forecasts fanned out, for a figure."""

    hand: str
    axis: int
    t_s: Array
    position_mm: Array
    """What came (n,) along the axis that moved most."""
    fans: dict[str, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    """Times [s] and positions [mm] of each forecast, by forecaster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What came out: `results` for the report, `traces` for figures."""

    results: dict[str, Any]
    traces: list[Trace]


def run_study(hands: Sequence[StudyHand], cfg: StudyCfg, *, advance: Advance = lambda name, slots: None) -> Study:
    """Forecast every hand with every forecaster.

    Raises:
        ConfigError: No such forecaster; a hand is shorter than one window and one horizon.
        MissingPartError: A forecaster needs a package that is not installed.
    """
    entries = entries_of(cfg.forecasters)
    for hand in hands:
        _check_long_enough(hand, cfg)
    built: dict[tuple[str, int], Any] = {}
    results: dict[str, Any] = {}
    traces: list[Trace] = []
    for index, (hand, called) in enumerate(zip(hands, _names_apart(hands), strict=True)):
        runners = [_runner(entry, index, hands, cfg, built) for entry in entries]
        trace = _judge_hand(hand, runners, cfg, advance)
        trace.hand = called
        traces.append(trace)
        figures = {each.name: each.figures() | {"was_seen_in_fit": was_seen(each.name, hand)} for each in runners}
        results[called] = _facts(hand) | {"forecasters": figures}
        results[called]["by_rate"] = _by_rate(hand, entries, cfg, advance)
    return Study(results={"horizons_ms": _horizons_ms(cfg), "hands": results}, traces=traces)


def _by_rate(hand: StudyHand, entries: Sequence[Entry], cfg: StudyCfg, advance: Advance) -> dict[str, Any]:
    """The same hand at other sample rates, by those forecasters that ship and keep up."""
    found: dict[str, Any] = {}
    for rate_hz in cfg.rates_hz:
        slower = at_rate(hand, rate_hz)
        if slower is not None:
            live = [entry for entry in entries if entry.fit is None and not entry.thin]
            runners = [_runner(each, 0, [hand], cfg, {}) for each in live]
            _judge_hand(slower, runners, cfg, advance)
            found[str(rate_hz)] = {
                each.name: each.figures() | {"was_seen_in_fit": was_seen(each.name, hand)} for each in runners
            }
    return found


def _names_apart(hands: Sequence[StudyHand]) -> list[str]:
    """A name for each hand; the second one of a name is 'name (2)', so that none takes another's place."""
    names: list[str] = []
    taken = {hand.name for hand in hands}
    for hand in hands:
        name, number = hand.name, 1
        while name in names or (number > 1 and name in taken):
            number += 1
            name = f"{hand.name} ({number})"
        names.append(name)
    return names


def total_slots(hands: Sequence[StudyHand], cfg: StudyCfg) -> int:
    """How many slots a study lasts, for a progress bar."""
    slots = 0
    for hand in hands:
        times = 1 + sum(at_rate(hand, rate_hz) is not None for rate_hz in cfg.rates_hz)
        slots += times * sum(slot_count(track) for track in hand.tracks)
    return slots


def long_enough(hands: Sequence[StudyHand], cfg: StudyCfg, left_out: dict[str, str]) -> list[StudyHand]:
    """The hands that can be judged; the others are left out with the reason.

    Raises:
        ConfigError: None can.
    """
    kept = []
    for hand in hands:
        tracks = tuple(track for track in hand.tracks if track.duration_s >= cfg.shortest_s)
        if tracks:
            kept.append(replace(hand, tracks=tracks))
        else:
            left_out[hand.name] = _too_short(hand, cfg)
    kinds = {hand.kind for hand in hands}
    if not kept or ("recording" in kinds and all(hand.kind != "recording" for hand in kept)):
        what = "no recording can be judged" if "recording" in kinds else "no hand can be judged"
        raise ConfigError(what, given="; ".join(f"{n}: {why}" for n, why in left_out.items()))
    return kept


def _too_short(hand: StudyHand, cfg: StudyCfg) -> str:
    longest_s = max(track.duration_s for track in hand.tracks)
    return f"too short; given: {longest_s:.2f} s; allowed: {cfg.shortest_s:.2f} s or more"


def _runner(entry: Entry, index: int, hands: Sequence[StudyHand], cfg: StudyCfg, built: dict[Any, Any]) -> Runner:
    pile = piles_of(entry, hands)[index] if entry.fit else 0
    if (entry.name, pile) not in built:
        built[entry.name, pile] = forecaster_for(entry, pile, hands)
    if cfg.person is not None and entry.name in LEARNS_PERSON:
        built[entry.name, pile].adopt(cfg.person)
    return Runner(entry.name, built[entry.name, pile], horizons=cfg.horizons, thin=entry.thin)


def _judge_hand(hand: StudyHand, runners: list[Runner], cfg: StudyCfg, advance: Advance) -> Trace:
    trace = _new_trace(hand)
    counted = sum(counted_slots(track, **cfg.counting) for track in hand.tracks)
    stride = max(counted // cfg.thin_count, 1)
    for number, track in enumerate(hand.tracks):
        for runner in runners:
            runner.reset()
        _judge_track(track, runners, cfg, stride, trace if number == 0 else None, lambda n: advance(hand.name, n))
    return trace


def _judge_track(
    track: HandRecording,
    runners: list[Runner],
    cfg: StudyCfg,
    stride: int,
    trace: Trace | None,
    advance: Callable[[int], None],
) -> None:
    live, thin = [each for each in runners if not each.thin], [each for each in runners if each.thin]
    told = counted = 0
    for slot in slots_of(track, **cfg.slots):
        curves = [(runner, runner.step(slot.window)) for runner in live]
        if trace is not None:
            _fan(trace, slot, curves, cfg)
        if slot.truth is not None:
            for runner, curve in curves:
                runner.judge(curve, slot.window, slot.truth)
            if counted % stride == 0:
                for runner in thin:
                    runner.take(slot.window, slot.truth)
            counted += 1
        if slot.number - told >= _TELL_EVERY:
            advance(slot.number - told)
            told = slot.number
    advance(slot_count(track) - told)


def _new_trace(hand: StudyHand) -> Trace:
    """Three seconds from the middle of a hand's first recording."""
    resampled = resample(hand.tracks[0])
    first = max(len(resampled) // 2 - _TRACE_SLOTS // 2, 0)
    positions = 1e3 * resampled.even()[first : first + _TRACE_SLOTS, :3]
    t_s = resampled.slot_ns[first : first + _TRACE_SLOTS] / NS_PER_S
    axis = int(np.argmax(np.ptp(positions, axis=0)))
    return Trace(hand=hand.name, axis=axis, t_s=t_s, position_mm=positions[:, axis])


def _fan(trace: Trace, slot: Slot, curves: list[tuple[Runner, Array]], cfg: StudyCfg) -> None:
    start_ns, end_ns = NS_PER_S * trace.t_s[0], NS_PER_S * trace.t_s[-1]
    if slot.number % _FAN_SLOTS or not start_ns <= slot.origin_ns <= end_ns:
        return
    times = slot.origin_ns / NS_PER_S + CURVE_STEP_S * np.arange(cfg.horizons + 1)
    for runner, curve in curves:
        trace.fans.setdefault(runner.name, []).append((times, 1e3 * curve[: cfg.horizons + 1, trace.axis]))


def _facts(hand: StudyHand) -> dict[str, Any]:
    return {
        "kind": hand.kind,
        "duration_s": sum(track.duration_s for track in hand.tracks),
        "sample_rate_hz": hand.tracks[0].rate_hz,
        "gap_count": hand.gaps,
        "scale_ratio": hand.tracks[0].scale,
        "rotation_scale_ratio": hand.tracks[0].rotation_scale,
        **motion_facts(hand.tracks),
    }


def _horizons_ms(cfg: StudyCfg) -> list[int]:
    return [_KNOT_MS * (knot + 1) for knot in range(cfg.horizons)]


def _check_long_enough(hand: StudyHand, cfg: StudyCfg) -> None:
    if max(track.duration_s for track in hand.tracks) < cfg.shortest_s:
        raise ConfigError(f"'{hand.name}' is {_too_short(hand, cfg)}")


def _whole(name: str, value: int, step: int, least: int, most: int) -> None:
    if value % step or not least <= value <= most:
        raise ConfigError(f"{name} cannot be used", given=value, allowed=f"a multiple of {step} from {least} to {most}")
