"""How fast a new person is learned: error after so many seconds of their drawing, from one start and another.

Everybody takes a lesson from a live learner of their own, with the same noise from every start. At each mark the
learning stands still, and the person draws another curve at their own speed with what the network is then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.policy_file import PolicyFile
from teletwin.jsonable import to_jsonable
from teletwin_training.horizon.choosing import BOUND, Choosing, HorizonChooser, without_prediction
from teletwin_training.horizon.closed_loop import ClosedLoop
from teletwin_training.horizon.drawing import Crowd, begun, draw_crowd, play
from teletwin_training.horizon.drawing_tasks import draw_tasks
from teletwin_training.horizon.live.cfg import LIVE_PPO
from teletwin_training.horizon.live.start import Start
from teletwin_training.horizon.meta.learners import Beginning, Learners
from teletwin_training.horizon.meta.lessons import SWAP_SLOTS, Lessons
from teletwin_training.horizon.meta.networks import Networks, new_critic
from teletwin_training.horizon.sessions import START_SLOT, draw_sessions
from teletwin_training.horizon.step_simulated import SimulatedCfg, fitting, start_of
from teletwin_training.ppo import PpoCfg
from teletwin_training.ppo.made_checkpoint import read_critic
from teletwin_training.ppo.quiet import kept_process_state

_SEED = 992_000
"""Persons and networks have seeds from here on; those of trainings are far from it."""
_SPARE_SLOTS = 450 + START_SLOT
_SLOT_S = 0.01
Progress = Callable[[str, int, int], None]
"""Told what is done, and how many of how many steps."""


@dataclass(frozen=True, kw_only=True)
class AdaptationCfg:
    """Who is met, and when they are judged."""

    seeds: int = 10
    persons: int = 12
    """For each seed, with tasks, networks and noise of their own."""
    condition: str = "mixed"
    sessions: int = 24
    marks_s: tuple[float, ...] = (0.0, 20.0, 60.0, 120.0)
    """Seconds of drawing after which they are judged."""
    judged_slots: int = 1500
    """Of which the first 300 do not count."""
    learning: PpoCfg = LIVE_PPO
    spread: float = 0.08
    together: SimulatedCfg = field(default_factory=SimulatedCfg)
    """Its persons and tasks are the population."""

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= 1000 or not 1 <= self.persons <= 4096 or not 1 <= self.sessions <= 4096:
            raise ConfigError(
                "the study cannot be made so",
                given=f"{self.seeds} seeds of {self.persons} persons on {self.sessions} networks",
                allowed="1 ... 1000 seeds, 1 ... 4096 persons and networks",
            )
        marks = list(self.marks_s)
        if not marks or marks != sorted(marks) or marks[0] != 0.0 or marks[-1] > 3600.0 or self.judged_slots <= 300:
            raise ConfigError(
                "persons cannot be judged so",
                given=f"after {marks} s, over {self.judged_slots} slots",
                allowed="rising seconds from 0 on, up to 3600; more than 300 slots",
            )

    @property
    def epoch_slots(self) -> int:
        """From an epoch of the learner to the next."""
        return self.learning.horizon_length + SWAP_SLOTS

    @property
    def marks(self) -> tuple[int, ...]:
        """Epochs that are learned from by each mark."""
        return tuple(int(mark_s / _SLOT_S) // self.epoch_slots for mark_s in self.marks_s)


class AdaptationStudy:
    """The persons, and how they draw from one start or another; what was done is read from the folder.

    Args:
        policy: The one that the others are held against; it says what is seen and done.
        cfg: Who is met.
        folder: Of a file for each start.
        progress: Told how far it is.
    """

    def __init__(self, policy: PolicyFile, cfg: AdaptationCfg, folder: Path, progress: Progress) -> None:
        self._policy, self._folder, self._progress = policy, folder, progress
        self.cfg = cfg = replace(cfg, together=fitting(cfg.together, policy))
        folder.mkdir(parents=True, exist_ok=True)
        slots = max(cfg.marks[-1] * cfg.epoch_slots, cfg.judged_slots) + 1
        duration_s = _SLOT_S * (slots + _SPARE_SLOTS)
        self._sessions = draw_sessions([cfg.condition], each=cfg.sessions, duration_s=duration_s, seed=_SEED)
        self._choosing = Choosing(self._sessions, cfg.together.loop.env)
        self._lesson = self._crowd(slots)
        self._judged = self._other_curves()

    def _crowd(self, slots: int) -> Crowd:
        loop = replace(self.cfg.together.loop, episode_slots=slots, settle_slots=300)
        return draw_crowd(self._sessions, loop, each=self.cfg.seeds * self.cfg.persons, seed=_SEED)

    def _other_curves(self) -> Crowd:
        """The same persons on the same networks at other times, with other curves at their speed."""
        crowd, slots, rng = self._lesson, self.cfg.judged_slots, np.random.default_rng([18, _SEED])
        count, speeds = len(crowd.session), crowd.tasks.speed_m_s
        last = self._sessions.slot_count - slots - START_SLOT // 2
        return replace(
            crowd,
            cfg=replace(crowd.cfg, episode_slots=slots),
            tasks=draw_tasks(rng, count, slots=slots, cfg=crowd.cfg.tasks, speeds=speeds),
            first_slot=rng.integers(START_SLOT, last + 1, count),
        )

    def fixed(self) -> dict[str, Array]:
        """Drawing errors (seeds, persons) [m] of what never learns: no prediction, and the rule."""
        kept = self._kept("fixed", "", lambda: {"none": self._draw(without_prediction), "rule": self._by_rule()})
        return {name: np.array(kept[name]) for name in ("none", "rule")}

    def learned(self, name: str, start: Start) -> dict[str, Array]:
        """What comes of a start: `judged` (marks, seeds, persons) and `lesson` (epochs, seeds, persons), errors [m]."""
        made = self._kept(f"from_{name}", _digest(start), lambda: self._learned(name, start))
        return {key: np.array(made[key]) for key in ("judged", "lesson")}

    def _kept(self, name: str, digest: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The file of that name, made if it is not there."""
        path = self._folder / f"{name}.json"
        key = hashlib.sha256(f"{digest}{_digest_of(self._policy)}{asdict(self.cfg)}".encode()).hexdigest()[:16]
        if path.is_file():
            facts = read_json(path)
            if facts.get("key") != key:
                raise ConfigError("the folder holds another study", given=path, mend="give another folder")
            return facts
        facts: Any = to_jsonable({"key": key, **make()})
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(facts), encoding="utf-8")
        partial.replace(path)
        return facts

    def _by_rule(self) -> Array:
        return self._draw(self._choosing.by_rule)

    def _draw(self, choose: HorizonChooser) -> Array:
        return play(self._judged, choose)[:, 0].reshape(self.cfg.seeds, -1)

    def _learned(self, name: str, start: Start) -> dict[str, Any]:
        import torch

        cfg, marks = self.cfg, self.cfg.marks
        with kept_process_state():
            torch.set_num_threads(1)
            learners, loop = self._learners(start), begun(self._lesson)
            rng = np.random.default_rng([19, _SEED])
            mean, scale = self._policy.mean, self._policy.scale
            lessons = Lessons(_World(loop, self._choosing), self._choosing, mean, scale, learners, rng=rng)
            judged, lesson = [], []
            for epoch in range(marks[-1] + 1):
                judged += [self._judge(learners)] * marks.count(epoch)
                self._progress(f"from {name}", epoch, marks[-1])
                if epoch < marks[-1]:
                    rollout, errors = lessons.epoch(cfg.learning.horizon_length)
                    learners.learn(rollout)
                    lesson.append(np.sqrt((errors**2).mean(axis=0)).reshape(cfg.seeds, -1))
        return {"judged": judged, "lesson": lesson}

    def _judge(self, learners: Learners) -> Array:
        def choose(loop: ClosedLoop) -> Array:
            seen = (self._choosing.observe(loop) - self._policy.mean) / self._policy.scale
            actions = learners.act(np.clip(seen, -BOUND, BOUND).astype(np.float32))
            return self._choosing.horizons(actions, loop.session, loop.slot)

        return self._draw(choose)

    def _learners(self, start: Start) -> Learners:
        """Everybody's learner; where the start brings no critic, each seed has one of its own."""
        cfg, layers = self.cfg, start_of(start.policy).layers
        ppo = start.ppo(cfg.learning, own_critic_epochs=True)
        count, width = len(self._lesson.session), len(layers[-1][1])
        networks = Networks(len(start.policy.mean), ppo.hidden, width)
        beginnings = [self._beginning(networks, start, ppo, seed) for seed in range(cfg.seeds)]
        spread = np.full(width, np.log(cfg.spread))
        learners = Learners(networks, beginnings[0], ppo, log_sigma=spread, count=count)
        for rows, learners.beginning in zip(np.split(np.arange(count), cfg.seeds), beginnings, strict=True):
            learners.renew(rows)
        return learners

    def _beginning(self, networks: Networks, start: Start, ppo: PpoCfg, seed: int) -> Beginning:
        layers = start_of(start.policy).layers
        if start.checkpoint is not None:
            critic = read_critic(start.checkpoint)
            return Beginning(row=networks.row(layers, critic.layers), values=critic.values)
        rng = np.random.default_rng([20, seed])
        return Beginning(row=networks.row(layers, new_critic(len(start.policy.mean), ppo.hidden, rng)))


