"""Small enough to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ("exts/teletwin/teletwin", "training", "scripts") for path in (ROOT / folder).rglob("*.py")
)
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
KERNEL_LINES_MAX = 80  # straight numeric code that a compiler for kernels wants in one piece
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def line_count(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def outermost_inside(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTION | ast.ClassDef):
            yield child
        else:
            yield from outermost_inside(child)


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every function with its own lines; what is defined inside counts for itself (kernels are made so)."""
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTION):
            yield node.name, line_count(node) - sum(map(line_count, outermost_inside(node)))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_fit_a_reader(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    most = KERNEL_LINES_MAX if "kernel" in path.stem else FUNCTION_LINES_MAX
    assert len(text.splitlines()) <= FILE_LINES_MAX
    too_long = {name: lines for name, lines in functions(ast.parse(text)) if lines > most}
    assert too_long == {}


def test_the_middle_file_and_function_are_short() -> None:
    file_lines = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES)
    function_lines = sorted(lines for path in SOURCES for _, lines in functions(ast.parse(path.read_text("utf-8"))))
    assert file_lines[len(file_lines) // 2] <= 200
    assert function_lines[len(function_lines) // 2] <= 15
