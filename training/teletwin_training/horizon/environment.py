"""The environment: recorded hands on drawn networks, horizons for actions; the core behind every face.

State: `rich` (motion, own past forecasts, delays; see teletwin.horizon.observation) or the paper's (newest pose and
Age of Loop). Action: see teletwin.horizon.action, in [-1, 1]. Reward: minus the squared errors of arm and picture in
position and orientation while this slot's packet is in control, each over what the rule makes on that hand (so that
every hand counts alike); the paper's eq. 16 stands beside it in `info`. Episodes end by time alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.action import ACTION_COUNTS, ActionLimits
from teletwin.horizon.observation import observation_names
from teletwin.horizon.rule import RuleCfg
from teletwin_training.horizon.actions import LATE_RULE, horizon_rows
from teletwin_training.horizon.episodes import EpisodeDraws, places_of
from teletwin_training.horizon.hands import HandBank
from teletwin_training.horizon.loops import DelayedLoops, LoopsCfg, plain_settings
from teletwin_training.horizon.rules import sender_rule
from teletwin_training.horizon.seen import observations
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.horizon.tables import Tables, recorded_tables

PAPER_WEIGHTS = (1.0, 0.1, 1.0, 0.1)
"""Weights of eq. 16: arm's position [1/m], its orientation [1/rad], the picture's position, its orientation."""
ERROR_TERMS = ((0, 2), (1, 2), (3, 5), (4, 5))
"""Columns of a sum of squares and of its count, in eq. 16's order."""
LARGEST_RATIO = 10.0
"""No normalised square counts for more."""


@dataclass(frozen=True, kw_only=True)
class EnvCfg:
    """What is observed, done and rewarded, and how long an episode is."""

    envs: int = 1024
    """Parallel environments."""
    observation: str = "rich"
    """'rich' or 'paper'."""
    action: str = "late"
    """'late': corrections under late binding; 'sender': the same on the sender's average; 'paper': absolute."""
    limits: ActionLimits = field(default_factory=ActionLimits)
    rule: RuleCfg = field(default_factory=lambda: RuleCfg(late_binding=False))
    """The sender's rule that 'sender' corrects."""
    stock: bool = False
    """The stock motion policy without feed-forward, and the paper's smoothing."""
    episode_slots: int = 800
    """Length of an episode."""
    settle_slots: int = 150
    """Slots at its beginning that bring no reward: the arm comes from rest."""
    servo_lag_spread_s: float = 0.012
    """The arm's lag is drawn within this of its usual one [s]."""
    weights: tuple[float, float, float, float] = (1.0, 0.3, 1.0, 0.3)
    """Of the four normalised errors in the reward that is learned from."""
    seed: int = 0
    """Of the environment's own draws."""

    def __post_init__(self) -> None:
        observation_names(self.observation)
        if self.action not in ACTION_COUNTS:
            raise ConfigError("no action has this name", given=self.action, allowed=", ".join(ACTION_COUNTS))
        if not 1 <= self.envs <= 65536 or not 0 <= self.settle_slots < self.episode_slots <= 100_000 or self.seed < 0:
            raise ConfigError(
                "the environment cannot be made so",
                given=f"{self.envs} environments, episodes of {self.episode_slots}, seed {self.seed}",
                allowed="1 ... 65536 environments, episodes longer than settle_slots, a seed of 0 or more",
            )
        if not 0.0 <= self.servo_lag_spread_s <= 0.015 or min(self.weights) < 0.0:
            raise ConfigError("servo_lag_spread_s or weights are out of range", allowed="0 ... 0.015 s, 0 or more")


Step = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]
"""Observations, reward, done, truncated, info."""


