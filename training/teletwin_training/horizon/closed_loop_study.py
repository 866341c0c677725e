"""Step 1 against step 2 where a person closes the loop: many trainings, judged by the same persons; a file for each."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.policy_file import PolicyFile, load_policy, save_policy
from teletwin.jsonable import to_jsonable
from teletwin_training.horizon.bootstrap_ratio import ratio_interval
from teletwin_training.horizon.choosing import Choosing, HorizonChooser, constantly, without_prediction
from teletwin_training.horizon.drawing import DRAWING_COLUMNS, Crowd, draw_crowd, play
from teletwin_training.horizon.sessions import SessionBank, draw_sessions
from teletwin_training.horizon.step_simulated import SimulatedCfg, fitting, policy_after, start_of, train_closed_loop
from teletwin_training.ppo import EpochFacts

FORMAT = "teletwin-closed-loop-study"
_VERSION = 2
_SESSION_S = 30.0
_HELD_OUT = 991_000
"""Seed of the networks and persons that judge; training seeds are far from it."""


_OFFSETS = (
    *((control_s, render_s, 1.0) for control_s in (-0.05, 0.0, 0.05) for render_s in (-0.05, 0.0, 0.05)),
    (0.0, 0.0, 0.8),
    (0.0, 0.0, 1.2),
    (-0.05, 0.0, 1.2),
)
"""Constant corrections of the late bound rule that are tried: of the arm's and the picture's horizons [s], and gain."""


@dataclass(frozen=True, kw_only=True)
class StudyCfg:
    """How many trainings, judged by whom."""

    training: SimulatedCfg = field(default_factory=SimulatedCfg)
    seeds: int = 10
    condition: str = "mixed"
    """Networks that are trained on."""
    sessions: int = 48
    conditions: tuple[str, ...] = ("fixed", "jitter", "switching", "bursty")
    """Networks that are judged on."""
    each: int = 48
    """Persons for every one of them."""
    judged_sessions: int = 8
    """Networks of each kind."""

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= 1000 or min(self.sessions, self.judged_sessions, self.each) < 1:
            raise ConfigError("the study cannot be made so", given=f"{self.seeds} seeds", allowed="1 ... 1000")


Progress = Callable[[str, int, int], None]
"""Told what is done, and how many of how many steps."""


def closed_loop_study(
    policy: PolicyFile | str | Path,
    *,
    folder: str | Path,
    cfg: StudyCfg | None = None,
    seeds: int | None = None,
    progress: Progress = lambda *_: None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Train step 2 for every seed that the folder lacks, and compare; JSON-ready.

    Raises:
        ConfigError: The folder holds a study with other settings or another start.
    """
    cfg = cfg or StudyCfg()
    cfg = cfg if seeds is None else replace(cfg, seeds=seeds)
    policy = policy if isinstance(policy, PolicyFile) else load_policy(policy)
    cfg = replace(cfg, training=fitting(cfg.training, policy))
    study = _Study(policy, cfg, Path(folder), progress, clock)
    baselines = study.kept("baselines", study.baselines)
    rows = [study.kept(f"seed_{seed}", lambda seed=seed: study.trained(seed)) for seed in range(cfg.seeds)]
    return {**summary(cfg, baselines, rows), "offsets": study.kept("offsets", study.offsets)["ratios"]}


