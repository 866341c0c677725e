"""Whether forecasting helps every hand: the loop beside the same loop with all horizons at zero."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

from teletwin.forecast import DEFAULT_FORECASTER
from teletwin.messages import FEED_FORWARD_ONLY, NO_PREDICTION
from teletwin.report.bench_rows import BenchRow
from teletwin.session.config import HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.metrics import SessionMetrics
from teletwin.session.virtual import VirtualSession

WORST_BAR, MEAN_BAR = 1.02, 0.55
"""Of feed-forward only: on each hand and network, and the geometric mean over all."""
NETWORKS = {
    "5 ms": NetworkCfg(delay_ms=5.0),
    "30 ms": NetworkCfg(delay_ms=30.0),
    "60 ± 10 ms": NetworkCfg(delay_ms=60.0, jitter_ms=10.0),
    "150 ± 30 ms, 2 % loss": NetworkCfg(delay_ms=150.0, jitter_ms=30.0, loss=0.02),
}
"""One-way delay of every hop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One hand over one network; errors of the loop, of feed-forward only and of no prediction."""

    hand: str
    network: str
    arm_mm: float
    arm_fed_mm: float
    arm_plain_mm: float
    turn_rad: float
    turn_fed_rad: float
    picture_mm: float
    picture_fed_mm: float
    picture_plain_mm: float

    @property
    def arm(self) -> float:
        """The arm's position error over feed-forward only."""
        return self.arm_mm / self.arm_fed_mm

    @property
    def turn(self) -> float:
        """The arm's orientation error over feed-forward only."""
        return self.turn_rad / self.turn_fed_rad if self.turn_fed_rad else 1.0

    @property
    def picture(self) -> float:
        """The picture's position error over feed-forward only."""
        return self.picture_mm / self.picture_fed_mm


def measure_worth(
    hands: Sequence[str],
    networks: Mapping[str, NetworkCfg],
    *,
    seconds: float,
    seed: int = 0,
    policy: str = "rule",
    forecaster: str = DEFAULT_FORECASTER,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Worth]:
    """Run every hand over every network, on the virtual clock."""
    horizon = HorizonCfg(policy=policy)
    sessions = {
        (hand, name): SessionCfg(hand=hand, network=network, horizon=horizon, forecaster=forecaster, seed=seed)
        for hand in hands
        for name, network in networks.items()
    }
    context = multiprocessing.get_context("spawn")  # the compiled kernels' threads do not survive a fork
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = {key: pool.submit(_run, session, seconds) for key, session in sessions.items()}
        for done, future in enumerate(concurrent.futures.as_completed(futures.values()), 1):
            future.result()
            progress(done)
    return [Worth(hand=Path(hand).stem, network=name, **future.result()) for (hand, name), future in futures.items()]


def worth_rows(runs: Sequence[Worth]) -> Iterator[BenchRow]:
    """The bars over all hands and networks; then every hand and network."""
    for path in ("arm", "picture"):
        ratios = {f"{run.hand}, {run.network}": getattr(run, path) for run in runs}
        worst = max(ratios, key=ratios.__getitem__)
        note = f"{len({run.hand for run in runs})} hands, {len({run.network for run in runs})} networks"
        yield BenchRow(
            name=f"{path}, worst: {worst}", unit="of feed-forward only", value=ratios[worst], bar=WORST_BAR, note=note
        )
        mean = geometric_mean(ratios.values())
        yield BenchRow(name=f"{path}, geometric mean", unit="of feed-forward only", value=mean, bar=MEAN_BAR, note=note)
    for run in runs:
        beside = {
            "arm [mm]": run.arm_mm,
            "feed-forward only": run.arm_fed_mm,
            "no prediction": run.arm_plain_mm,
            "picture [ratio]": run.picture,
            "orientation": run.turn,
        }
        yield BenchRow(
            name=f"{run.hand}, {run.network}", unit="of feed-forward only", value=run.arm, bar=WORST_BAR, beside=beside
        )


def _run(session: SessionCfg, seconds: float) -> dict[str, float]:
    metrics = VirtualSession(session).run(seconds)
    return {**_arm(metrics), **_picture(metrics)}


def _arm(metrics: SessionMetrics) -> dict[str, float]:
    ours, others = metrics.control.whole(), {name: each.whole() for name, each in metrics.control_shadows.items()}
    return {
        "arm_mm": 1e3 * ours.position_m,
        "arm_fed_mm": 1e3 * others[FEED_FORWARD_ONLY].position_m,
        "arm_plain_mm": 1e3 * others[NO_PREDICTION].position_m,
        "turn_rad": ours.orientation_rad,
        "turn_fed_rad": others[FEED_FORWARD_ONLY].orientation_rad,
    }


def _picture(metrics: SessionMetrics) -> dict[str, float]:
    others = {name: each.whole() for name, each in metrics.shown_shadows.items()}
    return {
        "picture_mm": 1e3 * metrics.shown.whole().position_m,
        "picture_fed_mm": 1e3 * others[FEED_FORWARD_ONLY].position_m,
        "picture_plain_mm": 1e3 * others[NO_PREDICTION].position_m,
    }
