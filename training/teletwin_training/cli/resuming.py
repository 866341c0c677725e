"""`teletwin train horizon --resume FOLDER`: a run goes on with its own hands, networks and view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.horizon.action import action_count
from teletwin.horizon.observation import observation_names
from teletwin.horizon.policy_file import PolicyFile, load_policy
from teletwin.jsonable import to_jsonable
from teletwin_training.ppo.checkpoint import check_checkpoint

if TYPE_CHECKING:
    from teletwin_training.cli.train import TrainOptions
    from teletwin_training.horizon.step_recorded import RecordedCfg

_KIND = "horizon, step 1"
_ADOPTED = {
    **{name: f"hands.{name}" for name in ("recordings", "part", "made_up", "made_up_seeds", "made_up_s", "forecaster")},
    **{name: f"env.{name}" for name in ("observation", "action", "stock", "envs")},
    **{name: name for name in ("condition", "sessions", "session_s", "seed")},
    "sim": "arm",
    "direct_s": "direct.seconds",
    "direct_updates": "direct.updates",
}
"""Option to its place in a run's configuration. An option that is left at its default is the run's."""
_FREE = ("env.envs",)
"""Places that may be others when a run goes on."""
_SAME = ("hands", "env", "condition", "sessions", "session_s", "seed")
"""Parts of the configuration that must be the run's: they make what the networks see and are judged by."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Resumed:
    """A run that is gone on with."""

    path: Path
    was: Mapping[str, Any]
    """Its configuration."""
    policy: PolicyFile | None
    """What it had kept; None where it was broken off before that."""


def resumed_run(folder: str) -> Resumed:
    """The run in a folder.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    path = Path(folder)
    described, kept = path / "configuration.json", path / "policy.npz"
    missing = [each.name for each in (path / "ppo", described) if not each.exists()]
    if missing:
        raise ConfigError(
            f"there is nothing to go on from: no {', '.join(missing)}",
            given=folder,
            allowed="the folder of a run of train horizon",
        )
    try:
        facts = read_json(described)
        kind, was = str(facts["kind"]), facts["configuration"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError("the run's configuration cannot be read", given=described, mend="train anew") from error
    if not kind.startswith(_KIND) or not isinstance(was, dict):
        raise ConfigError("the run is of another kind", given=f"{folder}, {kind}", allowed=_KIND)
    return Resumed(path=path, was=was, policy=load_policy(kept) if kept.is_file() else None)


def adopted(options: TrainOptions, run: Resumed) -> TrainOptions:
    """The options, with the run's where the person gave none."""
    paper = {"observation": "paper", "action": "paper", "stock": True} if options.paper_mode else {}
    options = replace(options, paper_mode=False, **paper)
    usual = {each.name: each.default for each in fields(options)}
    flat = _flat(run.was)
    taken = {
        name: flat[place]
        for name, place in _ADOPTED.items()
        if place in flat and getattr(options, name) == usual[name] and name not in paper
    }
    return replace(options, **taken)


def check_goes_on(cfg: RecordedCfg, run: Resumed) -> None:
    """Refuse settings other than the run's, and a checkpoint that does not fit them.

    Raises:
        ConfigError: They differ; the names tell in what.
    """
    from teletwin_training.horizon.fine_tuning import purpose_of

    asked, was = _flat(to_jsonable(cfg)), _flat(run.was)
    places = [place for place in asked if place in was and place.split(".")[0] in _SAME and place not in _FREE]
    other = [place for place in places if not _alike(place, asked[place], was[place])]
    if other:
        raise ConfigError(
            f"the run was trained with another {', '.join(other)}",
            given=", ".join(str(asked[place]) for place in other),
            allowed=", ".join(str(was[place]) for place in other),
            mend="leave these options out, or train anew with another --out",
        )
    counts = [len(observation_names(cfg.env.observation)), action_count(cfg.env.action)]
    check_checkpoint(run.path / "ppo", purpose=purpose_of(cfg.env), cfg=cfg.ppo, counts=counts)


def _alike(place: str, asked: Any, was: Any) -> bool:
    """Whether two settings are one; a folder may be written in several ways."""
    if place == "hands.recordings" and asked and was:
        return Path(asked).resolve() == Path(was).resolve()
    return asked == was


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return flat
