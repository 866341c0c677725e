"""PPO by rl_games, behind one door: what learns, from which environment, into which file.

Nothing here imports torch or rl_games until a training starts.
"""

from __future__ import annotations

from teletwin_training.ppo.checkpoint import Purpose, read_checkpoint_facts
from teletwin_training.ppo.configuration import PpoCfg
from teletwin_training.ppo.environment import EnvironmentEndedError, RecordedEnv, VectorEnv
from teletwin_training.ppo.facts import EpochFacts, PpoResult
from teletwin_training.ppo.requirement import require_rl_games
from teletwin_training.ppo.training import train_ppo
from teletwin_training.ppo.weights import Weights, read_weights, write_weights

__all__ = [
    "EnvironmentEndedError",
    "EpochFacts",
    "PpoCfg",
    "PpoResult",
    "Purpose",
    "RecordedEnv",
    "VectorEnv",
    "Weights",
    "read_checkpoint_facts",
    "read_weights",
    "require_rl_games",
    "train_ppo",
    "write_weights",
]
