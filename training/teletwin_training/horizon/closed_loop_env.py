"""Step 2's environment: a made-up person draws, the policy chooses horizons, the drawing is rewarded.

The reward is how much closer the real arm's tool is to the dot, squared, than it would be if the rule had chosen: the
same person, with the same noise, on the same task and network, goes beside every environment in a loop of their own
(`paired`). That subtracts what no action decides, and changes nothing about which policy is best. A share of eq. 16's
terms against the hand, each beside the rule's, keeps arm and picture at the hand where the drawing does not care.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.action import ACTION_COUNTS
from teletwin.horizon.observation import observation_names
from teletwin.session.build import SERVO_LAG_S
from teletwin_training.horizon.choosing import Choosing
from teletwin_training.horizon.closed_loop import ClosedLoop, Episodes, resting
from teletwin_training.horizon.drawing_tasks import DrawnTasksCfg, draw_tasks, home_pose
from teletwin_training.horizon.environment import EnvCfg, Step, paper_reward
from teletwin_training.horizon.episodes import last_start
from teletwin_training.horizon.person import PersonCfg, SimulatedPersons
from teletwin_training.horizon.sessions import START_SLOT, SessionBank

_ERRORS = [0, 1, 3, 4]
_FLOORS = np.array([1.5e-3, 1e-3, 1e-3, 2e-3, 1e-3, 2e-3]) ** 2
"""No term is divided by less [m^2, m^2, m^2, rad^2, m^2, rad^2]."""
_GUESS = np.array([[1.0e-3, 0.14], [1e-3, 0.06], [5e-4, 0.05], [3e-3, 0.0], [1e-3, 0.1], [4.5e-3, 0.0]])
"""First guess of the rule's errors: at rest, and per speed of the dot [m or rad, s or rad s/m]."""
_GUESS_SLOTS = 200.0
_LARGEST = 10.0
FIGURES = ("drawing", "drawing_gain", "paper_reward")
"""What a step tells beside the reward: the squared distance to the dot over its norm, how much less that is than under
the rule, and eq. 16."""


@dataclass(frozen=True, kw_only=True)
class ClosedLoopCfg:
    """Who draws what, and what is rewarded."""

    env: EnvCfg = field(default_factory=EnvCfg)
    """What is observed and done, as in step 1; its episodes, settling and number of environments are not used."""
    persons: int = 256
    """Parallel environments."""
    episode_slots: int = 1500
    """Length of an episode; after it another person comes, with another task on another network."""
    settle_slots: int = 300
    """Slots at its beginning that bring no reward."""
    block_slots: int = 1
    """Episodes end at multiples of this since the reset."""
    person: PersonCfg = field(default_factory=PersonCfg)
    tasks: DrawnTasksCfg = field(default_factory=DrawnTasksCfg)
    forecaster: str = "arma"
    hold_slots: int = 6
    """Slots for which an action holds: what is tried out then moves the arm, instead of being smoothed away."""
    across: float = 0.0
    """Weight of the distance across the dot's way, on top: 1.5 keeps the line, too, and brings half as much."""
    share: float = 0.1
    """Weight of eq. 16's terms (as `env.weights` weighs them) beside the drawing's."""
    seed: int = 0
    threads: int = 1
    """0 takes one per core."""

    def __post_init__(self) -> None:
        if not 1 <= self.persons <= 16384 or not 0 <= self.settle_slots < self.episode_slots <= 100_000:
            raise ConfigError(
                "the closed loop cannot be made so",
                given=f"{self.persons} persons, episodes of {self.episode_slots}, {self.settle_slots} to settle",
                allowed="1 ... 16384 persons, episodes longer than settle_slots",
            )
        if not 0.0 <= self.share <= 10.0 or self.seed < 0 or self.threads < 0:
            raise ConfigError(
                "the closed loop cannot be made so",
                given=f"share {self.share}, seed {self.seed}, {self.threads} threads",
                allowed="a share of 0 ... 10, a seed and threads of 0 or more",
            )


