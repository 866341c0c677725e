"""What is in the way of a release is found, one step after the other, and nobody's key is touched."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script's module in a repository of its own."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import release

    root = tmp_path / "checkout"
    root.mkdir()
    monkeypatch.setattr(release, "ROOT", root)
    monkeypatch.setattr(release, "CHANGELOG", root / "CHANGELOG.md")
    monkeypatch.setattr(release, "CHECKED", tmp_path / "checked.json")
    monkeypatch.setattr(release, "project_version", lambda: "1.2.3")
    git(root, "init", "-q")
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-24\n")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "-q", "-m", "all")
    return release


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_tree_with_changes_or_a_tag_that_is_taken_is_refused(release, tmp_path):
    assert release.tree(tmp_path).startswith("clean at ")
    git(release.ROOT, "tag", "v1.2.3")
    with pytest.raises(release.ReleaseError, match=r"the tag v1\.2\.3 is there already"):
        release.tree(tmp_path)
    (release.ROOT / "new.txt").touch()
    with pytest.raises(release.ReleaseError, match=r"not clean: 1 files, as new\.txt"):
        release.tree(tmp_path)


@pytest.mark.parametrize("heading", ["## [Unreleased]", "## [1.2.3]", "## [1.2.30] - 2026-12-24", "## [1.2.3] - soon"])
def test_a_version_without_a_dated_heading_is_refused(release, tmp_path, heading):
    assert release.changelog(tmp_path) == "[1.2.3] of 2026-12-24"
    release.CHANGELOG.write_text(f"{heading}\n")
    with pytest.raises(release.ReleaseError, match=r"\[1\.2\.3\]"):
        release.changelog(tmp_path)


def test_only_checks_of_this_very_revision_count(release, tmp_path):
    with pytest.raises(release.ReleaseError, match="no whole run"):
        release.checks(tmp_path)
    told = {"revision": git(release.ROOT, "rev-parse", "HEAD"), "outcomes": {"ruff": "passed"}}
    release.CHECKED.write_text(json.dumps(told))
    assert release.checks(tmp_path) == "1 passed or told"
    release.CHECKED.write_text(json.dumps(told | {"outcomes": {"ruff": "passed", "tests": "FAILED"}}))
    with pytest.raises(release.ReleaseError, match="failed: tests"):
        release.checks(tmp_path)
    release.CHECKED.write_text(json.dumps(told | {"revision": "0" * 40}))
    with pytest.raises(release.ReleaseError, match="another revision"):
        release.checks(tmp_path)
    release.CHECKED.write_text("[]")
    with pytest.raises(release.ReleaseError, match="no whole run"):
        release.checks(tmp_path)


@pytest.mark.parametrize(("status", "words"), [(3, "nobody looked"), (1, "known holes")])
def test_an_audit_that_did_not_look_is_in_the_way_as_a_known_hole_is(release, tmp_path, monkeypatch, status, words):
    monkeypatch.setattr(release.audit, "run", lambda locks: status)
    with pytest.raises(release.ReleaseError, match=words):
        release.advisories(tmp_path)
    monkeypatch.setattr(release.audit, "run", lambda locks: 0)
    assert release.advisories(tmp_path) == "looked"


def test_every_locked_package_needs_a_hash(release, tmp_path, monkeypatch):
    assert release.hashes(tmp_path).endswith("packages, without torch")
    monkeypatch.setattr(release, "recorded_hashes", dict)
    with pytest.raises(release.ReleaseError, match=r"lacks .*==.*; run: python3 scripts/lock\.py --hashes"):
        release.hashes(tmp_path)


def test_every_step_is_tried_and_all_failures_are_told(release, tmp_path, capsys):
    def fail(out: Path) -> str:
        raise release.ReleaseError("so it is")

    assert release.release(tmp_path, {"one": fail, "two": lambda out: "well", "three": fail}) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in told[:3]] == ["FAILED", "ok", "FAILED"]
    assert told[-1] == "no release: one, three"


def test_sums_are_those_of_the_files_and_signing_is_left_to_a_person(release, tmp_path, capsys):
    with pytest.raises(release.ReleaseError, match="no wheel"):
        release.checksums(tmp_path / "checkout")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.whl").write_bytes(b"wheel")
    (out / "b.json").write_bytes(b"bill")
    assert release.release(out, {"checksums": release.checksums}) == 0
    assert release.checksums(out) == "2 files in SHA256SUMS"
    lines = (out / "SHA256SUMS").read_text().splitlines()
    assert lines[0] == f"{hashlib.sha256(b'wheel').hexdigest()}  a.whl"
    assert "git tag --sign v1.2.3" in capsys.readouterr().out
    assert not list(out.glob("*.asc"))
    assert git(release.ROOT, "tag", "--list") == ""
