"""What forecasting is worth: errors of the whole loop on the virtual clock, beside what they must be held against.

Every figure stands beside the same run's two shadows (no prediction in paper mode, and feed-forward only), the best
fixed pair of horizons in paper mode by enumeration, and an oracle that knows the hand's future.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from teletwin.bench.oracle import oracle_session
from teletwin.messages import FEED_FORWARD_ONLY, NO_PREDICTION
from teletwin.session.config import HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession
from teletwin.telemetry import ErrorTrack, Rmse

HORIZONS_MS = tuple(range(100, 501, 25))
"""Fixed horizons that are tried; the two paths do not interact, so one run judges a horizon for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectCfg:
    """One network, and how long each run lasts."""

    delay_ms: float = 60.0
    jitter_ms: float = 10.0
    loss: float = 0.0
    duration_s: float = 30.0
    seed: int = 0
    horizons_ms: tuple[int, ...] = HORIZONS_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class PathErrors:
    """Errors of one path of the loop."""

    best: Rmse
    """Late binding and feed-forward, the default."""
    none: Rmse
    """The no-prediction shadow of the same run."""
    fed: Rmse
    """The feed-forward-only shadow of the same run."""
    paper: Rmse
    """Paper mode at its best fixed horizon."""
    paper_horizon_ms: int
    oracle: Rmse
    """The default with the hand's true future for a forecast."""

    @property
    def ratio(self) -> float:
        """Default over no prediction, position."""
        return self.best.position_m / self.none.position_m

    @property
    def fed_ratio(self) -> float:
        """Default over feed-forward only, position: what the forecast itself brings."""
        return self.best.position_m / self.fed.position_m

    @property
    def paper_ratio(self) -> float:
        """Paper mode over no prediction, position."""
        return self.paper.position_m / self.none.position_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Errors on one hand."""

    hand: str
    scale: float
    """Metres here over metres of the recorded motion."""
    speed_m_s: float
    """Root mean square speed of the hand as it enters the loop."""
    control: PathErrors
    display: PathErrors


_Pair = tuple[tuple[Rmse, Rmse, Rmse], tuple[Rmse, Rmse, Rmse]]
"""Control and its shadows, display and its shadows."""


def measure_effect(hand: str, cfg: EffectCfg, *, progress: Callable[[], None] = lambda: None) -> Effect:
    """Run the loop on one hand in every way, two runs at a time."""
    jobs = [("default", 0), ("oracle", 0), *(("paper", horizon) for horizon in cfg.horizons_ms)]
    context = multiprocessing.get_context("spawn")  # the compiled kernels' threads do not survive a fork
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        futures = {job: pool.submit(_run, hand, cfg, *job) for job in jobs}
        for future in concurrent.futures.as_completed(futures.values()):
            future.result()
            progress()
    results = {job: future.result() for job, future in futures.items()}
    paper = [results["paper", horizon] for horizon in cfg.horizons_ms]
    name, scale, speed = describe_hand(hand)
    return Effect(
        hand=name,
        scale=scale,
        speed_m_s=speed,
        control=_path(0, results["default", 0], results["oracle", 0], paper, cfg.horizons_ms),
        display=_path(1, results["default", 0], results["oracle", 0], paper, cfg.horizons_ms),
    )


def hands(folder: str) -> list[str]:
    """The handwriting, and the recordings of a folder."""
    files = sorted(p for p in Path(folder).glob("*") if p.suffix in (".tum", ".csv")) if folder else []
    return list(itertools.chain(["handwriting"], map(str, files)))


def describe_hand(hand: str) -> tuple[str, float, float]:
    """Name, scale and rms speed [m/s] of a hand as it enters the loop."""
    import numpy as np

    from teletwin.hand import load_hand
    from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base

    recording = load_hand(hand, home_pose=tool_pose_in_ur_base(HOME_Q))
    steps_m = np.diff(recording.poses[:, :3], axis=0)
    steps_s = np.diff(recording.t_ns) * 1e-9
    speed = float(np.sqrt(np.mean((steps_m**2).sum(axis=1) / steps_s**2)))
    return recording.name, recording.scale, speed


def _run(hand: str, cfg: EffectCfg, kind: str, horizon_ms: int) -> _Pair:
    """One run; in a process of its own."""
    fixed = HorizonCfg(policy="fixed", horizon_control_ms=horizon_ms, horizon_render_ms=horizon_ms)
    session = SessionCfg(
        hand=hand,
        network=NetworkCfg(delay_ms=cfg.delay_ms, jitter_ms=cfg.jitter_ms, loss=cfg.loss),
        paper_mode=kind == "paper",
        horizon=fixed if kind == "paper" else HorizonCfg(),
        seed=cfg.seed,
    )
    virtual = oracle_session(session) if kind == "oracle" else VirtualSession(session)
    metrics = virtual.run(cfg.duration_s)
    return (
        (metrics.control.whole(), *_shadows(metrics.control_shadows)),
        (metrics.shown.whole(), *_shadows(metrics.shown_shadows)),
    )


def _shadows(tracks: Mapping[str, ErrorTrack]) -> tuple[Rmse, Rmse]:
    """Errors without prediction and with feed-forward only."""
    return tracks[NO_PREDICTION].whole(), tracks[FEED_FORWARD_ONLY].whole()


def _path(which: int, default: _Pair, oracle: _Pair, paper: Sequence[_Pair], horizons_ms: Sequence[int]) -> PathErrors:
    """Errors of one path, the best fixed horizon chosen by position."""
    errors = [run[which][0] for run in paper]
    best = min(range(len(errors)), key=lambda k: errors[k].position_m)
    return PathErrors(
        best=default[which][0],
        none=default[which][1],
        fed=default[which][2],
        paper=errors[best],
        paper_horizon_ms=horizons_ms[best],
        oracle=oracle[which][0],
    )
