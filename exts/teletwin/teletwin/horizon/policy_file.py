"""A learned policy in one file: a small network, what it sees and does, and where it comes from.

The file is numpy's .npz without pickles, so that a policy from elsewhere can be opened without running its code.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.action import ActionLimits, action_count
from teletwin.horizon.observation import OBSERVATION_VERSION, observation_names
from teletwin.horizon.rule import RuleCfg
from teletwin.jsonable import to_jsonable

FORMAT = "teletwin-horizon-policy"
FORMAT_VERSION = 1
LARGEST_BYTES = 8 * 1024 * 1024
"""No policy file is larger; a network of 64 and 64 takes 60 kB."""
ACTIVATION = "elu"
"""Activation of the hidden layers; the last one is linear."""


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
    layers: tuple[tuple[Array, Array], ...]
    """Weights (in, out) and biases (out,), first layer first."""
    activation: str = ACTIVATION
    note: Mapping[str, object] = field(default_factory=dict)
    """Where the policy comes from, JSON-ready: command, step, person, forecaster, paper_mode, seed, versions ..."""

    def __post_init__(self) -> None:
        """Refuse a network that does not fit its observation and action, or is not finite."""
        if self.activation != ACTIVATION:
            raise ConfigError("the policy's activation is unknown", given=self.activation, allowed=ACTIVATION)
        own = {name: _own(getattr(self, name)) for name in ("mean", "scale")}
        layers = tuple((_own(weights), _own(biases)) for weights, biases in self.layers)
        for name, value in (*own.items(), ("layers", layers), ("note", to_jsonable(dict(self.note)))):
            object.__setattr__(self, name, value)
        _check_shapes(self)
        numbers = [self.mean, self.scale, *(array for layer in layers for array in layer)]
        if not all(np.isfinite(array).all() for array in numbers) or not (self.scale > 0.0).all():
            raise ConfigError(
                "the policy's numbers cannot be used",
                given="not finite, or a scale that is not positive",
                allowed="finite numbers, positive scales",
                mend="train it again",
            )


def _own(array: Array) -> Array:
    kept = np.array(array, dtype=np.float64)
    kept.setflags(write=False)
    return kept


def _check_shapes(policy: PolicyFile) -> None:
    """From the observation's numbers to the action's, layer by layer."""
    width, end = len(observation_names(policy.observation)), action_count(policy.action)
    given = [policy.mean.shape, policy.scale.shape]
    fits = given == [(width,), (width,)] and bool(policy.layers)
    for weights, biases in policy.layers:
        given += [weights.shape, biases.shape]
        fits = fits and weights.ndim == 2 and weights.shape[0] == width and biases.shape == (weights.shape[1],)
        width = weights.shape[-1] if weights.ndim else 0
    if not fits or width != end:
        raise ConfigError(
            "the policy's shapes do not fit",
            given=", ".join(map(str, given)),
            allowed=f"{len(observation_names(policy.observation))} numbers ({policy.observation}) to {end} "
            f"({policy.action}), each layer as wide as the one before",
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
    """Write a policy whole or not at all: under another name first, then renamed.

    Raises:
        ConfigError: The file cannot be written there.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **_arrays(policy))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise ConfigError("the policy cannot be written", given=f"{path} ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return path


def _arrays(policy: PolicyFile) -> dict[str, Any]:
    """What stands in the file, by name."""
    meta = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "observation": policy.observation,
        "observation_version": OBSERVATION_VERSION,
        "observation_names": list(observation_names(policy.observation)),
        "action": policy.action,
        "limits": asdict(policy.limits),
        "rule": asdict(policy.rule),
        "activation": policy.activation,
        "layers": len(policy.layers),
        "note": policy.note,
    }
    arrays = {"meta": np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), "mean": policy.mean}
    arrays["scale"] = policy.scale
    for i, (weights, biases) in enumerate(policy.layers):
        arrays[f"weights_{i}"], arrays[f"biases_{i}"] = weights, biases
    return arrays


def load_policy(path: str | Path) -> PolicyFile:
    """Read a policy; nothing in the file is run.

    Raises:
        ConfigError: The file is not there or too large, is no policy file or one of another version, sees other
            features than this version of teletwin makes, or its numbers do not fit or are not finite.
    """
    path = Path(path)
    entries = _entries(path)
    meta = _meta(entries, path)
    _check_versions(meta, path)
    try:
        return PolicyFile(
            observation=meta["observation"],
            action=meta["action"],
            limits=ActionLimits(**meta["limits"]),
            rule=_rule(meta["rule"]),
            mean=entries["mean"],
            scale=entries["scale"],
            layers=tuple((entries[f"weights_{i}"], entries[f"biases_{i}"]) for i in range(meta["layers"])),
            activation=meta["activation"],
            note=meta["note"],
        )
    except ConfigError as error:
        raise ConfigError(f"{path} cannot be used: {error}") from None
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise _no_policy(path, f"{type(error).__name__}: {error}") from None


def _rule(values: dict[str, Any]) -> RuleCfg:
    """The rule's settings, every one of the kind that it should be."""
    kinds: dict[str, Any] = {"late_binding": bool}
    return RuleCfg(**{name: kinds.get(name, float)(value) for name, value in values.items()})


def _entries(path: Path) -> dict[str, Array]:
    """The arrays of the file by name."""
    if not path.is_file():
        raise ConfigError("the policy is not there", given=path, allowed="a file that training wrote")
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise _too_large(path, size)
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > LARGEST_BYTES:
            raise _too_large(path, unpacked)
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except OSError as error:
        raise ConfigError("the policy cannot be read", given=f"{path} ({error.strerror or error})") from None
    except ConfigError:
        raise
    except Exception as error:
        # On damaged bytes numpy's and zipfile's parsers raise whatever they stumble over.
        raise _no_policy(path, str(error)) from None


def _too_large(path: Path, size: int) -> ConfigError:
    return ConfigError(
        "the policy is too large",
        given=f"{path} with {size / 2**20:.1f} MiB",
        allowed=f"{LARGEST_BYTES // 2**20} MiB, packed or unpacked",
    )


def _no_policy(path: Path, why: str) -> ConfigError:
    why = " ".join(why.split())[:120]
    return ConfigError(
        "the file is no horizon policy", given=f"{path} ({why})", allowed="an .npz file that training wrote"
    )


def _meta(entries: dict[str, Array], path: Path) -> dict[str, Any]:
    """What the file says of itself."""
    try:
        meta = json.loads(entries["meta"].tobytes().decode())
    except (KeyError, ValueError, RecursionError):
        raise _no_policy(path, "without a description of itself") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise _no_policy(path, "of another format")
    return meta


def _check_versions(meta: dict[str, Any], path: Path) -> None:
    """The format and the features are those of this version of teletwin."""
    if meta.get("version") != FORMAT_VERSION:
        raise ConfigError(
            "the policy's file format has another version",
            given=f"{meta.get('version')} in {path}",
            allowed=FORMAT_VERSION,
            mend="train it again, or use the version of teletwin that wrote it",
        )
    try:
        names = list(observation_names(str(meta.get("observation"))))
    except ConfigError as error:
        raise ConfigError(f"{path} cannot be used: {error}") from None
    given = meta.get("observation_version"), meta.get("observation_names")
    if given != (OBSERVATION_VERSION, names):
        raise ConfigError(
            "the policy sees other features",
            given=f"version {given[0]} in {path}",
            allowed=f"version {OBSERVATION_VERSION}, {len(names)} features {names[0]} ... {names[-1]}",
            mend="train it again, or use the version of teletwin that wrote it",
        )
