"""What the learner's process is told at its start; JSON, so that it can cross a pipe."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from teletwin.errors import ConfigError
from teletwin_training.ppo import PpoCfg

LIVE_PPO = PpoCfg(
    epochs=1_000_000,
    horizon_length=256,
    minibatch_size=64,
    mini_epochs=4,
    learning_rate=1e-4,
    schedule="constant",
    gamma=0.95,
    gae_lambda=0.97,
    sigma="fixed",
    critic_first_epochs=4,
    checkpoint_epochs=10,
)
"""One environment; an action's effect is seen after about an Age of Loop, 6 to 20 slots. The critic goes first: a new
one knows nothing, one of another step was rewarded otherwise. Until somebody ends it."""


@dataclass(frozen=True, kw_only=True)
class LearnerCfg:
    """One learner."""

    channel: str
    """Path of the socket to listen at; policies that are under way lie beside it."""
    policy_file: str
    """Policy to begin with (.npz)."""
    checkpoint: str = ""
    """Critic and optimizer to go on with, a checkpoint's file; empty begins anew."""
    folder: str
    """Where checkpoint, log and TensorBoard's files go."""
    policy_out: str
    """Where the newest policy goes."""
    spread: float = 0.08
    """Standard deviation of the noise on actions."""
    ppo: PpoCfg = LIVE_PPO
    note: dict[str, Any] = field(default_factory=dict)
    """What the policies say of themselves."""

    def __post_init__(self) -> None:
        check_spread(self.spread)


def check_spread(spread: float) -> None:
    """Refuse a standard deviation of the noise on actions that teaches nothing or spoils the drawing.

    Raises:
        ConfigError: It is out of range.
    """
    if not 0.01 <= spread <= 0.5:
        raise ConfigError("the noise on actions is out of range", given=spread, allowed="0.01 ... 0.5")


def to_json(cfg: LearnerCfg) -> str:
    """One line of JSON."""
    return json.dumps(dataclasses.asdict(cfg))


def from_json(text: str) -> LearnerCfg:
    """The configuration in one line of JSON."""
    values: dict[str, Any] = json.loads(text)
    ppo: dict[str, Any] = values["ppo"]
    ppo["hidden"] = tuple(ppo["hidden"])
    values["ppo"] = PpoCfg(**ppo)
    return LearnerCfg(**values)
