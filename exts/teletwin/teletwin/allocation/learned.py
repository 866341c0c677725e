"""Shares from a learned policy: a small network on top of the rule, or alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teletwin.allocation import AllocationSettings
from teletwin.allocation.backlog import BacklogCfg, backlog_shares
from teletwin.allocation.features import compressed, observed
from teletwin.allocation.policy_file import AllocationPolicyFile, load_allocation_policy
from teletwin.allocation.shares import EVEN_SHARE, fill
from teletwin.assets import asset_path
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.network.actor import EluActor
from teletwin.network.layers import INPUT_BOUND

DEFAULT_POLICY = ("policies", "allocation.npz")
"""The shipped policy below the assets."""


def normalised(seen: Array, observation: str, mean: Array, scale: Array) -> NDArray[np.float32]:
    """What a network takes of features (..., 16): (compressed - mean) / scale (..., n), clipped; NaN stays NaN."""
    inputs = compressed(seen, observation)
    inputs = (inputs - mean) / scale
    return np.minimum(np.maximum(inputs, -INPUT_BOUND), INPUT_BOUND).astype(np.float32)


def shares_from_action(action: Array, seen: Array, *, base: str, span: float, rule: BacklogCfg) -> Array:
    """Shares of requests that an action stands for.

    Args:
        action: Link and compute (..., 2), clipped to [-1, 1].
        seen: Features (..., 16).
        base: 'rule': logit(share) = logit(rule's share) + span * action, within the rule's least share;
            'none': share = (1 + action) / 2.
        span: How far an action of 1 moves the logit.
        rule: The rule; its shares stand where the action is not finite, even ones where neither is.

    Returns:
        Shares (..., 2), finite and in [0, 1].
    """
    ruled = backlog_shares(seen, rule)
    fill(ruled, EVEN_SHARE)
    bounded = np.minimum(np.maximum(action, -1.0), 1.0)
    if base == "none":
        shares = 0.5 + 0.5 * bounded
    else:
        # The sum of logits without their infinities at 0 and 1.
        weighed = ruled * np.exp(span * bounded)
        shares = weighed / (weighed + (1.0 - ruled))
        shares = np.minimum(np.maximum(shares, rule.least_share), 1.0 - rule.least_share)
    return np.where(np.isfinite(action), shares, ruled)


class LearnedAllocator:
    """Lets a network correct the rule; where something is not finite, the rule stands alone and it is counted."""

    def __init__(self, policy: AllocationPolicyFile) -> None:
        self._policy, self._actor = policy, EluActor(policy.layers)
        self.fallback_count = 0

    @property
    def policy(self) -> AllocationPolicyFile:
        """The policy in use."""
        return self._policy

    @np.errstate(over="ignore", invalid="ignore")
    def allocate(self, seen: Array) -> Array:
        """Return shares (..., 2) for features (..., 16)."""
        policy = self._policy
        action = self._actor.act(normalised(seen, policy.observation, policy.mean, policy.scale))
        used = seen if policy.base == "rule" else observed(seen, policy.observation)
        action[~np.isfinite(used).all(axis=-1)] = np.nan
        self.fallback_count += int(np.count_nonzero(~np.isfinite(action).all(axis=-1)))
        return shares_from_action(action, seen, base=policy.base, span=policy.span, rule=policy.rule)

    def reset(self) -> None:
        """Nothing is remembered."""


def policy_path(allocator_file: str) -> Path:
    """Where the learned policy lies: the file that was given, else the shipped one.

    Raises:
        ConfigError: None was given, and none is shipped.
    """
    if allocator_file:
        return Path(allocator_file)
    try:
        return asset_path(*DEFAULT_POLICY)
    except ConfigError:
        raise ConfigError("no allocation policy is shipped", mend="give one: --allocator FILE.npz") from None


def from_settings(settings: AllocationSettings) -> LearnedAllocator:
    """Build from the file that the settings name."""
    return LearnedAllocator(load_allocation_policy(policy_path(settings.allocator_file)))
