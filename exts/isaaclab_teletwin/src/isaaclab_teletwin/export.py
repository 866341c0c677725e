"""From a checkpoint of Isaac Lab's rl_games to a policy file of teletwin."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isaaclab_teletwin.tasks.horizon.normalization import kept_normalization
from teletwin.errors import ConfigError
from teletwin.horizon.policy_file import PolicyFile, save_policy
from teletwin_training.ppo.checkpoint import check_size
from teletwin_training.ppo.weights import actor_of


def export_policy(checkpoint: str | Path, out: str | Path) -> PolicyFile:
    """Write what a run has learned as a policy file, which `teletwin demo --policy` takes.

    Args:
        checkpoint: A `.pth` in the `nn` folder of a run of `train --rl_library rl_games`.
        out: Where the policy goes, an `.npz`.

    Raises:
        ConfigError: It is no checkpoint of this task, or its run's normalisation is missing.
    """
    path = Path(checkpoint)
    normalization = kept_normalization(path)
    state = _model_of(path)
    weights = actor_of({name.replace("_orig_mod.", ""): tensor for name, tensor in state.items()})
    policy = PolicyFile(
        observation="rich",
        action="late",
        mean=normalization.mean,
        scale=normalization.scale,
        layers=weights.layers,
        note={"step": "recorded", "person": "none", "trained_in": "isaaclab", "checkpoint": path.name},
    )
    save_policy(out, policy)
    return policy


def _model_of(path: Path) -> dict[str, Any]:
    """The model's tensors in a checkpoint; nothing in the file is run."""
    if not path.is_file():
        raise ConfigError("there is no checkpoint", given=path, allowed="a .pth of rl_games")
    check_size(path)
    scalar, (kind, _) = np.float32().__reduce__()[:2]  # the best reward so far is one of numpy's numbers
    safe = [scalar, np.dtype, type(kind), type(np.dtype(np.float64))]
    try:
        with torch.serialization.safe_globals(safe):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ConfigError("the checkpoint cannot be read", given=path) from error
    model = state.get("model") if isinstance(state, dict) else None
    if not isinstance(model, dict):
        raise ConfigError("the checkpoint holds no model", given=path, allowed="a .pth of rl_games")
    return model
