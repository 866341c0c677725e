"""What a training tells while it runs and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from teletwin_training.ppo.weights import Weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EpochFacts:
    """One epoch: a roll-out of every environment and the updates it brought."""

    epoch: int
    """Counted from 1, and on from the checkpoint's after a resume."""
    frames: int
    """Steps of environments so far, all of them together."""
    took_s: float
    """Seconds since this run began its first epoch."""
    steps_per_s: float
    """Steps of environments per second in this epoch, updates included."""
    reward: float
    """Mean reward of a step in this epoch."""
    episode_reward: float
    """Mean sum of rewards of the newest 100 finished episodes; NaN before the first one ends."""
    episode_steps: float
    """Mean length in steps of those."""
    actor_loss: float
    critic_loss: float
    entropy: float
    kl: float
    """Mean divergence of the new policy from the old over the epoch's updates."""
    learning_rate: float
    means: dict[str, float]
    """Mean over the epoch of each figure in the environment's info."""
    weights: Weights
    """The actor as it now is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PpoResult:
    """What is left of a training."""

    weights: Weights
    checkpoint: Path
    """Everything that a resume needs: rl_games' own file, its sidecar beside it."""
    summaries: Path
    """Folder of TensorBoard's files."""
    epochs: int
    """Epochs so far, those before a resume included."""
    frames: int
    """Steps of environments so far."""
    stopped: bool
    """Ended before its time: `on_epoch` said so or the environment ended."""
    last: EpochFacts | None
    """The newest whole epoch; None when there was none."""
