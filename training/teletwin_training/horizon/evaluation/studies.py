"""Studies over many seeds; what is done already is read from its folder, so that they can be interrupted."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.hand import load_hand
from teletwin.jsonable import to_jsonable
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin_training.horizon.environment import EnvCfg
from teletwin_training.horizon.evaluation.live import LiveCfg, measure_agreement
from teletwin_training.horizon.hand_names import part_of, training_hands
from teletwin_training.horizon.left_out import usable
from teletwin_training.horizon.step_recorded import RecordedCfg, train_recorded
from teletwin_training.run_folder import open_run

if TYPE_CHECKING:
    from rich.console import Console

    from teletwin_training.cli.evaluate import EvaluateOptions

_EPISODE_SLOTS = 800
_KINDS = ("guided", "alone")
"""PPO after the rule and the gradient; PPO from the rule alone."""


def step_one(options: EvaluateOptions, folder: Path, console: Console) -> dict[str, Any]:
    """Train step 1 with every seed, with guidance and by PPO alone, on the training part of the recordings."""
    rows, curves = [], {kind: [] for kind in _KINDS}
    for seed in range(options.study_seeds):
        for kind in _KINDS:
            metrics = _trained(options, folder / f"{kind}_{seed}", kind, seed, console)
            curves[kind].append(_curve(metrics))
            if kind == "guided":
                rows.append(_row(seed, metrics))
    return {"rows": rows, "curves": curves}


def _trained(options: EvaluateOptions, folder: Path, kind: str, seed: int, console: Console) -> dict[str, Any]:
    """What a training with this seed reached; trained now unless it was.

    Raises:
        ConfigError: The folder holds a training with other settings or recordings.
    """
    done = folder / "metrics.json"
    cfg = study_cfg(options, kind, seed)
    key = study_key(cfg)
    if not done.is_file():
        from teletwin_training.cli.progress import RichWatcher

        run = open_run(folder, f"horizon, step 1, {kind}", cfg, seed)
        shutil.rmtree(run.ppo_path, ignore_errors=True)  # of a study that was broken off
        console.print(f"step 1, {kind}, seed {seed}")
        with RichWatcher(console) as watcher:
            taught = train_recorded(cfg, run, watcher, baselines=False)
        run.write_metrics({"key": key, "scores": taught.scores, "took_s": taught.took_s, "ppo": taught.curve})
    metrics = read_json(done)
    if metrics.get("key") != key:
        raise ConfigError("the folder holds another study", given=done, mend="give another folder")
    return metrics


def study_key(cfg: RecordedCfg) -> str:
    """What must be the same for a training that is taken as it is: every setting, and the hands' names."""
    names = [Path(name).name for name in training_hands(cfg.hands)]
    settings = to_jsonable(replace(cfg, hands=replace(cfg.hands, recordings="")))
    return hashlib.sha256(json.dumps([settings, names], sort_keys=True).encode()).hexdigest()[:16]


def study_cfg(options: EvaluateOptions, kind: str, seed: int) -> RecordedCfg:
    """Step 1 as the command trains it, on the part of the recordings that is not judged."""
    from teletwin_training.cli.train import TrainOptions, recorded_cfg

    other = {"test": "train", "train": "test"}.get(options.part, "all")
    trained = recorded_cfg(TrainOptions(recordings=options.recordings, part=other, made_up=options.made_up, seed=seed))
    trained = replace(trained, hands=replace(trained.hands, skip_bad=True))
    if kind == "guided":
        return trained
    alone = replace(trained.ppo, epochs=50, log_sigma=-1.5, learning_rate=5e-4, critic_first_epochs=0)
    return replace(trained, direct=replace(trained.direct, updates=0), ppo=alone)


def _row(seed: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
    scores = {stage: float(score[0]) for stage, score in metrics["scores"].items()}
    return {"seed": seed, **scores, "took_s": sum(metrics["took_s"].values())}


def _curve(metrics: Mapping[str, Any]) -> dict[str, list[float]]:
    """Reward and score over episodes; rewards are averaged over two episodes' time, whose beginnings bring none."""
    epochs: Sequence[Mapping[str, float]] = metrics["ppo"]
    scored = [row for row in epochs if "score" in row]
    slots = epochs[0]["frames"] / epochs[0]["epoch"]
    span = max(round(2 * _EPISODE_SLOTS * EnvCfg().envs / slots), 1)
    reward = np.convolve([row["paper_reward"] for row in epochs], np.ones(span) / span, mode="valid")
    return {
        "paper_reward": reward.tolist(),
        "episodes_of_paper_reward": [row["frames"] / _EPISODE_SLOTS for row in epochs[span - 1 :]],
        "score": [row["score"] for row in scored],
        "episodes_of_score": [row["frames"] / _EPISODE_SLOTS for row in scored],
    }


def _last_usable(recordings: str, part: str) -> list[str]:
    """The last file of the part that can be used, if there is one."""
    files = [str(path) for path in reversed(part_of(recordings, part))] if recordings else []
    home = tool_pose_in_ur_base(HOME_Q)
    readable = usable(files, lambda file: (file, load_hand(file, home_pose=home))[0], on_left_out=lambda left: None)
    return list(islice(readable, 1))


def live_agreements(policy: Path, recordings: str, part: str, console: Console) -> list[dict[str, Any]]:
    """The live loop beside the environment on handwriting and, where there are some, a recording."""
    rows = []
    for hand in ["handwriting", *_last_usable(recordings, part)]:
        console.print(f"the live loop on {Path(hand).stem}, {LiveCfg().duration_s:g} s")
        rows.append(asdict(measure_agreement(LiveCfg(hand=hand, policy=str(policy)))))
    return rows
