"""A learned policy in one file: a small network, what it sees and does, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.action import ActionLimits, action_count
from teletwin.horizon.observation import OBSERVATION_VERSION, observation_names
from teletwin.horizon.rule import RuleCfg
from teletwin.jsonable import to_jsonable
from teletwin.network.file import (
    LARGEST_BYTES,
    NetworkFormat,
    check_features,
    read_network,
    understood,
    write_network,
)
from teletwin.network.layers import ACTIVATION, Layers, check_activation, check_network, own_array, own_layers

FORMAT = NetworkFormat(name="teletwin-horizon-policy", version=1, spoken="horizon policy")

__all__ = ["FORMAT", "LARGEST_BYTES", "PolicyFile", "identity_policy", "load_policy", "save_policy"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PolicyFile:
    """A policy as it is kept; arrays are read-only float64.

    normalised = clip((observation - mean) / scale, -5, 5); hidden layers with ELU, the last one linear; action =
    clip(last, -1, 1).
    """

    observation: str
    """'rich' or 'paper'."""
    action: str
    """One of `action.ACTIONS`."""
    limits: ActionLimits = field(default_factory=ActionLimits)
    rule: RuleCfg = field(default_factory=RuleCfg)
    """The rule that the action is added to; whether it binds late is the action's business."""
    mean: Array
    """Typical observation (n,)."""
    scale: Array
    """Spread of the observations (n,), positive."""
    layers: Layers
    """Weights (in, out) and biases (out,), first layer first."""
    activation: str = ACTIVATION
    note: Mapping[str, object] = field(default_factory=dict)
    """Where the policy comes from, JSON-ready: command, step, person, forecaster, paper_mode, seed, versions ..."""

    def __post_init__(self) -> None:
        """Refuse a network that does not fit its observation and action, or is not finite."""
        check_activation(self.activation)
        for name, value in (
            ("mean", own_array(self.mean)),
            ("scale", own_array(self.scale)),
            ("layers", own_layers(self.layers)),
            ("note", to_jsonable(dict(self.note))),
        ):
            object.__setattr__(self, name, value)
        check_network(
            self.mean,
            self.scale,
            self.layers,
            ends=(len(observation_names(self.observation)), action_count(self.action)),
            names=(self.observation, self.action),
        )


def identity_policy(
    observation: str = "rich", action: str = "late", *, hidden: int = 64, limits: ActionLimits | None = None
) -> PolicyFile:
    """A policy of zeros: it acts exactly as the rule."""
    count, width = len(observation_names(observation)), action_count(action)
    return PolicyFile(
        observation=observation,
        action=action,
        limits=limits or ActionLimits(),
        rule=RuleCfg(late_binding=action == "late"),
        mean=np.zeros(count),
        scale=np.ones(count),
        layers=((np.zeros((count, hidden)), np.zeros(hidden)), (np.zeros((hidden, width)), np.zeros(width))),
        note={"step": "rule", "person": "none"},
    )


def save_policy(path: str | Path, policy: PolicyFile) -> Path:
    """Write a policy whole or not at all.

    Raises:
        ConfigError: The file cannot be written there.
    """
    meta = {
        "observation": policy.observation,
        "observation_version": OBSERVATION_VERSION,
        "observation_names": list(observation_names(policy.observation)),
        "action": policy.action,
        "limits": asdict(policy.limits),
        "rule": asdict(policy.rule),
    }
    return write_network(
        path, FORMAT, meta, mean=policy.mean, scale=policy.scale, layers=policy.layers, note=policy.note
    )


def load_policy(path: str | Path) -> PolicyFile:
    """Read a policy; nothing in the file is run.

    Raises:
        ConfigError: The file is not there or too large, is no policy file or one of another version, sees other
            features than this version of teletwin makes, or its numbers do not fit or are not finite.
    """
    path = Path(path)
    entries = read_network(path, FORMAT)
    meta = entries.meta
    with understood(path, FORMAT):
        names = observation_names(str(meta.get("observation")))
    check_features(meta, path, names=names, version=OBSERVATION_VERSION)
    with understood(path, FORMAT):
        return PolicyFile(
            observation=meta["observation"],
            action=meta["action"],
            limits=ActionLimits(**meta["limits"]),
            rule=_rule(meta["rule"]),
            mean=entries.arrays["mean"],
            scale=entries.arrays["scale"],
            layers=entries.layers(),
            activation=meta["activation"],
            note=meta["note"],
        )


def _rule(values: dict[str, Any]) -> RuleCfg:
    """The rule's settings, every one of the kind that it should be."""
    kinds: dict[str, Any] = {"late_binding": bool}
    return RuleCfg(**{name: kinds.get(name, float)(value) for name, value in values.items()})
