"""A learned allocator in one file: a small network, what it sees, what its action is added to, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from teletwin.allocation.backlog import BacklogCfg
from teletwin.allocation.features import OBSERVATION_VERSION, observation_names
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.jsonable import to_jsonable
from teletwin.network.file import NetworkFormat, check_features, read_network, understood, write_network
from teletwin.network.layers import Layers, check_activation, check_network, own_array, own_layers

FORMAT = NetworkFormat(name="teletwin-allocation-policy", version=1, spoken="allocation policy")
BASES = ("rule", "none")
"""What an action is: a correction of the rule's shares, or the shares themselves."""
LARGEST_SPAN = 10.0
ACTION_COUNT = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class AllocationPolicyFile:
    """An allocator's network as it is kept; arrays are read-only float64.

    `learned.normalised` makes its inputs, hidden layers have ELU, the last one is linear and clipped to +- 1,
    `learned.shares_from_action` makes shares of it.
    """

    observation: str
    """'full' or 'queues'."""
    base: str = "rule"
    """One of BASES."""
    span: float = 2.0
    """How far an action of 1 moves the logit of the rule's share; without the rule it does not matter."""
    rule: BacklogCfg = field(default_factory=BacklogCfg)
    """The rule that the action is added to, and that takes over where something is not finite."""
    mean: Array
    """Typical compressed observation (n,)."""
    scale: Array
    """Spread of the compressed observations (n,), positive."""
    layers: Layers
    """Weights (in, out) and biases (out,), first layer first; the last gives link and compute."""
    note: Mapping[str, object] = field(default_factory=dict)
    """Where the policy comes from, JSON-ready: command, scenarios, seed, versions ..."""

    def __post_init__(self) -> None:
        """Refuse a network that does not fit its observation, or is not finite."""
        if self.base not in BASES:
            raise ConfigError("the policy's base is unknown", given=self.base, allowed=", ".join(BASES))
        if not 0.0 < self.span <= LARGEST_SPAN:
            raise ConfigError("the policy's span is out of range", given=self.span, allowed=f"0 ... {LARGEST_SPAN:g}")
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
            ends=(len(observation_names(self.observation)), ACTION_COUNT),
            names=(self.observation, "link, compute"),
        )


def identity_policy(
    observation: str = "full", *, base: str = "rule", rule: BacklogCfg | None = None, hidden: int = 64
) -> AllocationPolicyFile:
    """A policy of zeros: it allocates exactly as the rule, or evenly without it."""
    count = len(observation_names(observation))
    sizes = ((count, hidden), (hidden, ACTION_COUNT))
    return AllocationPolicyFile(
        observation=observation,
        base=base,
        rule=rule or BacklogCfg(),
        mean=np.zeros(count),
        scale=np.ones(count),
        layers=tuple((np.zeros(size), np.zeros(size[1])) for size in sizes),
    )


def save_allocation_policy(path: str | Path, policy: AllocationPolicyFile) -> Path:
    """Write a policy whole or not at all.

    Raises:
        ConfigError: The file cannot be written there.
    """
    meta = {
        "observation": policy.observation,
        "observation_version": OBSERVATION_VERSION,
        "observation_names": observation_names(policy.observation),
        "base": policy.base,
        "span": policy.span,
        "rule": asdict(policy.rule),
    }
    return write_network(
        path, FORMAT, meta, mean=policy.mean, scale=policy.scale, layers=policy.layers, note=policy.note
    )


def load_allocation_policy(path: str | Path) -> AllocationPolicyFile:
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
        check_activation(meta["activation"])
        return AllocationPolicyFile(
            observation=meta["observation"],
            base=meta["base"],
            span=float(meta["span"]),
            rule=BacklogCfg(**{name: float(value) for name, value in meta["rule"].items()}),
            mean=entries.arrays["mean"],
            scale=entries.arrays["scale"],
            layers=entries.layers(),
            note=meta["note"],
        )
