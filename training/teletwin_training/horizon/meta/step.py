"""Step meta: weights from which the live learner adapts to a new person fastest (HITL-MAML, arXiv 2508.20664).

First PPO over many made-up persons, as in step 2, for a policy that suits them together; then their lessons, see
`learning`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from teletwin.horizon.policy_file import PolicyFile, save_policy
from teletwin_training.horizon.live.actor import purpose_of
from teletwin_training.horizon.meta.cfg import MetaCfg
from teletwin_training.horizon.meta.learning import MetaLearning
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.horizon.step_simulated import fitting, start_of, train_closed_loop
from teletwin_training.ppo import EpochFacts, PpoCfg, Weights
from teletwin_training.ppo.made_checkpoint import Critic, make_checkpoint, read_critic
from teletwin_training.ppo.quiet import kept_process_state
from teletwin_training.run_folder import RunFolder

TOGETHER_NAME = "together.npz"
"""The first stage's policy in a run's folder."""


class Watcher(Protocol):
    """Who is told how far it is."""

    def begin(self, stage: str, total: int) -> None:
        """A stage of so many steps begins."""
        ...

    def advance(self, done: int, text: str = "") -> None:
        """So many steps of the stage are done."""
        ...

    def stops(self) -> bool:
        """Whether to end now; what was learned is kept."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class MetaTaught:
    """What step meta made."""

    actor: Weights
    critic: Critic
    """Of the live reward."""
    score: float
    """The first stage's, see TaughtByPersons; NaN where it was left out."""
    curve: list[dict[str, float]]
    """By block: drawing_m [m] in lessons, gain over the rule in outer roll-outs, taught (how far lessons led)."""
    took_s: dict[str, float]


def train_meta(
    policy: PolicyFile,
    sessions: SessionBank,
    cfg: MetaCfg,
    folder: RunFolder,
    watcher: Watcher,
    *,
    goes_on: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> MetaTaught:
    """Meta-learn a start, and write policy and checkpoint to the run's folder.

    Args:
        policy: Where to begin.
        sessions: Networks; a person's life (`cfg.loop.episode_slots`) and 4.5 s long.
        cfg: How, fitting the policy (`fitted`).
        folder: Where it goes.
        watcher: Told how far it is.
        goes_on: Leave the first stage out: the policy is the start that the folder holds.
        clock: Time for `took_s` [s].
    """
    with kept_process_state():
        import torch

        torch.set_num_threads(cfg.inner.torch_threads)
        taught = _taught(policy, sessions, cfg, folder, watcher, goes_on=goes_on, clock=clock)
    _keep(policy, taught, cfg, folder)
    return taught


def _taught(
    policy: PolicyFile,
    sessions: SessionBank,
    cfg: MetaCfg,
    folder: RunFolder,
    watcher: Watcher,
    *,
    goes_on: bool,
    clock: Callable[[], float],
) -> MetaTaught:
    began_s = clock()
    actor, score, outer, critic = start_of(policy), float("nan"), None, None
    if goes_on:
        critic = read_critic(folder.ppo_path)
    else:
        actor, score = _together(policy, sessions, cfg, folder, watcher)
        outer = read_critic(folder.path / "together")
        note = {**_note(policy, cfg, folder), "step": "human"}
        save_policy(folder.path / TOGETHER_NAME, replace(policy, layers=actor.layers, note=note))
    together_s = clock()
    learning = MetaLearning(actor, policy.mean, policy.scale, sessions, cfg, outer_critic=outer, critic=critic)
    watcher.begin("lessons", cfg.blocks)
    curve: list[dict[str, float]] = []
    while len(curve) < cfg.blocks and not watcher.stops():
        curve.append(learning.block())
        watcher.advance(len(curve), f"{1e3 * curve[-1]['drawing_m']:.2f} mm from the dot in lessons")
    took_s = {"together": together_s - began_s, "lessons": clock() - together_s}
    return MetaTaught(actor=learning.actor, critic=learning.critic, score=score, curve=curve, took_s=took_s)


def _together(
    policy: PolicyFile, sessions: SessionBank, cfg: MetaCfg, folder: RunFolder, watcher: Watcher
) -> tuple[Weights, float]:
    """The policy that suits all persons, and its score."""
    watcher.begin("together", cfg.together.ppo.epochs)

    def ended(facts: EpochFacts, best: float) -> bool:
        watcher.advance(facts.epoch, f"best {best:.3f} of the start's drawing error")
        return not watcher.stops()

    settings = replace(cfg.together, seed=cfg.together.seed + cfg.seed)
    taught = train_closed_loop(
        start_of(policy),
        policy.mean,
        policy.scale,
        sessions=sessions,
        cfg=settings,
        folder=folder.path / "together",
        on_epoch=ended,
    )
    return taught.weights, taught.score


def _keep(policy: PolicyFile, taught: MetaTaught, cfg: MetaCfg, folder: RunFolder) -> None:
    """Write the start: the checkpoint first, so that a policy's folder is whole."""
    note = _note(policy, cfg, folder)
    if taught.curve:  # lessons have taught the critic, so it need not go first
        note["adaptation"] = {"critic_epochs": 0}
    start = replace(policy, layers=taught.actor.layers, note=note)
    make_checkpoint(folder.ppo_path, taught.actor, taught.critic, purpose=purpose_of(start), cfg=_inner(cfg, policy))
    save_policy(folder.policy_path, start)


def _note(policy: PolicyFile, cfg: MetaCfg, folder: RunFolder) -> dict[str, object]:
    return {
        **policy.note,
        "step": "meta",
        "person": "simulated",
        "seed": cfg.seed,
        "before": {name: policy.note[name] for name in ("step", "person", "seed") if name in policy.note},
        "meta": asdict(cfg),
        **{name: folder.facts[name] for name in ("created_utc", "versions", "git")},
    }


def _inner(cfg: MetaCfg, policy: PolicyFile) -> PpoCfg:
    return replace(cfg.inner, hidden=tuple(len(biases) for _, biases in policy.layers[:-1]))


def fitted(cfg: MetaCfg, policy: PolicyFile) -> MetaCfg:
    """The settings with what the policy sees and does, and its network."""
    return replace(cfg, together=fitting(cfg.together, policy))
