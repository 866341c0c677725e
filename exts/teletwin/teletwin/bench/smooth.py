"""How smoothly the arm follows, on the virtual clock: the loop as it is, beside what came before and paper mode."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from teletwin.bench.effect import describe_hand
from teletwin.report.bench_rows import BenchRow
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

WAYS = ("smooth", "plain", "paper")
"""The loop; without a reference and with commands as they come; paper mode."""
REVERSALS_BAR, AT_LIMIT_BAR, SHAKE_BAR_MM, ACCELERATION_BAR, RMSE_BAR = 2.0, 1.0, 0.1, 1.5, 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothCfg:
    """One network, and how long each run lasts."""

    delay_ms: float = 60.0
    jitter_ms: float = 10.0
    loss: float = 0.0
    duration_s: float = 20.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """One run."""

    position_mm: float
    orientation_rad: float
    shown_mm: float
    reversals_per_s: float
    at_limit_percent: float
    jerk_p99_rad_s3: float
    jerk_max_rad_s3: float
    shake_mm: float
    tool_m_s2: float
    hand_m_s2: float


def measure_smoothness(hand: str, cfg: SmoothCfg, *, jobs: int = 1) -> dict[str, Smoothness]:
    """Run one hand in every way."""
    if jobs == 1:
        return {way: _run(hand, cfg, way) for way in WAYS}
    context = multiprocessing.get_context("spawn")  # the compiled kernels' threads do not survive a fork
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = {way: pool.submit(_run, hand, cfg, way) for way in WAYS}
        return {way: future.result() for way, future in futures.items()}


def smooth_rows(hand: str, runs: Mapping[str, Smoothness]) -> Iterator[BenchRow]:
    """What a hand's runs show, each figure beside the other ways'."""
    ours, plain = runs["smooth"], runs["plain"]
    name = describe_hand(hand)[0]
    rows: tuple[tuple[str, str, str, float | None], ...] = (
        ("position error", "mm", "position_mm", RMSE_BAR * plain.position_mm),
        ("orientation error", "rad", "orientation_rad", RMSE_BAR * plain.orientation_rad),
        ("error on the screen", "mm", "shown_mm", RMSE_BAR * plain.shown_mm),
        ("reversals", "1/s", "reversals_per_s", REVERSALS_BAR),
        ("ticks at a limit", "%", "at_limit_percent", AT_LIMIT_BAR),
        ("jerk p99", "rad/s^3", "jerk_p99_rad_s3", None),
        ("jerk, largest", "rad/s^3", "jerk_max_rad_s3", None),
        ("error above 8 Hz", "mm", "shake_mm", SHAKE_BAR_MM),
        ("acceleration of the tool", "m/s^2", "tool_m_s2", ACCELERATION_BAR * ours.hand_m_s2),
    )
    for words, unit, field, bar in rows:
        beside = {way: getattr(run, field) for way, run in runs.items() if way != "smooth"}
        yield BenchRow(name=f"{name}: {words}", unit=unit, value=getattr(ours, field), bar=bar, beside=beside)


def _run(hand: str, cfg: SmoothCfg, way: str) -> Smoothness:
    session = SessionCfg(
        hand=hand,
        network=NetworkCfg(delay_ms=cfg.delay_ms, jitter_ms=cfg.jitter_ms, loss=cfg.loss),
        paper_mode=way == "paper",
        smooth=way == "smooth",
        seed=cfg.seed,
    )
    virtual = VirtualSession(session)
    metrics = virtual.run(cfg.duration_s)
    control, told, tool = metrics.control.whole(), virtual.arm.set_points.report(), metrics.tool.report()
    assert tool is not None
    return Smoothness(
        position_mm=1e3 * control.position_m,
        orientation_rad=control.orientation_rad,
        shown_mm=1e3 * metrics.shown.whole().position_m,
        reversals_per_s=told.reversal_count / told.duration_s,
        at_limit_percent=100.0 * told.limit_count / told.tick_count,
        jerk_p99_rad_s3=told.jerk_p99_rad_s3,
        jerk_max_rad_s3=told.jerk_max_rad_s3,
        shake_mm=1e3 * tool.shake_m,
        tool_m_s2=tool.tool_m_s2,
        hand_m_s2=tool.hand_m_s2,
    )