class ClosedLoopEnv:
    """N persons who draw; a `ppo.VectorEnv` in numpy. Same seed and actions: same bytes."""

    def __init__(self, sessions: SessionBank, cfg: ClosedLoopCfg | None = None) -> None:
        self.cfg = cfg = cfg or ClosedLoopCfg()
        self.sessions, self.count = sessions, cfg.persons
        self.observation_names = observation_names(cfg.env.observation)
        self.observation_count, self.action_count = len(self.observation_names), ACTION_COUNTS[cfg.env.action]
        self._rng = np.random.default_rng([12, cfg.seed])
        self._last_start = last_start(sessions, cfg.episode_slots)
        self._choosing = Choosing(sessions, cfg.env)
        self._quat = home_pose()[3:]
        seed = int(self._rng.integers(1 << 31))
        self.loop, self.paired = (self._loop(seed) for _ in range(2))
        """The persons under the policy, and the same under the rule."""
        self._weights = np.array([1.0, cfg.across, *(cfg.share * weight for weight in cfg.env.weights)])
        self._guess = np.zeros((self.count, 6))
        self._sum = np.zeros((self.count, 6))
        self._length = np.full(self.count, cfg.episode_slots)

    def _loop(self, seed: int) -> ClosedLoop:
        cfg = self.cfg
        persons = SimulatedPersons(
            persons=self.count, cfg=cfg.person, rng=np.random.default_rng(seed), orientation=self._quat
        )
        return ClosedLoop(
            self.sessions,
            persons,
            count=self.count,
            slots=cfg.episode_slots,
            stock=cfg.env.stock,
            forecaster=cfg.forecaster,
            threads=cfg.threads,
        )

    def reset(self) -> NDArray[np.float32]:
        """Begin episodes, each of another length, so that they do not end together; observations (N, n)."""
        cfg = self.cfg
        self._begin(np.arange(self.count))
        blocks = (cfg.episode_slots - cfg.settle_slots) // cfg.block_slots
        self._length -= cfg.block_slots * self._rng.integers(0, blocks, self.count)
        return self._look()

    def _begin(self, rows: NDArray[np.intp]) -> None:
        """Draw tasks, networks and arms; put new persons into rows of both loops."""
        rng, cfg, count = self._rng, self.cfg, len(rows)
        tasks = draw_tasks(rng, count, slots=cfg.episode_slots, cfg=cfg.tasks)
        session = rng.integers(0, len(self.sessions), count)
        slot = rng.integers(START_SLOT, self._last_start + 1, count)
        episodes = Episodes(
            rows=rows,
            tasks=tasks,
            start=resting(rows, tasks, self._quat),
            session=session,
            first_slot=slot,
            servo_lag_s=SERVO_LAG_S + cfg.env.servo_lag_spread_s * rng.uniform(-1.0, 1.0, count),
            horizons=self._choosing.rule(session, slot),
        )
        self.loop.begin(episodes)
        self.paired.begin(episodes)
        self._guess[rows] = (_GUESS[:, 0] + _GUESS[:, 1] * tasks.speed_m_s[:, None]) ** 2
        self._sum[rows], self._length[rows] = 0.0, cfg.episode_slots

    def _look(self) -> NDArray[np.float32]:
        """Forecast in both loops; observations (N, n)."""
        self.loop.look()
        self.paired.look()
        return self._choosing.observe(self.loop)

    def step(self, actions: Any) -> Step:
        """`hold_slots` slots; see `ppo.VectorEnv`."""
        cfg, given = self.cfg, np.asarray(actions)
        reward, info = np.zeros(self.count), {name: np.zeros(self.count) for name in FIGURES}
        for slot in range(cfg.hold_slots):
            if slot:
                self._look()
            gain = self._slot(given, info)
            reward += gain @ self._weights / cfg.hold_slots
        done = self.loop.age + cfg.hold_slots > self._length
        if done.any():
            self._begin(np.flatnonzero(done))
        return self._look(), reward.astype(np.float32), done, done.copy(), info

    def _slot(self, actions: Array, info: dict[str, Any]) -> Array:
        """One slot; what it brought over the rule (N, 6), each term over its norm."""
        loop, paired = self.loop, self.paired
        errors = loop.step(self._choosing.horizons(actions, loop.session, loop.slot))
        rule = _squares(paired, paired.step(self._choosing.by_rule(paired)))
        own = _squares(loop, errors)
        self._sum += rule
        counts = (loop.age > self.cfg.settle_slots)[:, None] / 1.0
        norm = self._norm()
        gain = counts * (np.minimum(rule / norm, _LARGEST) - np.minimum(own / norm, _LARGEST))
        figures = (counts[:, 0] * own[:, 0] / norm[:, 0], gain[:, 0], counts[:, 0] * paper_reward(errors))
        for name, value in zip(FIGURES, figures, strict=True):
            info[name] += value / self.cfg.hold_slots
        return gain

    def _norm(self) -> Array:
        """Mean squares (N, 6) of the rule's errors with each person up to now; no action changes them."""
        mean = (self._sum + _GUESS_SLOTS * self._guess) / (_GUESS_SLOTS + self.loop.age[:, None])
        return np.maximum(mean, _FLOORS)


def _squares(loop: ClosedLoop, errors: Array) -> Array:
    """Squares (N, 6) of a slot: tool to dot, its part across the dot's way, then eq. 16's four against the hand."""
    away = loop.tool[:, :3] - loop.dot
    square = (away**2).sum(axis=1)
    pace = np.maximum((loop.dot_velocity**2).sum(axis=1), 1e-9)
    across = square - (away * loop.dot_velocity).sum(axis=1) ** 2 / pace
    return np.column_stack([square, np.maximum(across, 0.0), errors[:, _ERRORS]])
