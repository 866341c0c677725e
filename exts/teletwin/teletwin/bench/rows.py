"""The bench's figures with their bars and baselines, group by group."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from teletwin.report.bench_rows import BenchRow

_IMPORTS = "import teletwin, sys; bad = {'torch', 'warp', 'numba', 'omni'} & set(sys.modules); assert not bad, bad"


def import_rows() -> Iterator[BenchRow]:
    """Cold import of the package, the interpreter's own start taken off."""

    def median_ms(code: str) -> float:
        times_s = []
        for _ in range(9):
            start_s = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times_s.append(time.perf_counter() - start_s)
        return 1e3 * statistics.median(times_s)

    bare, numpy, ours = median_ms("pass"), median_ms("import numpy"), median_ms(_IMPORTS)
    yield BenchRow(
        name="import teletwin",
        unit="ms",
        value=ours - bare,
        bar=150.0,
        beside={"import numpy": numpy - bare},
        note="no torch, warp, numba, omni",
    )


def forecast_rows() -> Iterator[BenchRow]:
    """One pose ahead of a 1 s window, 7 channels, 500 ms."""
    from teletwin.bench.forecast import measure_forecast

    figures = measure_forecast()
    slow_us = figures.get("forecast_statsmodels_autoreg_ms_p50")
    beside = {"statsmodels AutoReg": None if slow_us is None else 1e3 * slow_us}
    for name, title, bar, batch_bar in (
        ("arma", "Burg ARMA", 20.0, None),
        ("autoreg", "AutoReg", 20.0, None),
        ("combined", "combined", 40.0, 10.0),
    ):
        label = f"forecast of one pose, {title}"
        yield BenchRow(
            name=label, unit="us", value=figures[f"forecast_{name}_us_p50"], bar=bar, beside=beside, note="p50"
        )
        batch_us = figures[f"forecast_{name}_1024_us_per_pose_p50"]
        yield BenchRow(name=f"{label}, 1024 hands", unit="us a pose", value=batch_us, bar=batch_bar)
    for name, label in (("parameter_difference", "parameters"), ("position_difference_m", "forecast positions")):
        value = figures.get(f"autoreg_{name}_max")
        yield BenchRow(
            name=f"AutoReg mode against statsmodels, {label}", unit="largest difference", value=value, bar=1e-12
        )


def policy_rows() -> Iterator[BenchRow]:
    """One decision about the horizons."""
    from teletwin.bench.policy import measure_policy

    figures = measure_policy()
    beside = {
        "rule, late bound": figures["decide_rule_late_us_p50"],
        "at the sender": figures["decide_rule_sender_us_p50"],
    }
    value = figures["decide_learned_us_p50"]
    yield BenchRow(name="learned horizons, one decision", unit="us", value=value, bar=50.0, beside=beside, note="p50")


def rmpflow_rows() -> Iterator[BenchRow]:
    """One step of the motion policy, and 1024 at once."""
    from teletwin.bench.ik_peers import measure_ik_peers
    from teletwin.bench.rmpflow import measure_rmpflow

    figures, peers = measure_rmpflow(), measure_ik_peers()
    beside = {
        "pinocchio DLS": peers["pinocchio_dls_us_p50"],
        "pin-pink": peers["pink_us_p50"],
        "mink": peers["mink_us_p50"],
    }
    yield BenchRow(
        name="RMPflow step, one UR3e",
        unit="us",
        value=figures["rmpflow_step_us_p50"],
        bar=10.0,
        beside=beside,
        note="p50",
    )
    share, every = figures["rmpflow_1024_projected_share"], figures["rmpflow_1024_all_projected_share"]
    yield BenchRow(
        name="RMPflow step, 1024 arms",
        unit="ms",
        value=figures["rmpflow_1024_ms_p50"],
        bar=1.0,
        note=f"projection active in {100 * share:.0f} %",
    )
    yield BenchRow(
        name="RMPflow step, 1024 arms, all projected",
        unit="ms",
        value=figures["rmpflow_1024_all_projected_ms_p50"],
        note=f"projection active in {100 * every:.0f} %",
    )


def limits_rows() -> Iterator[BenchRow]:
    """One tick of the limits on the whole arm, and 1024 arms at once."""
    from teletwin.bench.limits import measure_limits

    figures = measure_limits()
    for name, what in (("free", "free motion"), ("border", "along the table")):
        value, p99 = figures[f"limits_{name}_us_p50"], figures[f"limits_{name}_us_p99"]
        yield BenchRow(name=f"limits, one UR3e, {what}", unit="us", value=value, bar=20.0, note=f"p50; p99 {p99:.0f}")
    value = figures["limits_1024_ms_p50"]
    yield BenchRow(name="limits, 1024 arms", unit="ms", value=value, bar=3.0, note="one in ten at the table")


def seal_rows() -> Iterator[BenchRow]:
    """Closing and opening one datagram between two machines."""
    from teletwin.bench import seal

    yield from seal.seal_rows()


def view_rows() -> Iterator[BenchRow]:
    """Pictures drawn and encoded on the processor."""
    from teletwin.bench.view import measure_view

    for name, value in measure_view().items():
        label = name.removesuffix("_ms").replace("_", " ")
        yield BenchRow(name=f"view: {label}", unit="ms", value=value)


def effect_rows(recordings: str, *, duration_s: float, say: Callable[[str], None]) -> Iterator[BenchRow]:
    """What forecasting is worth at 60 ms with 10 ms jitter on every hop and direction."""
    from teletwin.bench.effect import EffectCfg, hands, measure_effect

    cfg = EffectCfg(duration_s=duration_s)
    for hand in hands(recordings):
        done = 0

        def step(hand: str = hand) -> None:
            nonlocal done
            done += 1
            say(f"effect on {hand}: run {done} of {len(cfg.horizons_ms) + 2}")

        effect = measure_effect(hand, cfg, progress=step)
        about = f"{effect.hand}, {1e3 * effect.speed_m_s:.0f} mm/s rms, scale {effect.scale:.2f}"
        for name, path in (("control", effect.control), ("display", effect.display)):
            beside = {
                "no prediction [mm]": 1e3 * path.none.position_m,
                "feed-forward only [mm]": 1e3 * path.fed.position_m,
                "of feed-forward only": path.fed_ratio,
                "oracle [ratio]": path.oracle.position_m / path.none.position_m,
                "orientation [ratio]": path.best.orientation_rad / path.none.orientation_rad,
            }
            yield BenchRow(
                name=f"{name} error, {about}", unit="of no prediction", value=path.ratio, bar=0.3, beside=beside
            )
            yield BenchRow(
                name=f"{name} error, {effect.hand}, paper mode, best fixed horizon",
                unit="of no prediction",
                value=path.paper_ratio,
                bar=0.5,
                beside={"orientation [ratio]": path.paper.orientation_rad / path.none.orientation_rad},
                note=f"H = {path.paper_horizon_ms} ms of {len(cfg.horizons_ms)} tried",
            )


def live_rows(*, seconds: float) -> Iterator[BenchRow]:
    """A whole live session with a real Chromium: punctuality and motion to photon."""
    from teletwin.bench.live_rows import rows_of_live

    yield from rows_of_live(seconds=seconds)
