"""Horizons from a learned policy: a small network on top of the rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from teletwin.assets import asset_path
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon import HorizonSettings, LoopObservation
from teletwin.horizon.action import horizons_of
from teletwin.horizon.actor import Actor
from teletwin.horizon.observation import (
    FIRST_CONTROL_S,
    MOTION_COUNT,
    MOTION_NAMES,
    RICH_NAMES,
    DelayFeatures,
    MotionFeatures,
    PastForecasts,
    known_or,
)
from teletwin.horizon.policy_file import PolicyFile, load_policy
from teletwin.horizon.rule import RulePolicy
from teletwin.messages import CURVE_KNOTS, Horizons

DEFAULT_POLICY = ("policies", "default.npz")
"""The shipped policy below the assets."""


class RichObserver:
    """Gathers the 'rich' observation, slot after slot."""

    def __init__(self) -> None:
        self._motion = MotionFeatures(hands=1, count=MOTION_COUNT)
        self._motion_out = np.zeros((1, len(MOTION_NAMES)))
        self._past, self._delays = PastForecasts(), DelayFeatures()

    def reset(self) -> None:
        """Forget earlier slots."""
        self._past.reset()
        self._delays.reset()

    def observe(self, observation: LoopObservation) -> Array:
        """The numbers of this slot (len(RICH_NAMES),), in an array of its own."""
        seen = np.empty(len(RICH_NAMES))
        window, curve = observation.window[-MOTION_COUNT:], observation.curve
        if len(window) < MOTION_COUNT:
            window = np.concatenate([np.repeat(window[:1], MOTION_COUNT - len(window), axis=0), window])
        newest = window[-1]
        if curve is None:
            curve = np.broadcast_to(newest, (CURVE_KNOTS, 7))
        past = self._past.now(observation.t_ns, newest)
        self._motion.compute(window, curve, past, out=self._motion_out)
        seen[: len(MOTION_NAMES)] = self._motion_out[0]
        self._past.push(observation.t_ns, curve)
        self._delays.update(
            observation.t_ns,
            aol_s=observation.aol_s,
            uplink_age_s=observation.uplink_age_s,
            control_delay_s=observation.control_delay_s,
            display_delay_s=observation.display_delay_s,
            out=seen[len(MOTION_NAMES) :],
        )
        return seen


class PaperObserver:
    """Gathers the paper's observation: the newest pose and the Age of Loop."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget earlier slots."""
        self._aol_s = FIRST_CONTROL_S

    def observe(self, observation: LoopObservation) -> Array:
        """The numbers of this slot (8,), in an array of its own."""
        self._aol_s = known_or(observation.aol_s, self._aol_s)
        seen = np.empty(8)
        seen[:7] = observation.window[-1]
        seen[7] = self._aol_s
        return seen


class LearnedPolicy:
    """Observes, acts, and lets the action correct what the rule says.

    Attributes:
        last_observation: What the newest decision saw (n,); None before the first.
        last_action: What it did (m,), as it left `explore`.
        explore: Adds noise to actions; None where nothing is learned.
    """

    def __init__(self, policy: PolicyFile, *, explore: Callable[[Array], Array] | None = None) -> None:
        """With a policy, and with what adds noise to its actions while it learns."""
        self._policy, self.explore = policy, explore
        self._observer = RichObserver() if policy.observation == "rich" else PaperObserver()
        self._actor, self._rule = Actor(policy), _rule_of(policy)
        self.last_observation: Array | None = None
        self.last_action: Array | None = None

    @property
    def policy(self) -> PolicyFile:
        """The policy in use."""
        return self._policy

    def swap(self, policy: PolicyFile) -> None:
        """Take another policy from the next slot on; what was observed stays.

        Raises:
            ConfigError: It sees or does something else than the one in use.
        """
        given, used = ((each.observation, each.action) for each in (policy, self._policy))
        if given != used:
            raise ConfigError(
                "the policy cannot take over from the one in use",
                given=f"observation {given[0]}, action {given[1]}",
                allowed=f"observation {used[0]}, action {used[1]}",
            )
        if policy.rule != self._policy.rule:
            self._rule = _rule_of(policy)
        self._policy, self._actor = policy, Actor(policy)

    def decide(self, observation: LoopObservation) -> Horizons:
        """Return this slot's horizons [s]."""
        seen = self._observer.observe(observation)
        action = self._actor.act(seen)
        if self.explore is not None:
            action = self.explore(action)
        self.last_observation, self.last_action = seen, action
        policy = self._policy
        return horizons_of(action, kind=policy.action, limits=policy.limits, base=self._rule.decide(observation))

    def reset(self) -> None:
        """Forget earlier slots."""
        self._observer.reset()
        self._rule.reset()
        self.last_observation = self.last_action = None


def _rule_of(policy: PolicyFile) -> RulePolicy:
    """What a zero action means. Late bound, the twin adds its motion policy's lag itself, as in training."""
    if policy.action != "late":
        return RulePolicy(replace(policy.rule, late_binding=False))
    return RulePolicy(replace(policy.rule, late_binding=True, position_lag_s=0.0, orientation_lag_s=0.0))


def policy_path(policy_file: str) -> Path:
    """Where the learned policy lies: the file that was given, else the shipped one.

    Raises:
        ConfigError: None was given, and none is shipped.
    """
    if policy_file:
        return Path(policy_file)
    try:
        return asset_path(*DEFAULT_POLICY)
    except ConfigError:
        raise ConfigError("no learned policy is shipped", mend="give one: --policy FILE.npz") from None


def from_settings(settings: HorizonSettings, paper_mode: bool) -> LearnedPolicy:
    """Build from the file that the settings name; whether it suits paper mode is for `mode_warning` to say."""
    return LearnedPolicy(load_policy(policy_path(settings.policy_file)))


def mode_warning(policy: PolicyFile, *, paper_mode: bool, forecaster: str = "") -> str:
    """What a person must know of a policy that was learned for another session; empty when all is well.

    Args:
        policy: What is to be used.
        paper_mode: Whether the session runs the paper's plain form.
        forecaster: The session's forecaster by name; empty is not compared.
    """
    learned, used = policy.note.get("paper_mode"), policy.note.get("forecaster")
    if isinstance(learned, bool) and learned != paper_mode:
        asked = "for --paper-mode" if learned else "without --paper-mode"
        return f"the learned policy is made {asked}: its horizons do not suit this session"
    if forecaster and isinstance(used, str) and used and used != forecaster:
        return f"the learned policy is made for the forecaster {used}, not {forecaster}: start with --forecaster {used}"
    return ""
