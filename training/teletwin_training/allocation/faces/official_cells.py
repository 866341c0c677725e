"""Cells as the official simulator shows them: shares for actions, two queue lengths for observations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.counts import TOTALS
from teletwin_training.allocation.scenario import Scenario
from teletwin_training.allocation.streams import official_draws

STREAMS = ("own", "numpy")
OFFICIAL_SEED = 999
"""What the official simulator takes without being asked."""
_LARGEST_QUEUE = 1e4
_COLUMN = {name: column for column, name in enumerate(TOTALS)}
_COUNTED = {
    "jobs_generated": ("made_requests", "made_updates"),
    "jobs_transmitted": ("sent_requests", "sent_updates"),
    "jobs_processed": ("done_requests", "done_updates"),
    "bits_transmitted": ("bits",),
    "ue_bits_transmitted": ("request_bits",),
    "sensor_bits_transmitted": ("update_bits",),
    "cycles_processed": ("cycles",),
}


class OfficialCells:
    """N cells of one scenario; a `faces.FaceCore`. Ended episodes begin anew at once.

    Unlike in the official simulator a seed that is given to `reset` counts, and "episode reward" is a sum.

    Args:
        scenario: Of all cells.
        envs: Number of cells, N.
        seed: Of the first cell, counted on from there; or one for each.
        stream: 'own': episodes differ; 'numpy': every episode replays numpy's draws for its cell's seed in the
            official order, which is slow to begin and gives the official numbers (as with `reset_rng_episode`).
        device: "cpu" or "cuda:0".
        threads: On the CPU; 0 takes one per core.

    Raises:
        ConfigError: There is no such stream, or numpy's draws do not fit the scenario.
    """

    observation_count = action_count = 2
    observation_bounds = (0.0, _LARGEST_QUEUE)
    action_bounds = (0.0, 1.0)

    def __init__(
        self,
        scenario: Scenario,
        *,
        envs: int = 1,
        seed: int | Sequence[int] = OFFICIAL_SEED,
        stream: str = "own",
        device: str = "cpu",
        threads: int = 0,
    ) -> None:
        if stream not in STREAMS:
            raise ConfigError("no such stream of draws", given=stream, allowed=", ".join(STREAMS))
        self.scenario, self.count = scenario, envs
        self._stream, self._options = stream, {"device": device, "threads": threads}
        self._seeds = self._each(seed)
        self.cells = self._made()
        self._steps = np.zeros(envs, dtype=np.int64)
        self._before = self.cells.totals.copy()

    @property
    def clamped_count(self) -> int:
        """Shares that were outside [0, 1]."""
        return self.cells.clamped_count

    def seed(self, seed: int | Sequence[int]) -> None:
        """Let the next episodes be the first ones of this seed (cell i gets seed + i), or of one seed for each cell.

        Raises:
            ConfigError: There are more or fewer seeds than cells.
        """
        self._seeds = self._each(seed)
        if self._stream == "own":
            self.cells.reseed(self._seeds)
            return
        clamped = self.cells.clamped_count
        self.cells = self._made()
        self.cells.clamped_count = clamped

    def reset(self) -> NDArray[np.float32]:
        """Begin every episode; return the lengths of both processing queues (N, 2): none."""
        self.cells.reset()
        self._steps[:] = 0
        self._before[:] = self.cells.totals
        return self._observe()

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One step with shares of requests (N, 2) of link and compute; see `ppo.VectorEnv`.

        Raises:
            ConfigError: A share is not a number.
        """
        self.cells.step(np.asarray(actions, dtype=np.float64))
        self._steps += 1
        reward, done = self.cells.reward.astype(np.float32), self.cells.done
        info, observations = self._told(), self._observe()
        self._before[:] = self.cells.totals
        if done.any():
            info["final_observation"] = observations
            self.cells.reset(done)
            self._steps[done] = 0
            self._before[done] = self.cells.totals[done]
            observations = self._observe()
        return observations, reward, done, done.copy(), info

    def _observe(self) -> NDArray[np.float32]:
        return np.minimum(self.cells.seen[:, :2], _LARGEST_QUEUE).astype(np.float32)

    def _told(self) -> dict[str, Any]:
        """Of this step, by the official names; means and the sum of rewards of the episode so far (0 at first)."""
        totals, column = self.cells.totals, _COLUMN
        grown = totals - self._before
        told: dict[str, Any] = {"time": self._steps.copy()}
        for name, kinds in _COUNTED.items():
            told[name] = np.add.reduce([grown[:, column[kind]] for kind in kinds])
        answered = np.maximum(totals[:, column["done_requests"]], 1.0)
        told |= {f"mean_{age}": totals[:, column[age]] / answered for age in ("aori", "aosi")}
        told |= {"bw_split": self.cells.seen[:, 14].copy(), "comp_split": self.cells.seen[:, 15].copy()}
        return told | {"episode reward": totals[:, column["reward"]].copy()}

    def _each(self, seed: int | Sequence[int]) -> NDArray[np.uint64]:
        seeds = [seed + cell for cell in range(self.count)] if isinstance(seed, int) else list(seed)
        if len(seeds) != self.count or min(seeds, default=0) < 0:
            raise ConfigError("seeds do not fit the cells", given=seed, allowed=f"one, or {self.count}, of 0 or more")
        return np.array([each % 2**64 for each in seeds], dtype=np.uint64)

    def _made(self) -> Cells:
        draws = official_draws(self.scenario, self._seeds.tolist()) if self._stream == "numpy" else None
        return Cells(self.scenario, self._seeds, draws=draws, **self._options)
