"""The index of Isaac Sim's API, from sources laid out as Isaac Sim lays out its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import api_index
import pytest
from api_scan import Index

SOURCES = {
    "source/extensions/isaacsim.core.arms/premake5.lua": """
        repo_build.prebuild_link { { "python/impl", ext.target_dir .. "/isaacsim/core/arms/impl" } }
        repo_build.prebuild_copy { { "python/*.py", ext.target_dir .. "/isaacsim/core/arms" } }
        project_ext_bindings { ext = ext, module = "_arms", target_subdir = "isaacsim/core/arms/bindings" }
    """,
    "source/extensions/isaacsim.core.arms/python/__init__.py": "from .impl import *\nfrom .bindings import _arms\n",
    "source/extensions/isaacsim.core.arms/python/impl/__init__.py": "from .arm import Arm, Kind, count\n",
    "source/extensions/isaacsim.core.arms/python/impl/base.py": """
class Base:
    def __init__(self, path, *, scale=1.0):
        self.path = path
    @classmethod
    def make(cls, *paths): ...
    def rest(self): ...
""",
    "source/extensions/isaacsim.core.arms/python/impl/arm.py": """
from enum import Enum
from .base import Base
class Kind(Enum):
    LEFT = 1
class Arm(Base):
    def move(self, to, /, speed=0.1, **more): ...
    @property
    def joints(self): ...
    def _secret(self): ...
def count(limit: int = 3) -> int: ...
""",
    "source/deprecated/omni.isaac.old/omni/isaac/old/__init__.py": "from isaacsim.core.arms import Arm\n",
}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    for name, text in SOURCES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    made = api_index.Tree(tmp_path / "tree").index("9.9.0")
    (tmp_path / "9.9.0.json").write_text(json.dumps(made), encoding="utf-8")
    return Index(tmp_path, "9.9.0")


def test_public_names_are_there_with_what_they_inherit(index: Index) -> None:
    arm = index.entry("isaacsim.core.arms.Arm")
    assert arm == {"kind": "class", "params": [["path", "any", False], ["scale", "kw", True]]}
    move = index.entry("isaacsim.core.arms.Arm.move")
    assert move == {
        "kind": "method",
        "params": [["to", "pos", False], ["speed", "any", True], ["more", "**", True]],
    }
    assert index.entry("isaacsim.core.arms.Arm.make") == {"kind": "method", "params": [["paths", "*", True]]}
    assert index.entry("isaacsim.core.arms.Arm.joints") == {"kind": "attribute"}
    assert index.entry("isaacsim.core.arms.Arm.path") == {"kind": "attribute"}
    assert index.entry("isaacsim.core.arms.Kind.LEFT") == {"kind": "attribute"}
    assert index.entry("isaacsim.core.arms.count") == {"kind": "function", "params": [["limit", "any", True]]}


def test_what_is_not_public_is_not_there_and_compiled_modules_are_closed(index: Index) -> None:
    assert index.entry("isaacsim.core.arms.Base") is None
    assert index.entry("isaacsim.core.arms.Arm._secret") is None
    assert index.entry("isaacsim.core.arms.impl.arm.Arm") is None
    assert index.entry("isaacsim.core.arms._arms.acquire") == {"kind": "closed"}


def test_a_folder_without_sources_is_refused_in_words(tmp_path: Path) -> None:
    script = Path(api_index.__file__)
    command = [sys.executable, str(script), str(tmp_path), "9.9.0", str(tmp_path / "9.9.0.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no sources of Isaac Sim" in done.stderr
    assert not (tmp_path / "9.9.0.json").exists()