@dataclass(frozen=True, eq=False)
class _World:
    """Persons as a `lessons.World`; nobody leaves."""

    loop: ClosedLoop
    choosing: Choosing

    def act(self, actions: Array) -> NDArray[np.bool_]:
        """One slot."""
        self.loop.step(self.choosing.horizons(actions, self.loop.session, self.loop.slot))
        self.loop.look()
        return np.zeros(self.loop.count, dtype=np.bool_)


def check_alike(policy: PolicyFile, others: Sequence[PolicyFile]) -> None:
    """Refuse starts that see or do something else than the policy.

    Raises:
        ConfigError: One does.
    """
    for other in others:
        same = [getattr(policy, name) == getattr(other, name) for name in ("observation", "action", "limits", "rule")]
        same += [np.array_equal(getattr(policy, name), getattr(other, name)) for name in ("mean", "scale")]
        if not all(same):
            raise ConfigError("a start sees or does something else than the policy", mend="train it from this policy")


def _digest(start: Start) -> str:
    return _digest_of(start.policy) + (str(read_critic(start.checkpoint).values) if start.checkpoint else "")


def _digest_of(policy: PolicyFile) -> str:
    digest = hashlib.sha256()
    for array in (policy.mean, policy.scale, *(array for layer in policy.layers for array in layer)):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