class _Study:
    """What all trainings share, made when the first one needs it."""

    def __init__(
        self, policy: PolicyFile, cfg: StudyCfg, folder: Path, progress: Progress, clock: Callable[[], float]
    ) -> None:
        self._policy, self._cfg, self._folder, self._progress, self._clock = policy, cfg, folder, progress, clock
        self._key = _key(policy, cfg)
        self._bank: SessionBank | None = None
        self._crowd: Crowd | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def kept(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The file of that name, made if it is not there."""
        path = self._folder / f"{name}.json"
        if path.is_file():
            facts = read_json(path)
            if facts.get("key") != self._key:
                raise ConfigError("the folder holds another study", given=path, mend="give another folder")
            return facts
        facts = to_jsonable({"format": FORMAT, "version": _VERSION, "key": self._key, **make()})
        assert isinstance(facts, dict)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(facts), encoding="utf-8")
        partial.replace(path)
        return facts

    def baselines(self) -> dict[str, Any]:
        """Errors of everybody without step 2."""
        choosing = Choosing(self.crowd.sessions, self._cfg.training.loop.env)
        start = choosing.by_actor(start_of(self._policy), self._policy.mean, self._policy.scale)
        ways = {"feed_forward": without_prediction, "rule": choosing.by_rule, "step1": start}
        return {
            "columns": DRAWING_COLUMNS,
            "conditions": self.crowd.conditions.tolist(),
            "networks": self.crowd.session.tolist(),
            "speed_m_s": self.crowd.tasks.speed_m_s,
            "errors": {"none": play(_stock(self.crowd), without_prediction)}
            | {name: self._played(way) for name, way in ways.items()},
        }

    def offsets(self) -> dict[str, Any]:
        """What constant corrections of the late bound rule would bring: mean ratio of drawing errors to the rule's."""
        errors = [self._played(constantly(np.array([c, r, c, r, gain, 1.0])))[:, 0] for c, r, gain in _OFFSETS]
        rule = errors[_OFFSETS.index((0.0, 0.0, 1.0))]
        rows = zip(_OFFSETS, errors, strict=True)
        return {
            "ratios": [
                {"control_s": c, "render_s": r, "gain": gain, "ratio": float((own / rule).mean())}
                for (c, r, gain), own in rows
            ]
        }

    def trained(self, seed: int) -> dict[str, Any]:
        """Train with a seed, and let everybody draw with what was learned."""
        training = replace(self._cfg.training, seed=self._cfg.training.seed + seed)
        place = self._folder / f"seed_{seed}_ppo"
        shutil.rmtree(place, ignore_errors=True)  # of a study that was broken off
        policy = self._policy

        def ended(facts: EpochFacts, best: float) -> None:
            self._progress(f"seed {seed}, best {best:.3f}", facts.epoch, training.ppo.epochs)

        taught = train_closed_loop(
            start_of(policy),
            policy.mean,
            policy.scale,
            sessions=self.bank,
            cfg=training,
            folder=place,
            on_epoch=ended,
            clock=self._clock,
        )
        save_policy(self._folder / f"seed_{seed}.npz", policy_after(policy, taught, training))
        choosing = Choosing(self.crowd.sessions, training.loop.env)
        errors = self._played(choosing.by_actor(taught.weights, policy.mean, policy.scale))
        return {"seed": seed, "score": taught.score, "took_s": taught.took_s, "curve": taught.curve, "errors": errors}

    def _played(self, choose: HorizonChooser) -> Array:
        return play(self.crowd, choose)

    @property
    def bank(self) -> SessionBank:
        """Networks that are trained on."""
        if self._bank is None:
            cfg = self._cfg
            self._bank = draw_sessions(
                [cfg.condition], each=cfg.sessions, duration_s=_SESSION_S, seed=cfg.training.seed
            )
        return self._bank

    @property
    def crowd(self) -> Crowd:
        """Who judges: persons, tasks and networks that no training has met."""
        if self._crowd is None:
            cfg = self._cfg
            bank = draw_sessions(cfg.conditions, each=cfg.judged_sessions, duration_s=_SESSION_S, seed=_HELD_OUT)
            self._crowd = draw_crowd(bank, cfg.training.loop, conditions=cfg.conditions, each=cfg.each, seed=_HELD_OUT)
        return self._crowd


def _stock(crowd: Crowd) -> Crowd:
    """The same persons with the stock motion policy, without feed-forward."""
    return replace(crowd, cfg=replace(crowd.cfg, env=replace(crowd.cfg.env, stock=True)))


def _key(policy: PolicyFile, cfg: StudyCfg) -> str:
    """What must be the same for files of one study; more seeds may be added later."""
    settings = json.dumps([_VERSION, asdict(replace(cfg, seeds=1))], sort_keys=True, default=str)
    digest = hashlib.sha256(settings.encode())
    for array in (policy.mean, policy.scale, *(array for layer in policy.layers for array in layer)):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def summary(cfg: StudyCfg, baselines: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Geometric means of errors and of paired ratios; intervals over trainings, persons and networks."""
    names = np.array(baselines["conditions"])
    before = {name: np.array(errors)[None] for name, errors in baselines["errors"].items()}
    after = np.stack([np.array(row["errors"]) for row in rows])
    groups = {**{name: [names == name] for name in cfg.conditions}, "all": [names == name for name in cfg.conditions]}
    return {
        "format": FORMAT,
        "version": _VERSION,
        "seeds": [row["seed"] for row in rows],
        "persons": len(names),
        "settings": to_jsonable(asdict(cfg)),
        "conditions": {
            name: _compared(before, after, masks, np.array(baselines["networks"])) for name, masks in groups.items()
        },
        "by_seed": [
            {"seed": row["seed"], "score": row["score"], "took_s": row["took_s"], "ratio": _seed_ratio(before, errors)}
            for row, errors in zip(rows, after, strict=True)
        ],
        "curves": [row["curve"] for row in rows],
    }


def _seed_ratio(before: dict[str, Array], errors: Array) -> float:
    return float(np.exp(np.log(errors[:, 0] / before["step1"][0, :, 0]).mean()))


def _compared(
    before: dict[str, Array], after: Array, masks: list[NDArray[np.bool_]], networks: NDArray[np.int64]
) -> dict[str, Any]:
    ways = {**before, "step2": after}
    means = {
        name: {
            column: float(np.exp(np.mean([np.log(errors[:, mask, number]).mean() for mask in masks])))
            for number, column in enumerate(DRAWING_COLUMNS)
        }
        for name, errors in ways.items()
    }
    ratios: dict[str, Any] = {}
    own = [networks[mask] for mask in masks]
    for over in ("step1", "rule", "feed_forward", "none"):
        ratios[f"step2/{over}"] = {
            column: ratio_interval([(after / before[over])[:, mask, number] for mask in masks], networks=own)
            for number, column in enumerate(DRAWING_COLUMNS)
        }
    drawing = before["step1"][..., :1] / before["rule"][..., :1]
    ratios["step1/rule"] = {"drawing_m": ratio_interval([drawing[:, mask, 0] for mask in masks], networks=own)}
    better = np.mean([(after.mean(axis=0) < before["step1"][0])[mask, 0].mean() for mask in masks])
    persons = int(sum(mask.sum() for mask in masks))
    return {"errors": means, "ratios": ratios, "persons": persons, "persons_better_than_step1": float(better)}
