"""A checkpoint: rl_games' own file, and a sidecar that says whether it fits before anything loads it.

The file holds tensors and plain numbers alone, so it is read with torch's `weights_only`, which runs no code. rl_games
itself reads checkpoints as pickles, which can run code: give it files from people you trust.
"""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin_training.ppo.configuration import PpoCfg

CHECKPOINT_NAME = "checkpoint.pth"
_FORMAT = "teletwin-ppo-checkpoint"
_VERSION = 1
_BYTES_MAX = 128 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a network is for; a checkpoint of another is refused."""

    task: str
    """'horizon' or 'allocation'."""
    observation: str
    """Kind of the observation, for example 'rich'."""
    observation_version: int
    action: str
    """Kind of the action, for example 'late'."""


def write_checkpoint(path: Path, state: dict[str, Any], *, purpose: Purpose, cfg: PpoCfg, counts: list[int]) -> None:
    """Write rl_games' whole state and the sidecar, each whole or not at all; `counts` are n and m."""
    import torch

    facts = {
        "format": _FORMAT,
        "version": _VERSION,
        "purpose": asdict(purpose),
        "counts": counts,
        "epoch": int(state["epoch"]),
        "frames": int(state["frame"]),
        "cfg": asdict(cfg),
        "versions": {name: metadata.version(name) for name in ("torch", "rl_games")},
    }
    plain = {**state, "last_mean_rewards": float(state["last_mean_rewards"])}
    part = path.with_suffix(".part")
    torch.save(plain, part)
    os.replace(part, path)
    part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path.with_suffix(".json"))


def find_checkpoint(source: str | Path) -> Path:
    """The checkpoint's file: `source` itself, or the one in a run's folder."""
    path = Path(source)
    return path / CHECKPOINT_NAME if path.is_dir() else path


def read_checkpoint_facts(source: str | Path) -> dict[str, Any]:
    """What the sidecar of a checkpoint (or of a run's folder) says; torch is not asked.

    Raises:
        ConfigError: There is none, or it is none of ours.
    """
    path = find_checkpoint(source)
    if not path.is_file():
        raise ConfigError("there is no checkpoint", given=path, allowed=f"a run's folder or its {CHECKPOINT_NAME}")
    sidecar = path.with_suffix(".json")
    try:
        facts = read_json(sidecar)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{sidecar.name}, which tells what the checkpoint is, cannot be read", given=path) from error
    given = [facts.get(name) for name in ("format", "version")] if isinstance(facts, dict) else facts
    if given != [_FORMAT, _VERSION]:
        raise ConfigError("the checkpoint is of another format", given=given, allowed=[_FORMAT, _VERSION])
    return facts


def check_checkpoint(source: str | Path, *, purpose: Purpose, cfg: PpoCfg, counts: list[int]) -> dict[str, Any]:
    """The sidecar's facts of a checkpoint that fits what is to be trained.

    Raises:
        ConfigError: It is of another purpose, observation, version or network.
    """
    facts = read_checkpoint_facts(source)
    wanted = {**asdict(purpose), "counts": counts, "hidden": list(cfg.hidden), "normalize_value": cfg.normalize_value}
    has = {**facts.get("purpose", {}), "counts": facts.get("counts")}
    has |= {name: facts.get("cfg", {}).get(name) for name in ("hidden", "normalize_value")}
    other = [name for name in wanted if has.get(name) != wanted[name]]
    if other:
        words = ", ".join(name.replace("_", " ") for name in other)
        raise ConfigError(
            f"the checkpoint is of another {words}",
            given=", ".join(str(has.get(name)) for name in other),
            allowed=", ".join(str(wanted[name]) for name in other),
            mend="train anew, or with the settings it was trained with",
        )
    return facts


def _unpacked_bytes(path: Path) -> int:
    """What a checkpoint takes once it is unpacked [bytes]; its own size where it is no archive."""
    try:
        with zipfile.ZipFile(path) as packed:
            return max(path.stat().st_size, sum(each.file_size for each in packed.infolist()))
    except zipfile.BadZipFile:
        return path.stat().st_size


def check_size(path: Path) -> None:
    """Refuse a checkpoint that would take more memory than one does.

    Raises:
        ConfigError: It would.
    """
    size = _unpacked_bytes(path)
    if size > _BYTES_MAX:
        raise ConfigError("the checkpoint is too large to be one", given=f"{size} bytes", allowed=_BYTES_MAX)


def read_state(source: str | Path, *, device: str = "cpu") -> dict[str, Any]:
    """rl_games' state in a checkpoint.

    Raises:
        ConfigError: The file or its sidecar is none of ours, or holds more than tensors and numbers.
    """
    path = find_checkpoint(source)
    read_checkpoint_facts(path)
    check_size(path)
    import torch

    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ConfigError("the checkpoint is damaged, or holds more than tensors and numbers", given=path) from error
