"""A Python of another version is found by running what may be one."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
WANTED = (3, 99)


@pytest.fixture
def pythons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script's module on a machine whose PATH is tmp_path/bin."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import pythons

    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return pythons


def command(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: str) -> Path:
    """An interpreter as far as it is asked."""
    return command(path, f"echo {version.replace('.', ' ')} {path}")


def pyenv(folder: Path, *installed: str) -> None:
    """Pyenv with these versions; its shims fail, as they do for a version that is not chosen."""
    command(
        folder / "bin/pyenv",
        f'[ "$1" = prefix ] && echo {folder}/versions/$2 && exit 0\nprintf "%s\\n" {" ".join(installed)}',
    )
    command(folder / "bin/python3.99", "echo pyenv: python3.99: command not found >&2; exit 127")


def test_a_command_that_runs_is_taken(pythons, tmp_path):
    wanted = python(tmp_path / "bin/python3.99", "3.99")
    assert pythons.find_python(WANTED) == str(wanted)


def test_behind_a_shim_that_fails_every_version_of_pyenv_is_tried(pythons, tmp_path):
    pyenv(tmp_path, "3.9.18", "3.98.1", "3.99.1", "3.99.2", "3.990.1", "2.7.18")
    command(tmp_path / "versions/3.99.1/bin/python", "exit 1")
    wanted = python(tmp_path / "versions/3.99.2/bin/python", "3.99")
    for other in ("3.98.1", "3.990.1"):
        python(tmp_path / f"versions/{other}/bin/python", other.rpartition(".")[0])
    assert pythons.find_python(WANTED) == str(wanted)


@pytest.mark.parametrize("version", ["3.98", "3.9", "4.99"])
def test_a_command_of_another_version_than_its_name_says_is_not_taken(pythons, tmp_path, version):
    python(tmp_path / "bin/python3.99", version)
    assert pythons.find_python(WANTED) is None


def test_where_nothing_runs_there_is_none(pythons, tmp_path):
    assert pythons.find_python(WANTED) is None
    pyenv(tmp_path)
    assert pythons.find_python(WANTED) is None


def test_this_very_version_is_found_without_a_command_and_outside_of_its_environment(pythons):
    found = pythons.find_python(sys.version_info[:2])
    assert found
    assert Path(found).resolve() == Path(sys.executable).resolve()
    assert not Path(found).is_relative_to(sys.prefix) or sys.prefix == sys.base_prefix
