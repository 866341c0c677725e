"""Ways to choose horizons that are compared, each as a chooser over many stretches at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.action import ActionLimits
from teletwin.horizon.policy_file import PolicyFile
from teletwin.horizon.rule import RuleCfg
from teletwin.messages import HORIZON_MAX_S
from teletwin.session.build import FED_LAG_S, FED_TURN_LAG_S
from teletwin_training.horizon.actions import NO_PREDICTION
from teletwin_training.horizon.baselines import AVERAGING_S, Baselines, baselines_from, sender_rule_cfg
from teletwin_training.horizon.environment import EnvCfg
from teletwin_training.horizon.hands import ORACLE, HandBank
from teletwin_training.horizon.moments import FED_LAG_SEEN_S, FED_TURN_LAG_SEEN_S, Moments, moments_of
from teletwin_training.horizon.probe import Chooser
from teletwin_training.horizon.rules import raw_age, sender_rule
from teletwin_training.horizon.score import actor_chooser
from teletwin_training.horizon.seen import Rows
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.ppo import Weights

FEED_FORWARD, NO_PREDICTION_NAME = "none", "none_stock"
"""Names of the loop with every horizon at zero: with its motion fed forward, and without, the paper's plain loop."""
Make = Callable[[HandBank, SessionBank, Rows], Chooser]
"""(hands, sessions, session of each run) to its chooser."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to choose horizons."""

    name: str
    label: str
    """For tables and figures."""
    make: Make
    stock: bool
    """The stock motion policy, without feed-forward."""
    forecaster: str
    late: bool
    """Whether the twin binds late."""


def baseline_methods(found: Baselines) -> list[Method]:
    """Best fixed, raw age, rules and the floor, on one motion policy and forecaster."""
    plain = ", stock policy" if found.stock else ""
    common: dict[str, Any] = {"stock": found.stock, "forecaster": found.forecaster}
    suffix = "_stock" if found.stock else ""
    methods = [
        Method(name="fixed" + suffix, label=f"best fixed{plain}", make=_fixed(found), late=False, **common),
        Method(name="raw_aol" + suffix, label=f"raw AoL{plain}", make=_raw, late=False, **common),
    ]
    for tau_s in AVERAGING_S:
        name, label = f"rule_{1000 * tau_s:g}ms{suffix}", f"AoL rule, {1000 * tau_s:g} ms average{plain}"
        methods.append(Method(name=name, label=label, make=_rule(found, tau_s), late=False, **common))
    methods += [
        Method(name="late" + suffix, label=f"late bound rule{plain}", make=_late(found), late=True, **common),
        *([] if found.stock else [_oracle()]),
        Method(
            name="floor" + suffix, label=f"floor: true delay known{plain}", make=_floor(found), late=False, **common
        ),
    ]
    return methods


def unforecast_methods(forecaster: str) -> list[Method]:
    """No prediction (the paper's plain loop), and the same with what is fed forward alone: nothing looks ahead."""
    common: dict[str, Any] = {"make": _none, "late": False, "forecaster": forecaster}
    return [
        Method(name=NO_PREDICTION_NAME, label="no prediction", stock=True, **common),
        Method(name=FEED_FORWARD, label="feed-forward only", stock=False, **common),
    ]


def all_methods(policies: Mapping[str, PolicyFile]) -> list[Method]:
    """The policies, and the baselines that their trainings found: one set for each motion policy and forecaster.

    Raises:
        ConfigError: A policy does not tell its baselines, or has a baseline's name.
    """
    groups: dict[tuple[bool, str], Baselines] = {}
    for policy in policies.values():
        for name in ("baselines", "plain_baselines"):
            if name in policy.note or name == "baselines":
                found = baselines_from(_mapping(policy.note.get(name)))
                groups.setdefault((found.stock, found.forecaster), found)
    names = [forecaster for _, forecaster in groups]
    shown = "arma" if "arma" in names else next(iter(names), "")
    methods = unforecast_methods(shown or "arma")
    for (_, forecaster), found in groups.items():
        methods += baseline_methods(found) if forecaster == shown else []
    methods += [policy_method(name, policy) for name, policy in policies.items()]
    refuse_alike([method.name for method in methods])
    return methods


