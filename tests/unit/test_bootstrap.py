from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script's module, with a checkout of its own under tmp_path and nothing that touches the system."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import bootstrap

    for name, text in (("lock.txt", "numpy==2.0.0\n"), ("pyproject.toml", ""), ("extension.toml", "")):
        (tmp_path / name).write_text(text)
    venv = tmp_path / ".venv"
    venv.mkdir()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", venv)
    monkeypatch.setattr(bootstrap, "STAMP", venv / "stamp.json")
    monkeypatch.setattr(bootstrap, "LOCKS", dict.fromkeys(("demo", "train", "test"), tmp_path / "lock.txt"))
    monkeypatch.setattr(bootstrap, "_PROJECT_FILES", (tmp_path / "pyproject.toml", tmp_path / "extension.toml"))
    return bootstrap


@pytest.fixture
def steps(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    monkeypatch.setattr(bootstrap, "ensure_system", lambda packages: done.append("system"))
    monkeypatch.setattr(bootstrap, "_make_venv", lambda: done.append("venv"))
    monkeypatch.setattr(bootstrap, "_pip", lambda arguments, count: done.append("pip"))
    return done


def test_a_second_start_installs_nothing(bootstrap: ModuleType, steps: list[str]) -> None:
    bootstrap.ensure_environment("demo")
    assert steps == ["system", "venv", "pip", "pip"]
    steps.clear()
    bootstrap.ensure_environment("demo")
    assert steps == []


def test_a_changed_lock_or_project_installs_again(bootstrap: ModuleType, steps: list[str], tmp_path: Path) -> None:
    bootstrap.ensure_environment("demo")
    for name in ("lock.txt", "pyproject.toml", "extension.toml"):
        steps.clear()
        (tmp_path / name).write_text("numpy==2.0.1\n")
        bootstrap.ensure_environment("demo")
        assert "pip" in steps, name


@pytest.mark.parametrize("purpose", ["demo", "train"])
def test_what_the_tests_need_covers_the_others_but_not_the_other_way(
    bootstrap: ModuleType, steps: list[str], purpose: str
) -> None:
    bootstrap.ensure_environment(purpose)
    steps.clear()
    bootstrap.ensure_environment("test")
    assert "pip" in steps
    steps.clear()
    bootstrap.ensure_environment(purpose)
    assert steps == []


def test_torch_alone_is_installed_with_what_its_build_needs_after_everything_else(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lock.txt").write_text("# A lock.\nnumpy==2.0.0\ntorch==2.13.0\ntorchmetrics==1.0\n")
    calls: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "_pip", lambda arguments, count: calls.append(arguments))
    bootstrap._install_locked("train")
    assert calls == [
        ["install", "--no-deps", "--no-compile", "numpy==2.0.0", "torchmetrics==1.0"],
        ["install", "--no-compile", "torch==2.13.0"],
    ]


def test_training_asks_for_nothing_that_draws_pictures(
    bootstrap: ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[str] = []
    monkeypatch.setattr(bootstrap, "ensure_system", wanted.extend)
    monkeypatch.setattr(bootstrap, "_missing_for_pictures", lambda: ["libegl1"])
    bootstrap.ensure_environment("train")
    assert wanted == []
    bootstrap.ensure_environment("demo")
    assert wanted == ["libegl1"]


def test_a_broken_installation_leaves_no_stamp(
    bootstrap: ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arguments: list[str], count: int) -> None:
        raise bootstrap.BootstrapError("pip failed: no network")

    monkeypatch.setattr(bootstrap, "_pip", fail)
    with pytest.raises(bootstrap.BootstrapError, match="no network"):
        bootstrap.ensure_environment("demo")
    assert not bootstrap.STAMP.exists()


def test_a_damaged_stamp_counts_as_none(bootstrap: ModuleType, steps: list[str]) -> None:
    bootstrap.STAMP.write_text("{")
    bootstrap.ensure_environment("demo")
    assert json.loads(bootstrap.STAMP.read_text())["demo"]


def test_without_root_the_one_line_to_run_is_named(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(bootstrap.BootstrapError, match=r"run once: sudo sh -c 'apt-get update && .* libegl1 libgl1'"):
        bootstrap.ensure_system(["libegl1", "libgl1"])


def test_a_system_without_apt_is_told_what_is_missing(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: None)
    with pytest.raises(bootstrap.BootstrapError, match="Debian calls libegl1"):
        bootstrap.ensure_system(["libegl1"])


def test_pips_own_reason_is_passed_on(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "venv_command", lambda _: sys.executable)
    with pytest.raises(bootstrap.BootstrapError, match=r"pip failed: ERROR: .*nothing-like-it"):
        bootstrap._pip(["install", "--no-index", "--find-links", "none", "nothing-like-it==1.0"], count=1)


@pytest.mark.parametrize("script", ["demo.py", "train.py", "test.py", "fuzz.py"])
def test_another_python_gets_one_clear_line(script: str) -> None:
    code = f"import sys, runpy; sys.version_info = (3, 13, 1); runpy.run_path({str(SCRIPTS / script)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("teletwin needs Python 3.11 or 3.12, this is 3.13; install one (apt-get install")
    assert len(done.stderr.splitlines()) == 1
