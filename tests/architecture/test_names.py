"""Names say what a thing holds, and nothing in the tree depends on the place where it was written."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / "exts/teletwin/teletwin", ROOT / "training"]
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
TEXT_ENDINGS = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".js",
    ".html",
    ".css",
    ".yaml",
    ".yml",
    ".xml",
    ".urdf",
    ".xrdf",
    ".json",
}
TEXTS = sorted(
    path
    for folder in ("exts", "training", "scripts", "tests", "docs", "assets", ".ci")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and (path.suffix in TEXT_ENDINGS or path.name == "run") and "__pycache__" not in path.parts
) + sorted(path for path in ROOT.glob("*") if path.suffix in TEXT_ENDINGS)

VAGUE = re.compile(r"^(utils?|helpers?|common|misc|managers?|handlers?)$")
VAGUE_CLASS = re.compile(r"(Manager|Handler|Wrapper|Helper)$|^Base[A-Z]|^Abstract[A-Z]")
PLACES = re.compile(r"(?<![\w.~}])/(home|work|mnt|media|Users)/\w")
"""Absolute paths of somebody's own machine."""
# Written in parts, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
WALL_CLOCK = {
    "exts/teletwin/teletwin/clock.py",
    "exts/teletwin/teletwin/session/launch.py",  # waits for processes
    "exts/teletwin/teletwin/session/role_operator.py",  # dates the report
    "exts/teletwin/teletwin/arm/rtde_connection.py",  # waits for a robot
}
PRINTING_ROOMS = ("cli", "bench")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [relative(path) for path in MODULES if VAGUE.match(path.stem) or VAGUE.match(path.parent.name)] == []


def test_no_module_hides_one_of_the_standard_library() -> None:
    top = [path.stem for path in (ROOT / "exts/teletwin/teletwin").glob("*") if path.suffix in ("", ".py")]
    assert sorted(set(top) & set(sys.stdlib_module_names)) == []


def test_no_class_is_named_for_managing() -> None:
    found = [
        f"{relative(path)}: {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and VAGUE_CLASS.search(node.name)
    ]
    assert found == []


@pytest.mark.parametrize("pattern", [PLACES, UNFINISHED], ids=["places", "unfinished"])
def test_no_file_names_the_place_of_its_writing_or_stays_unfinished(pattern: re.Pattern[str]) -> None:
    found = [
        f"{relative(path)}:{number}: {line.strip()[:100]}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def is_entry(path: Path) -> bool:
    """Command line, and modules that are processes themselves."""
    return path.parent.name in PRINTING_ROOMS or path.stem == "__main__" or "__main__" in path.read_text("utf-8")


def calls(path: Path) -> list[tuple[int, str]]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [(node.lineno, ast.unparse(node.func)) for node in nodes if isinstance(node, ast.Call)]


def test_libraries_do_not_print() -> None:
    libraries = [path for path in MODULES if not is_entry(path)]
    found = [f"{relative(path)}:{line}" for path in libraries for line, name in calls(path) if name == "print"]
    assert found == []


def test_time_comes_from_the_injected_clock() -> None:
    banned = {"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.sleep", "datetime.now"}
    found = [
        f"{relative(path)}:{line}: {name}"
        for path in MODULES
        if relative(path) not in WALL_CLOCK and path.parent.name not in PRINTING_ROOMS
        for line, name in calls(path)
        if name in banned
    ]
    assert found == []


def test_every_module_postpones_annotations_and_says_what_it_is() -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{relative(path)} has no docstring"
        if "import warp as wp  #" in path.read_text(encoding="utf-8"):  # warp reads the annotations themselves
            continue
        features = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        assert features or len(tree.body) == 1, f"{relative(path)} does not postpone annotations"
