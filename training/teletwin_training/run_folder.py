"""A folder for each training: what was asked for, on what code, and what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.jsonable import to_jsonable
from teletwin.report.provenance import git_revision, package_versions, platform_facts


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Where a training keeps what it makes."""

    path: Path
    facts: Mapping[str, object]
    """Versions, git revision, machine, seed and time of the start."""

    @property
    def policy_path(self) -> Path:
        """The policy that the runtime loads."""
        return self.path / "policy.npz"

    @property
    def ppo_path(self) -> Path:
        """rl_games' checkpoint, log and TensorBoard files."""
        return self.path / "ppo"

    def write_metrics(self, metrics: Mapping[str, object]) -> Path:
        """Write metrics.json whole or not at all."""
        path, partial = self.path / "metrics.json", self.path / ".metrics.json.partial"
        partial.write_text(json.dumps(to_jsonable({**self.facts, **metrics}), indent=2), encoding="utf-8")
        return partial.replace(path)

    def read_metrics(self) -> dict[str, object]:
        """What was written before; empty when there is nothing."""
        path = self.path / "metrics.json"
        return read_json(path) if path.is_file() else {}


def made_folder(out: str | Path) -> Path:
    """The folder of --out, made where it is not there.

    Raises:
        ConfigError: It cannot be made.
    """
    path = Path(out)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("--out cannot be a folder", given=out, mend=error.strerror or str(error)) from error
    return path


def open_run(
    out: str | Path, kind: str, configuration: object, seed: int, *, created_utc: str | None = None
) -> RunFolder:
    """Make (or go on in) a run's folder and write down what is run; created_utc is the wall clock's time as ISO 8601.

    Raises:
        ConfigError: The folder cannot be made.
    """
    path = made_folder(out)
    facts: dict[str, object] = {
        "kind": kind,
        "seed": seed,
        "created_utc": created_utc,
        "versions": package_versions(),
        "git": git_revision(),
        "machine": platform_facts(),
    }
    described = json.dumps(to_jsonable({**facts, "configuration": configuration}), indent=2)
    (path / "configuration.json").write_text(described, encoding="utf-8")
    return RunFolder(path=path, facts=facts)
