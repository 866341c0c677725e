"""Cells as an environment to learn in: observations and actions are those of an allocation policy's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.allocation import Allocator
from teletwin.allocation.backlog import BacklogCfg
from teletwin.allocation.features import Feature, compressed, observation_names
from teletwin.allocation.learned import shares_from_action
from teletwin.allocation.policy_file import ACTION_COUNT, BASES
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.counts import Count
from teletwin_training.allocation.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class AllocationEnvCfg:
    """How an allocator observes and acts."""

    envs: int = 1024
    """Cells, shared out evenly among the scenarios."""
    seed: int = 0
    observation: str = "full"
    """'full' or 'queues', see `teletwin.allocation.features.OBSERVATIONS`."""
    base: str = "rule"
    """'rule': an action corrects the rule's shares; 'none': it is the shares."""
    span: float = 2.0
    """How far an action of 1 moves the logit of the rule's share."""
    rule: BacklogCfg = field(default_factory=BacklogCfg)
    device: str = "cpu"
    threads: int = 0

    def __post_init__(self) -> None:
        if self.base not in BASES:
            raise ConfigError("no such base of actions", given=self.base, allowed=", ".join(BASES))


class AllocationEnv:
    """N cells, of one scenario or of several side by side; a `ppo.VectorEnv`. Ended episodes begin anew at once.

    Args:
        scenarios: Each gets an equal part of the cells.
        cfg: Observation and action.
        reference: Runs beside it in cells of the same draws; rewards are then those above its own, which leaves out
            most of what no allocator can help.
    """

    action_count = ACTION_COUNT

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        cfg: AllocationEnvCfg | None = None,
        *,
        reference: Allocator | None = None,
    ) -> None:
        self.cfg = cfg = cfg or AllocationEnvCfg()
        if not 0 < len(scenarios) <= cfg.envs:
            raise ConfigError("the cells cannot be shared out", given=len(scenarios), allowed=f"1 ... {cfg.envs}")
        self.count, self.observation_count = cfg.envs, len(observation_names(cfg.observation))
        edges = [cfg.envs * k // len(scenarios) for k in range(len(scenarios) + 1)]
        self._rows = [slice(first, last) for first, last in pairwise(edges)]
        seeds, self._reference = self._spread(cfg.seed), reference
        self.parts, self._beside = (
            [
                Cells(each, seeds[rows], device=cfg.device, threads=cfg.threads)
                for each, rows in zip(chosen, self._rows, strict=False)
            ]
            for chosen in (scenarios, scenarios if reference else ())
        )
        self._all = [*zip(self.parts, self._rows, strict=True), *zip(self._beside, self._rows, strict=False)]
        self._seen = np.zeros((self.count, len(Feature)))

    def seed(self, seed: int | Sequence[int]) -> None:
        """Let all draws begin anew from another seed, or from one for each cell.

        Raises:
            ConfigError: There are more or fewer seeds than cells.
        """
        is_one = isinstance(seed, int)
        seeds = self._spread(seed) if is_one else np.asarray(seed)
        if seeds.shape != (self.count,):
            raise ConfigError("seeds do not fit the cells", given=seeds.shape, allowed=f"one, or {self.count}")
        for cells, rows in self._all:
            cells.reseed(seeds[rows])

    def _spread(self, seed: int) -> NDArray[np.int64]:
        """A seed for each cell, far from those of the next one."""
        return np.arange(self.count) + seed * 1_000_003

    def reset(self) -> NDArray[np.float32]:
        """Begin every episode; return observations (N, n)."""
        for cells, _ in self._all:
            cells.reset()
        return self._observe()

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Act (N, 2), clipped to [-1, 1]; see `ppo.VectorEnv`.

        Raises:
            ConfigError: Actions are of another shape, or not finite.
        """
        cfg, given = self.cfg, np.asarray(actions, dtype=np.float64)
        if given.shape != (self.count, ACTION_COUNT) or not np.isfinite(given).all():
            raise ConfigError(
                "the actions cannot be used",
                given=f"shape {given.shape}, {np.count_nonzero(~np.isfinite(given))} not finite",
                allowed=f"{(self.count, ACTION_COUNT)}, finite",
            )
        shares = shares_from_action(given, self._seen, base=cfg.base, span=cfg.span, rule=cfg.rule)
        return self.step_shares(shares)

    def step_shares(self, shares: Array) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One step with shares (N, 2) of requests as they are, which the official environment takes for actions."""
        for cells, rows in zip(self.parts, self._rows, strict=True):
            cells.step(shares[rows])
        reward = self._reward()
        done = np.concatenate([cells.done for cells in self.parts])
        observations = self._observe()
        info: dict[str, Any] = {"link_share": float(shares[:, 0].mean()), "compute_share": float(shares[:, 1].mean())}
        if done.any():
            info["final_observation"] = observations
            info |= {
                name: float(np.concatenate([c.totals[:, k] for c in self.parts])[done].mean()) for name, k in _TOLD
            }
            for cells, rows in self._all:
                if done[rows].any():
                    cells.reset(done[rows])
            observations = self._observe()
        return observations, reward, done, done, info

    def _reward(self) -> NDArray[np.float32]:
        """Of this step (N,); above the reference's where there is one."""
        reward = np.concatenate([cells.reward for cells in self.parts])
        if self._reference is not None:
            for cells in self._beside:
                cells.step(self._reference.allocate(cells.seen))
            reward = reward - np.concatenate([cells.reward for cells in self._beside])
        return reward.astype(np.float32)

    @property
    def seen(self) -> Array:
        """Features (N, 16) that the newest observation was made from."""
        return self._seen

    def _observe(self) -> NDArray[np.float32]:
        for cells, rows in zip(self.parts, self._rows, strict=True):
            self._seen[rows] = cells.seen
        return compressed(self._seen, self.cfg.observation).astype(np.float32)


_TOLD = (
    ("episode_requests", Count.MADE_REQUESTS),
    ("episode_answered", Count.DONE_REQUESTS),
    ("episode_in_time", Count.IN_TIME),
    ("episode_fresh", Count.FRESH),
)