def refuse_alike(names: Sequence[str]) -> None:
    """Refuse methods of one name, as the second would take the first one's place.

    Raises:
        ConfigError: There are some.
    """
    alike = sorted({name for name in names if names.count(name) > 1})
    if alike:
        raise ConfigError("two methods have one name", given=", ".join(alike), mend="rename a policy's file or folder")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def policy_method(name: str, policy: PolicyFile) -> Method:
    """A policy from a file."""
    env = env_of(policy)
    weights = Weights(layers=policy.layers, log_sigma=np.zeros(policy.layers[-1][1].size))
    step = str(policy.note.get("step", "?"))
    how = {"late": "late bound", "sender": "bound at the sender", "paper": "paper mode"}[policy.action]

    def make(hands: HandBank, sessions: SessionBank, session: Rows) -> Chooser:
        return actor_chooser(hands, sessions, env, weights, policy.mean, policy.scale, session)

    return Method(
        name=name,
        label=_label(step, how, env, str(policy.note.get("forecaster", "arma"))),
        make=make,
        stock=env.stock,
        forecaster=str(policy.note.get("forecaster", "arma")),
        late=policy.action == "late",
    )


def _label(step: str, how: str, env: EnvCfg, forecaster: str) -> str:
    number = 2 if step == "human" else 1
    extra = f"{', stock policy' if env.stock else ''}{f', {forecaster} forecaster' if forecaster != 'arma' else ''}"
    return f"PPO after step {number}, {how}{extra}"


def env_of(policy: PolicyFile) -> EnvCfg:
    """The environment that a policy was trained in, as far as it matters for what it sees and does."""
    note = policy.note.get("env")
    stock = bool(note.get("stock", False)) if isinstance(note, Mapping) else bool(policy.note.get("paper_mode", False))
    limits = policy.limits if isinstance(policy.limits, ActionLimits) else ActionLimits()
    return EnvCfg(
        observation=policy.observation,
        action=policy.action,
        limits=limits,
        rule=replace(policy.rule, late_binding=False),
        stock=stock,
    )


def _oracle() -> Method:
    """Late bound, with the hand's true future for a forecast: what delay, network and arm leave."""
    position_s, turn_s = FED_LAG_SEEN_S - FED_LAG_S, FED_TURN_LAG_SEEN_S - FED_TURN_LAG_S
    row = np.array([position_s, position_s, turn_s, turn_s, 1.0, 1.0])
    return Method(
        name="oracle",
        label="oracle: the hand's future known",
        make=lambda hands, sessions, session: lambda number, at, slot: np.repeat(row[None], len(number), axis=0),
        stock=False,
        forecaster=ORACLE,
        late=True,
    )


def _none(hands: HandBank, sessions: SessionBank, session: Rows) -> Chooser:
    row = np.array(NO_PREDICTION)
    return lambda number, at, slot: np.repeat(row[None], len(number), axis=0)


def _absolute(four: Array) -> Array:
    """Rows (n, 6) of absolute horizons (n, 4), clipped to what a curve holds."""
    return np.concatenate([np.clip(four, 0.0, HORIZON_MAX_S), np.tile([1.0, 0.0], (len(four), 1))], axis=1)


def _fixed(found: Baselines) -> Make:
    def make(hands: HandBank, sessions: SessionBank, session: Rows) -> Chooser:
        missing = {sessions.conditions[s] for s in session.tolist()} - set(found.fixed)
        if missing:
            raise ConfigError("no fixed horizons were found for a network", given=", ".join(missing))
        rows = _absolute(np.array([found.fixed[sessions.conditions[s]] for s in session.tolist()]))
        return lambda number, at, slot: rows[number]

    return make


def _table(session: Rows, table: Array, offsets: Array, age_s: Callable[[Rows], Array]) -> Chooser:
    """Horizons (sessions, slots, 4) with offsets (4,) and the age of the hand's samples [s] on top."""
    return lambda number, at, slot: _absolute(table[session[number], slot] + offsets + age_s(at)[:, None])


def _raw(hands: HandBank, sessions: SessionBank, session: Rows) -> Chooser:
    return _table(session, raw_age(sessions), np.zeros(4), hands.usual_age_s)


def _rule(found: Baselines, tau_s: float) -> Make:
    cfg: RuleCfg = sender_rule_cfg(tau_s, stock=found.stock)
    offsets = np.array(found.sender_offsets[str(tau_s)])
    return lambda hands, sessions, session: _table(session, sender_rule(sessions, cfg), offsets, hands.usual_age_s)


def _late(found: Baselines) -> Make:
    row = np.array([*found.late_offsets, 1.0, 1.0])
    return lambda hands, sessions, session: lambda number, at, slot: np.repeat(row[None], len(number), axis=0)


def _floor(found: Baselines) -> Make:
    """The true mean delay of each packet known beforehand: what is left is the forecast's own error."""

    def make(hands: HandBank, sessions: SessionBank, session: Rows) -> Chooser:
        m: Moments = moments_of(sessions, stock=found.stock, absolute=True)
        turn = m.turn_truth_s
        columns = [m.control_truth_s, m.render_truth_s, m.control_truth_s + turn, m.render_truth_s + turn]
        table = np.stack(columns, axis=2)
        return _table(session, table, np.zeros(4), lambda at: hands.age_s[at])

    return make
