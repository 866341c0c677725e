"""One home for the version, locks that agree with the ranges, a manifest that agrees with the files."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import teletwin

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MANIFEST = ROOT / "assets/MANIFEST.toml"


def lock(name: str) -> dict[str, str]:
    lines = (ROOT / f"scripts/requirements-{name}.txt").read_text().splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line) for line in pinned)
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in pinned}


def test_the_version_is_the_same_everywhere() -> None:
    extension = tomllib.loads((ROOT / "exts/teletwin/config/extension.toml").read_text())
    assert extension["package"]["version"] == teletwin.__version__
    assert f"[{teletwin.__version__}]" in (ROOT / "exts/teletwin/docs/CHANGELOG.md").read_text()


@pytest.mark.parametrize(("name", "groups"), [("demo", []), ("train", ["train"]), ("test", ["train", "dev"])])
def test_the_lock_holds_every_dependency_within_its_range(name: str, groups: list[str]) -> None:
    pinned = lock(name)
    wanted = [*PROJECT["dependencies"], *(each for group in groups for each in PROJECT["optional-dependencies"][group])]
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in the lock: run scripts/lock.py"
        assert requirement.specifier.contains(version), f"{requirement.name} {version} is outside the range"


def test_each_lock_holds_all_of_the_one_before() -> None:
    assert lock("demo").items() < lock("train").items() < lock("test").items()


def test_the_demo_pulls_no_torch_and_no_lock_what_only_some_builds_of_it_need() -> None:
    assert "torch" not in lock("demo")
    for name in ("demo", "train", "test"):
        assert [each for each in lock(name) if each.startswith(("nvidia", "cuda", "triton"))] == []


@pytest.mark.skipif(not MANIFEST.exists(), reason="no manifest in this tree")
def test_every_file_of_the_manifest_is_what_it_says_and_has_a_licence() -> None:
    entries = [each for rows in tomllib.loads(MANIFEST.read_text()).values() if isinstance(rows, list) for each in rows]
    assert entries
    for entry in entries:
        path = ROOT / "assets" / entry["path"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"], entry["path"]
        assert entry.get("license") or entry.get("licence")
