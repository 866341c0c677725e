"""How observations are normalised: as the shipped policy has it, kept beside a run for its export."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teletwin.assets import asset_path
from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.observation import OBSERVATION_VERSION
from teletwin.horizon.policy_file import load_policy

NAME = "observation_normalization.json"


@dataclass(frozen=True, kw_only=True, eq=False)
class Normalization:
    """Typical observation and spread, (n,) each."""

    mean: Array
    scale: Array


def shipped_normalization() -> Normalization:
    """That of the policy that comes with teletwin: the same for every run and library."""
    policy = load_policy(asset_path("policies", "default.npz"))
    return Normalization(mean=policy.mean, scale=policy.scale)


def keep_normalization(folder: str | None, normalization: Normalization) -> None:
    """Write it into a run's folder, where there is one."""
    if not folder:
        return
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    numbers = {"mean": normalization.mean.tolist(), "scale": normalization.scale.tolist()}
    text = json.dumps({"observation_version": OBSERVATION_VERSION, **numbers})
    (path / NAME).write_text(text + "\n", encoding="utf-8")


def kept_normalization(checkpoint: Path) -> Normalization:
    """What a checkpoint's run was trained behind.

    Raises:
        ConfigError: Nothing was kept beside the checkpoint, or it is of another version.
    """
    found = next((folder / NAME for folder in checkpoint.resolve().parents[:3] if (folder / NAME).is_file()), None)
    if found is None:
        raise ConfigError(
            "the run's normalisation is missing",
            given=checkpoint,
            allowed=f"a checkpoint in its run's folder, where {NAME} lies",
        )
    values = read_json(found)
    try:
        version, mean, scale = values["observation_version"], np.array(values["mean"]), np.array(values["scale"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{NAME} cannot be read", given=error) from None
    if version != OBSERVATION_VERSION:
        raise ConfigError("the run saw other observations", given=version, allowed=OBSERVATION_VERSION)
    return Normalization(mean=mean, scale=scale)