class HorizonEnv:
    """N environments; a `ppo.VectorEnv` in numpy. Same seed, same hands and networks: same bytes.

    Args:
        hands: What moves.
        sessions: Networks to draw from; episode and start slots must fit into them.
        cfg: Settings.
        loops: How the loops are run.
        tables: Those of hands and sessions, when they are there already.
    """

    def __init__(
        self,
        hands: HandBank,
        sessions: SessionBank,
        cfg: EnvCfg | None = None,
        *,
        loops: LoopsCfg | None = None,
        tables: Tables | None = None,
    ) -> None:
        self.cfg = cfg = cfg or EnvCfg()
        self.hands, self.sessions = hands, sessions
        self.count = cfg.envs
        self.observation_names = observation_names(cfg.observation)
        self.observation_count, self.action_count = len(self.observation_names), ACTION_COUNTS[cfg.action]
        self._draws = EpisodeDraws(hands, sessions, cfg)
        loops = loops or LoopsCfg()
        self.loops = DelayedLoops(
            tables or recorded_tables(hands, sessions, device=loops.device),
            plain_settings(self.count, feed_forward=not cfg.stock),
            loops,
        )
        self._base = sender_rule(sessions, cfg.rule) if cfg.action == "sender" else None
        self.norm = np.ones((len(hands.names), len(sessions), 4))
        """What divides the four mean squares, by hand and session; see `Bench.rule_norm`."""
        self._hand = np.zeros(self.count, dtype=np.int64)
        self._row, self._session, self._slot = (np.zeros(self.count, dtype=np.int64) for _ in range(3))
        self._age = np.zeros(self.count, dtype=np.int64)
        self._length = np.full(self.count, cfg.episode_slots)

    def seed(self, seed: int | Sequence[int]) -> None:
        """Start all draws anew, as in an environment that was made with this seed; to be called before `reset`."""
        self._draws.seed(seed)

    def reset(self) -> NDArray[np.float32]:
        """Begin episodes, of different lengths, so that they do not end together; observations (N, n)."""
        self._begin(np.arange(self.count))
        if self.count > 1:
            self._length[:] = self._draws.lengths(self.count)
        return self.observe()

    def _begin(self, rows: NDArray[np.intp]) -> None:
        """Draw hand, place in it, network and arm."""
        drawn = self._draws.draw(len(rows))
        self._hand[rows], self._row[rows] = drawn.hand, drawn.row
        self._session[rows], self._slot[rows] = drawn.session, drawn.slot
        self._age[rows], self._length[rows] = 0, self.cfg.episode_slots
        self.loops.place(places_of(drawn, rows, horizons=self._neutral(rows)), drawn.settings)

    def _neutral(self, rows: NDArray[np.intp]) -> Array:
        """Horizons of the packets under way when an episode begins: the rule's."""
        if self._base is None:
            return np.tile(LATE_RULE, (len(rows), 1))
        base = self._said(rows)
        return np.concatenate([base, np.tile([1.0, 0.0], (len(rows), 1))], axis=1)

    def _said(self, rows: NDArray[np.intp] | slice) -> Array:
        """Horizons (k, 4) of the sender's rule [s]; what it measures has the age of samples in it."""
        assert self._base is not None
        return self._base[self._session[rows], self._slot[rows]] + self.hands.usual_age_s(self._row[rows])[:, None]

    def observe(self, rows: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float32]:
        """What a policy sees now (N, n), not normalised; of some environments (k,) when rows are given."""
        row, session, slot = self._row[rows], self._session[rows], self._slot[rows]
        seen = observations(self.hands, self.sessions, self.cfg.observation, row, session, slot)
        return seen.astype(np.float32)

    def horizons(self, actions: Array) -> Array:
        """Horizons (N, 6) that actions (N, m) mean in this slot.

        Raises:
            ConfigError: They are of another shape, or not finite.
        """
        wanted = self.count, self.action_count
        if np.shape(actions) != wanted or not np.isfinite(actions).all():
            given = f"shape {np.shape(actions)}, {np.isnan(actions).sum()} not numbers"
            raise ConfigError("the actions cannot be used", given=given, allowed=f"{wanted}, finite")
        base = np.zeros((self.count, 4)) if self._base is None else self._said(slice(None))
        return horizon_rows(
            np.asarray(actions, dtype=np.float64), kind=self.cfg.action, limits=self.cfg.limits, base=base
        )

    def step(self, actions: Any) -> Step:
        """One slot; see `ppo.VectorEnv`. Where episodes ended, info's "final_observation" (N, n) holds their last."""
        errors = self.loops.step(self.horizons(actions))
        counts = self._age >= self.cfg.settle_slots
        reward = self.reward(errors) * counts
        info: dict[str, Any] = {"paper_reward": paper_reward(errors) * counts}
        self._age += 1
        self._row += 1
        self._slot += 1
        done = self._age >= self._length
        if done.any():
            ended = np.flatnonzero(done)
            info["final_observation"] = np.zeros((self.count, self.observation_count), dtype=np.float32)
            info["final_observation"][ended] = self.observe(ended)
            self._begin(ended)
        return self.observe(), reward.astype(np.float32), done, done.copy(), info

    def reward(self, errors: Array) -> Array:
        """What is learned from (N,): minus the normalised squares."""
        norm, total = self.norm[self._hand, self._session], np.zeros(self.count)
        for term, (column, _) in enumerate(ERROR_TERMS):
            total += self.cfg.weights[term] * np.minimum(errors[:, column] / norm[:, term], LARGEST_RATIO)
        return -total


def paper_reward(errors: Array) -> Array:
    """Eq. 16 over the slot (N,): minus the weighted root mean square errors."""
    total = np.zeros(len(errors))
    for weight, (column, count) in zip(PAPER_WEIGHTS, ERROR_TERMS, strict=True):
        total -= weight * np.sqrt(errors[:, column] / np.maximum(errors[:, count], 1.0))
    return total
