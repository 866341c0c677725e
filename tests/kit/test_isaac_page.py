"""What docs/isaac.md says of names holds in the API index; old names stay out of our sources."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "isaac.md").read_text(encoding="utf-8")
NAMED = re.compile(r"(?:scripts|exts/teletwin|assets/robots)/[\w/.-]+\.(?:py|toml|usda|txt)")
SOURCES = [*(ROOT / "exts").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]


@pytest.fixture(params=["5.1.0", "6.0.1"])
def version(request):
    return request.param


@pytest.fixture
def index(isaac_api, version):
    return json.loads((isaac_api / f"{version}.json").read_text())


def test_the_old_import_is_a_shim_in_5_1_and_gone_in_6_0(index, version):
    found = re.search(r"from (omni\.isaac\.\S+) import (\w+)  # 5\.1: (\S+);", PAGE)
    module, name, now = found.groups()
    if version == "5.1.0":
        assert index[module][name]["ref"] == now
    else:
        assert module not in index


def test_our_sources_use_no_old_name():
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert [name for name in imported if name.startswith("omni.isaac")] == [], path


def test_the_files_and_options_that_the_page_names_are_there():
    for path in NAMED.findall(PAGE):
        assert (ROOT / path).is_file(), path
    options = (ROOT / "scripts/isaac_twin.py").read_text(encoding="utf-8")
    for option in (
        "--headless",
        "--livestream",
        "--experience",
        "--envs",
        "--steps",
        "--device",
        "--session-secret-file",
    ):
        assert f'"{option}"' in options
