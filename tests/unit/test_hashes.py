"""Hashes of the locked packages: all are recorded, and an installation that checks them takes nothing else."""

from __future__ import annotations

import hashlib
import re
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import hashes

    return hashes


@pytest.fixture
def bootstrap(hashes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script's module; its pip is that of these tests, and sees nothing but the folder of `wheel`."""
    import bootstrap

    monkeypatch.setattr(bootstrap, "venv_command", lambda _: sys.executable)
    return bootstrap


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in an index of its own."""
    path = tmp_path / "index" / "tiny-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    page = path.parent / "simple" / "tiny" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="{path.as_uri()}#sha256={sha256(path)}">{path.name}</a>')
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", page.parents[1].as_uri())
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock(tmp_path: Path, text: str = "# A lock.\ntiny==1.0\ntorch==2.13.0\n") -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(text)
    return path


def test_every_locked_package_has_hashes_and_nothing_else_stands_there(hashes):
    kits = set(SCRIPTS.glob("requirements-kit-*.txt"))
    for path, locks in (
        (hashes.HASHES, set(SCRIPTS.glob("requirements-*.txt")) - kits),
        (hashes.KIT_HASHES, kits),
    ):
        recorded = hashes.recorded_hashes(path)
        locked = {pin for each in locks for pin in hashes.pinned_lines(each)}
        expected = {pin for pin in locked if pin.partition("==")[0] not in hashes.UNHASHED}
        assert set(recorded) == expected, "run scripts/lock.py --hashes with each supported Python"
        assert "//" not in path.read_text()
        binaries = [recorded[pin] for pin in recorded if pin.startswith("numpy==")]
        assert all(len(each) >= 2 for each in binaries)  # one for each supported Python


def test_the_sums_are_recorded_as_the_index_tells_them_and_those_of_others_stay(hashes, wheel, tmp_path):
    path = tmp_path / "hashes.txt"
    path.write_text(hashes.hashed_lines({"tiny==1.0": ["a" * 64], "gone==2.0": ["b" * 64]}))
    assert hashes.record_hashes([lock(tmp_path)], path) == 1
    assert hashes.recorded_hashes(path) == {"tiny==1.0": sorted([sha256(wheel), "a" * 64])}
    assert str(wheel.parent) not in path.read_text()


def test_locks_that_hold_different_versions_are_asked_for_one_by_one(hashes, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(hashes, "_asked", lambda pins: asked.append(pins) or dict.fromkeys(pins, "c" * 64))
    for number in (1, 2):
        (tmp_path / f"lock-{number}.txt").write_text(f"tiny=={number}.0\nother==1.0\n")
    path = tmp_path / "hashes.txt"
    assert hashes.record_hashes([tmp_path / "lock-1.txt", tmp_path / "lock-2.txt"], path) == 3
    assert asked == [["tiny==1.0", "other==1.0"], ["tiny==2.0"]]
    assert list(hashes.recorded_hashes(path)) == ["other==1.0", "tiny==1.0", "tiny==2.0"]


def test_a_package_of_another_hash_is_refused_by_its_name(bootstrap, hashes, wheel, tmp_path, monkeypatch):
    path = tmp_path / "hashes.txt"
    monkeypatch.setattr(bootstrap, "HASHES", path)
    install = ["install", "--dry-run", "--no-deps"]
    path.write_text(hashes.hashed_lines({"tiny==1.0": [sha256(wheel)]}))
    bootstrap._install_hashed(install, ["tiny==1.0"])
    path.write_text(hashes.hashed_lines({"tiny==1.0": ["a" * 64]}))
    with pytest.raises(bootstrap.BootstrapError, match=r"pip failed: ERROR: .*DO NOT MATCH THE HASHES"):
        bootstrap._install_hashed(install, ["tiny==1.0"])
    with pytest.raises(bootstrap.BootstrapError, match=r"no hash is recorded for other==3.0; run: .*lock.py --hashes"):
        bootstrap._install_hashed(install, ["tiny==1.0", "other==3.0"])


@pytest.fixture
def installed(bootstrap, hashes, tmp_path, monkeypatch) -> list[list[str]]:
    """What pip is told, in a checkout under tmp_path."""
    calls: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(bootstrap, "HASHES", tmp_path / "hashes.txt")
    monkeypatch.setattr(bootstrap, "LOCKS", dict.fromkeys(("demo", "train", "test"), lock(tmp_path)))
    monkeypatch.setattr(bootstrap, "_PROJECT_FILES", ())
    monkeypatch.setattr(bootstrap, "ensure_system", lambda packages: None)
    monkeypatch.setattr(bootstrap, "_make_venv", lambda: None)
    monkeypatch.setattr(bootstrap, "_pip", lambda arguments, count: calls.append(arguments))
    (tmp_path / "hashes.txt").write_text(hashes.hashed_lines({"tiny==1.0": ["a" * 64]}))
    return calls


def test_what_was_installed_unchecked_is_installed_again_and_what_was_checked_is_not(bootstrap, installed):
    bootstrap.ensure_environment("demo")
    assert not any("--require-hashes" in call for call in installed)
    installed.clear()
    bootstrap.ensure_environment("demo", check_hashes=True)
    assert {"--require-hashes", "--force-reinstall"} <= set(installed[0])
    installed.clear()
    bootstrap.ensure_environment("demo", check_hashes=True)
    bootstrap.ensure_environment("demo")
    assert installed == []
    bootstrap.HASHES.write_text(bootstrap.HASHES.read_text() + "# changed\n")
    bootstrap.ensure_environment("demo", check_hashes=True)
    assert installed


def test_torch_alone_is_not_checked(bootstrap, installed):
    bootstrap.ensure_environment("train", check_hashes=True)
    assert [call for call in installed if "torch==2.13.0" in call] == [["install", "--no-compile", "torch==2.13.0"]]


def test_the_option_is_taken_and_the_others_are_passed_on(bootstrap, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["demo.py", "--headless", "--check-hashes", "--duration", "5"])
    assert bootstrap.take_check_hashes()
    assert sys.argv == ["demo.py", "--headless", "--duration", "5"]
    assert not bootstrap.take_check_hashes()


def test_hashes_are_written_as_pip_reads_them(hashes):
    text = hashes.hashed_lines({"a==1": ["0" * 64, "1" * 64], "b==2": ["2" * 64]})
    assert re.fullmatch(r"(\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n)+", text)
