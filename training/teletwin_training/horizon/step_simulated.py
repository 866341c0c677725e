"""Step 2: go on learning with persons in the loop, made-up ones here. PPO from step 1's actor."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.observation import OBSERVATION_VERSION
from teletwin.horizon.policy_file import PolicyFile
from teletwin_training.horizon.choosing import Choosing
from teletwin_training.horizon.closed_loop_env import ClosedLoopCfg, ClosedLoopEnv
from teletwin_training.horizon.drawing import draw_crowd, play
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.ppo import EpochFacts, PpoCfg, Purpose, Weights, train_ppo

PPO = PpoCfg(
    epochs=60,
    horizon_length=16,
    minibatch_size=1024,
    mini_epochs=3,
    learning_rate=5e-4,
    schedule="constant",
    gamma=0.9,
    gae_lambda=0.95,
    log_sigma=-1.2,
    critic_first_epochs=5,
    checkpoint_epochs=30,
)
"""A step is `hold_slots` slots: 0.9 looks over 0.6 s, past delay, reaction and muscles."""
_AVERAGED_EPOCHS = 20.0


@dataclass(frozen=True, kw_only=True)
class SimulatedCfg:
    """How step 2 learns from made-up persons."""

    loop: ClosedLoopCfg = field(default_factory=ClosedLoopCfg)
    ppo: PpoCfg = PPO
    judge_epochs: int = 10
    """Epochs from one look at the judging persons to the next."""
    judge_persons: int = 128
    """Persons, never learned from, by whom the weights to keep are chosen."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.judge_epochs < 1 or not 2 <= self.judge_persons <= 4096 or self.seed < 0:
            raise ConfigError(
                "step 2 cannot be judged so",
                given=f"every {self.judge_epochs} epochs by {self.judge_persons} persons, seed {self.seed}",
                allowed="1 epoch or more, 2 ... 4096 persons, a seed of 0 or more",
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class TaughtByPersons:
    """What step 2 made."""

    weights: Weights
    score: float
    """Drawing error over that of the start, mean of the judging persons; 1 where the start was kept."""
    curve: list[dict[str, float]]
    """By epoch: frames, reward and the environment's figures; score where it was taken."""
    took_s: float


def train_closed_loop(
    start: Weights,
    mean: Array,
    scale: Array,
    *,
    sessions: SessionBank,
    cfg: SimulatedCfg,
    folder: str | Path,
    on_epoch: Callable[[EpochFacts, float], bool | None] = lambda *_: None,
    clock: Callable[[], float] = time.monotonic,
) -> TaughtByPersons:
    """Go on from an actor; the best average of weights is kept, judged by other persons than those learned from.

    Args:
        start: Step 1's actor; its spread is replaced by the configured one.
        mean: What observations are centred on.
        scale: What they are divided by.
        sessions: Networks to draw from.
        cfg: How.
        folder: Of rl_games' files; must hold no training.
        on_epoch: Told each epoch and the best score so far; False ends the training.
        clock: Time for `took_s` [s].
    """
    started_s = clock()
    loop_cfg = replace(cfg.loop, seed=cfg.loop.seed + cfg.seed)
    judge = _Judge(sessions, replace(cfg, loop=loop_cfg), start, mean, scale)
    env = ClosedLoopEnv(sessions, loop_cfg)
    curve: list[dict[str, float]] = []

    def ended(facts: EpochFacts) -> bool | None:
        row = {"epoch": float(facts.epoch), "frames": float(facts.frames), "reward": facts.reward, **facts.means}
        if facts.epoch > cfg.ppo.critic_first_epochs:
            judge.average(facts.weights)
            if facts.epoch % cfg.judge_epochs == 0:
                row["score"] = judge.offer()
        curve.append(row)
        return on_epoch(facts, judge.score)

    result = train_ppo(
        env,
        replace(cfg.ppo, seed=cfg.ppo.seed + cfg.seed),
        folder=folder,
        purpose=_purpose(cfg),
        mean=mean,
        scale=scale,
        start=replace(start, log_sigma=np.full(len(start.log_sigma), cfg.ppo.log_sigma)),
        on_epoch=ended,
    )
    if result.epochs > cfg.ppo.critic_first_epochs and "score" not in curve[-1]:
        curve[-1]["score"] = judge.offer()
    return TaughtByPersons(weights=judge.weights, score=judge.score, curve=curve, took_s=clock() - started_s)


class _Judge:
    """Averages the newest weights and keeps those with which the judging persons draw best."""

    def __init__(self, sessions: SessionBank, cfg: SimulatedCfg, start: Weights, mean: Array, scale: Array) -> None:
        self._crowd = draw_crowd(sessions, cfg.loop, each=cfg.judge_persons, seed=100_000 + cfg.loop.seed)
        self._choosing = Choosing(sessions, cfg.loop.env)
        self._mean, self._scale = mean, scale
        self._average: Weights | None = None
        self._count = 0
        self._reference = self._errors(start)
        self.weights, self.score = start, 1.0

    def _errors(self, weights: Weights) -> Array:
        return play(self._crowd, self._choosing.by_actor(weights, self._mean, self._scale))[:, 0]

    def average(self, weights: Weights) -> None:
        """Take an epoch's weights into the moving average."""
        self._count += 1
        share = max(1.0 / self._count, 1.0 / _AVERAGED_EPOCHS)
        self._average = weights if self._average is None else _between(self._average, weights, share)

    def offer(self) -> float:
        """Judge the average; keep it if it is the best."""
        assert self._average is not None
        score = float((self._errors(self._average) / self._reference).mean())
        if score < self.score:
            self.weights, self.score = self._average, score
        return score


def _between(a: Weights, b: Weights, share: float) -> Weights:
    pairs = zip(a.layers, b.layers, strict=True)
    layers = tuple((w + share * (v - w), c + share * (d - c)) for (w, c), (v, d) in pairs)
    return Weights(layers=layers, log_sigma=b.log_sigma)


def _purpose(cfg: SimulatedCfg) -> Purpose:
    env = cfg.loop.env
    return Purpose(
        task="horizon", observation=env.observation, observation_version=OBSERVATION_VERSION, action=env.action
    )


def policy_after(policy: PolicyFile, taught: TaughtByPersons, cfg: SimulatedCfg) -> PolicyFile:
    """Step 1's policy with what the persons taught."""
    note = {
        **policy.note,
        "step": "human",
        "person": "simulated",
        "forecaster": cfg.loop.forecaster,
        "seed": cfg.seed,
        "before": {name: policy.note[name] for name in ("step", "person", "seed") if name in policy.note},
        "simulated": asdict(cfg),
        "score": taught.score,
    }
    return replace(policy, layers=taught.weights.layers, note=note)


def start_of(policy: PolicyFile) -> Weights:
    """The actor in a policy's file."""
    layers = tuple(
        (weights.copy(), biases.copy()) for weights, biases in policy.layers
    )  # torch warns of read-only ones
    return Weights(layers=layers, log_sigma=np.full(len(policy.layers[-1][1]), PPO.log_sigma))


def fitting(cfg: SimulatedCfg, policy: PolicyFile) -> SimulatedCfg:
    """The settings with what the policy sees and does, and its network."""
    env = replace(
        cfg.loop.env,
        observation=policy.observation,
        action=policy.action,
        limits=policy.limits,
        rule=policy.rule,
        stock=bool(policy.note.get("paper_mode", False)),
    )
    hidden = tuple(len(biases) for _, biases in policy.layers[:-1])
    return replace(cfg, loop=replace(cfg.loop, env=env), ppo=replace(cfg.ppo, hidden=hidden))
