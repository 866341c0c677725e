"""From an actor's network to horizons where the loop is closed: what it sees of a slot, and what its action means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin_training.horizon.actions import LATE_RULE, horizon_rows
from teletwin_training.horizon.closed_loop import ClosedLoop
from teletwin_training.horizon.environment import EnvCfg
from teletwin_training.horizon.rules import sender_rule
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.ppo import Weights

BOUND = 5.0
"""Normalised observations are clipped to this, as in the policy file."""

HorizonChooser = Callable[[ClosedLoop], Array]
"""Horizons (N, 6) of the slot that the loop is at."""


class Choosing:
    """Reads observations and actions as `EnvCfg` names them, on these sessions."""

    def __init__(self, sessions: SessionBank, env: EnvCfg) -> None:
        self._sessions, self._env = sessions, env
        self._base = sender_rule(sessions, env.rule) if env.action == "sender" else None

    def observe(self, loop: ClosedLoop) -> NDArray[np.float32]:
        """What a policy sees (N, n), not normalised."""
        if self._env.observation == "paper":
            age = np.maximum(self._sessions.aol_s[loop.session, loop.slot], 0.0)[:, None]
            return np.concatenate([loop.hands.newest, age], axis=1).astype(np.float32)
        delays = self._sessions.delays[loop.session, loop.slot]
        return np.concatenate([loop.hands.motion, delays], axis=1).astype(np.float32)

    def horizons(self, actions: Array, session: NDArray[np.int64], slot: NDArray[np.int64]) -> Array:
        """Horizons (N, 6) that actions (N, m) mean in these slots of sessions."""
        base = np.zeros((len(session), 4)) if self._base is None else self._base[session, slot]
        return horizon_rows(
            np.asarray(actions, dtype=np.float64), kind=self._env.action, limits=self._env.limits, base=base
        )

    def rule(self, session: NDArray[np.int64], slot: NDArray[np.int64]) -> Array:
        """Horizons (N, 6) of the rule that the action corrects; of the late bound one where it corrects none."""
        if self._base is None:
            return np.tile(LATE_RULE, (len(session), 1))
        return np.concatenate([self._base[session, slot], np.tile([1.0, 0.0], (len(session), 1))], axis=1)

    def by_rule(self, loop: ClosedLoop) -> Array:
        """A HorizonChooser: the rule."""
        return self.rule(loop.session, loop.slot)

    def by_actor(self, weights: Weights, mean: Array, scale: Array) -> HorizonChooser:
        """An actor's mean actions."""

        def choose(loop: ClosedLoop) -> Array:
            seen = np.clip((self.observe(loop) - mean) / scale, -BOUND, BOUND)
            return self.horizons(weights.mean_actions(seen), loop.session, loop.slot)

        return choose


def without_prediction(loop: ClosedLoop) -> Array:
    """A HorizonChooser: the newest pose as it is."""
    return np.zeros((loop.count, 6))


def constantly(horizons: Array) -> HorizonChooser:
    """The same horizons (6,) in every slot."""
    return lambda loop: np.tile(horizons, (loop.count, 1))
