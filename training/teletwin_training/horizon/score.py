"""How good an actor is beside the rule, on whole stretches of hands: deterministic, paired."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teletwin.geometry import Array
from teletwin_training.horizon.actions import NO_PREDICTION, horizon_rows
from teletwin_training.horizon.baselines import Bench
from teletwin_training.horizon.environment import EnvCfg
from teletwin_training.horizon.hands import HandBank
from teletwin_training.horizon.probe import Chooser, constant
from teletwin_training.horizon.rules import sender_rule
from teletwin_training.horizon.seen import Rows, observations
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.ppo import Weights

BOUND = 5.0
"""Normalised observations are clipped to this, as in the policy file."""


def actor_chooser(
    hands: HandBank, sessions: SessionBank, env: EnvCfg, weights: Weights, mean: Array, scale: Array, session: Rows
) -> Chooser:
    """An actor's mean actions as horizons; session (runs,) is what each run plays."""
    base = sender_rule(sessions, env.rule) if env.action == "sender" else None

    def choose(number: Rows, row: Rows, slot: Rows) -> Array:
        mine = session[number]
        seen = observations(hands, sessions, env.observation, row, mine, slot)
        action = weights.mean_actions(np.clip((seen - mean) / scale, -BOUND, BOUND))
        said = np.zeros((len(row), 4)) if base is None else base[mine, slot] + hands.usual_age_s(row)[:, None]
        return horizon_rows(action, kind=env.action, limits=env.limits, base=said)

    return choose


class Score:
    """What the reward says of an actor beside a reference (the rule), deterministic and on whole stretches.

    Root of the mean normalised squares over that of the reference; 1 is as good as the reference.
    """

    def __init__(
        self, bench: Bench, env: EnvCfg, sessions: Rows, norm: Array, reference: Callable[[Rows], Chooser]
    ) -> None:
        self._bench, self._env, self._sessions = bench, env, sessions
        self._norm = norm[bench.numbers][:, sessions]
        self._session = np.tile(sessions, len(bench.numbers))
        self._reference = self._terms(reference(self._session))

    def _terms(self, choose: Chooser, *, stock: bool | None = None) -> Array:
        """Mean normalised squares (4,), every kind of motion alike."""
        bench = self._bench
        each = bench.each(choose, self._sessions, stock=self._env.stock if stock is None else stock) / self._norm
        return (bench.weights[:, None] * each.mean(axis=1)).sum(axis=0)

    def unforecast(self) -> dict[str, tuple[float, list[float]]]:
        """The same of what looks nowhere ahead, with and without the motion fed forward."""
        choose = constant(np.array(NO_PREDICTION))
        ways = {"no_prediction": True, "feed_forward": False}
        return {name: self._beside(self._terms(choose, stock=stock)) for name, stock in ways.items()}

    def _beside(self, terms: Array) -> tuple[float, list[float]]:
        worth = np.array(self._env.weights)
        total = float(np.sqrt((worth * terms).sum() / (worth * self._reference).sum()))
        return total, np.sqrt(terms / self._reference).tolist()

    def judge(self, weights: Weights, mean: Array, scale: Array) -> tuple[float, list[float]]:
        """The score, and its parts: arm's position and orientation, the picture's position and orientation."""
        bench = self._bench
        choose = actor_chooser(bench.hands, bench.sessions, self._env, weights, mean, scale, self._session)
        return self._beside(self._terms(choose))
