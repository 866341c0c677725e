"""PPO from what the gradient taught; averages of the weights are judged, and the best is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.observation import OBSERVATION_VERSION
from teletwin_training.horizon.direct import DirectResult
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.holding import HeldActions
from teletwin_training.horizon.score import Score
from teletwin_training.ppo import EpochFacts, PpoCfg, Purpose, Weights, train_ppo

PPO = PpoCfg(
    epochs=100,
    horizon_length=32,
    minibatch_size=8192,
    mini_epochs=4,
    learning_rate=3e-4,
    schedule="constant",
    gamma=0.6,
    gae_lambda=0.9,
    log_sigma=-2.0,
    critic_first_epochs=10,
    checkpoint_epochs=50,
)
"""Fine tuning from a good start: large batches, little noise, an action's effect within two or three of its steps."""
HOLD_SLOTS = 4
"""Slots that an action of PPO lasts: noise that changed every slot would shake the arm more than it taught."""
_AVERAGED_EPOCHS = 20.0
"""Weights are averaged over about so many epochs."""
_JUDGED_EPOCHS = 10
Layers = tuple[tuple[Array, Array], ...]


class Watcher(Protocol):
    """Who is told how far it is."""

    def begin(self, stage: str, total: int) -> None:
        """A stage of so many steps begins."""
        ...

    def advance(self, done: int, text: str = "") -> None:
        """So many steps of the stage are done."""
        ...

    def stage_over(self, stage: str, total: float, ratios: Sequence[float]) -> None:
        """A stage has reached this score (1: as good as the rule), and its parts by error."""
        ...

    def stops(self) -> bool:
        """Whether the person wants to end now; the newest weights are kept."""
        ...


class Kept:
    """The best average of weights so far, the start included."""

    def __init__(self, score: Score, start: DirectResult, total: float) -> None:
        self._score, self._start = score, start
        self.weights, self.total = start.weights, total
        self.averaged = start.weights
        self._count = 0

    def average(self, weights: Weights) -> None:
        """Take the weights of an epoch into the average."""
        self._count += 1
        keep = 1.0 - 1.0 / min(self._count, _AVERAGED_EPOCHS)
        pairs = zip(self.averaged.layers, weights.layers, strict=True)
        layers = tuple((keep * w0 + (1.0 - keep) * w1, keep * b0 + (1.0 - keep) * b1) for (w0, b0), (w1, b1) in pairs)
        self.averaged = replace(weights, layers=layers)

    def judge(self) -> float:
        """Score of the average; kept if it is the best."""
        total, _ = self._score.judge(self.averaged, self._start.mean, self._start.scale)
        if total < self.total:
            self.weights, self.total = self.averaged, total
        return total


def fine_tune(
    env: HorizonEnv,
    cfg: PpoCfg,
    start: DirectResult,
    kept: Kept,
    watcher: Watcher,
    *,
    folder: Path,
    seed: int,
    device: str = "cpu",
    resume: Path | None = None,
) -> list[dict[str, float]]:
    """PPO; returns by epoch: frames (slots), reward, eq. 16's reward, and the score where it was taken.

    Args:
        env: What to learn from.
        cfg: How.
        start: Where to begin, and how observations are normalised.
        kept: Takes the weights.
        watcher: Told how far it is.
        folder: Of rl_games' files.
        seed: Added to the configured one.
        device: Where the network learns.
        resume: Folder of rl_games' files to go on from instead.
    """
    watcher.begin("PPO", cfg.epochs)
    curve: list[dict[str, float]] = []
    begins_after = 0 if resume else cfg.critic_first_epochs

    def on_epoch(facts: EpochFacts) -> bool:
        row = {"epoch": float(facts.epoch), "frames": float(facts.frames * HOLD_SLOTS), "reward": facts.reward}
        row["paper_reward"] = facts.means.get("paper_reward", float("nan"))
        if len(curve) >= begins_after:
            kept.average(facts.weights)
        if facts.epoch % _JUDGED_EPOCHS == 0 or len(curve) + 1 == cfg.epochs:
            row["score"] = kept.judge()
        curve.append(row)
        told = f"reward {facts.reward:.3f}, best {kept.total:.4f}, {facts.steps_per_s * HOLD_SLOTS:,.0f} slots/s"
        watcher.advance(len(curve), told)
        return not watcher.stops()

    sigma = np.full(len(start.weights.log_sigma), cfg.log_sigma)
    train_ppo(
        HeldActions(env, HOLD_SLOTS),
        replace(cfg, seed=cfg.seed + seed, device=device),
        folder=folder,
        purpose=purpose_of(env.cfg),
        mean=start.mean,
        scale=start.scale,
        start=None if resume else replace(start.weights, log_sigma=sigma),
        checkpoint=resume,
        on_epoch=on_epoch,
    )
    return curve


def purpose_of(env: EnvCfg) -> Purpose:
    """What a checkpoint is for."""
    return Purpose(
        task="horizon",
        observation=env.observation,
        observation_version=OBSERVATION_VERSION,
        action=env.action,
    )
