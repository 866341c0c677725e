"""The rules of the house, as import-linter reads them from pyproject.toml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

VIOLATIONS = {
    "a stage knows another": ("horizon", "from teletwin.forecast import Forecaster"),
    "arm knows twin": ("arm", "def late():\n    from teletwin.twin import MotionPolicy"),
    "the ground floor knows a stage": ("geometry", "import teletwin.link"),
    "the runtime knows training": ("report", "import teletwin_training"),
    "the runtime knows torch": ("forecast", "def f():\n    import torch"),
    "Kit outside kit": ("view", "import omni.kit"),
    "a module without a place": ("gadgets", ""),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(folder / "exts/teletwin"), str(folder / "training")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _LINT]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    python_only = shutil.ignore_patterns("__pycache__", "page", "docs", "data")
    for part in ("exts/teletwin", "training"):
        shutil.copytree(ROOT / part, folder / part, ignore=python_only)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_data_flows_one_way_and_only_session_knows_all_stages() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", VIOLATIONS)
def test_a_planted_violation_is_caught(copied_tree: Path, case: str) -> None:
    room, code = VIOLATIONS[case]
    package = copied_tree / "exts/teletwin/teletwin"
    target = package / room / "planted.py" if (package / room).is_dir() else package / f"{room}.py"
    before = target.read_text() if target.exists() else None
    target.write_text((before or "") + "\n" + code + "\n")
    try:
        done = lint(copied_tree)
    finally:
        if before is None:
            target.unlink()
        else:
            target.write_text(before)
    assert done.returncode != 0, done.stdout
    assert "BROKEN" in done.stdout or room in done.stdout
