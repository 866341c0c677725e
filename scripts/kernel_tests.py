"""Which tests concern warp's kernels, derived from what they import; standard library only.

A test file does when it names, at its top or inside a function, something that is defined in a module that holds or
starts kernels, or in one that builds on such a module. So a new test of a kernel is found by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("unit", "contract", "training")
"""Folders under tests/ that are looked through."""
_TORCH, _BESIDE = (
    "needs torch, which no lane has",
    "takes names beside kernels, and computes with none or through others",
)
LEFT_OUT = {
    "tests/training/test_horizon_environment.py": "whole live sessions; the stages have tests of their own",
    "tests/training/test_horizon_faces.py": _TORCH,
    "tests/training/test_live_learner.py": _TORCH,
    "tests/training/test_meta.py": _TORCH,
    "tests/training/test_train_command.py": _TORCH,
    "tests/training/test_train_human.py": _TORCH,
    "tests/training/test_train_refusals.py": _TORCH,
    "tests/training/test_horizon_statistics.py": _BESIDE,
    "tests/training/test_left_out.py": _BESIDE,
    "tests/training/test_live_windows.py": _BESIDE,
    "tests/unit/test_forecast_command.py": _BESIDE,
    "tests/unit/test_lesson.py": _BESIDE,
    "tests/unit/test_lesson_channel.py": _BESIDE,
}
"""Tests that would be found, with the reason why the lanes of Kit do without them."""
_PACKAGES = (("exts/teletwin", "teletwin"), ("training", "teletwin_training"))
_ABOVE = ("teletwin.bench", "teletwin.cli", "teletwin.kit", "teletwin.session", "teletwin_training.cli")
"""Rooms that use everything: what is built there is no kernel's face."""


def kernel_tests() -> list[str]:
    """Paths of the test files, from the repository's root, sorted."""
    return sorted(path for path in found_tests() if path not in LEFT_OUT)


@cache
def found_tests() -> dict[str, frozenset[str]]:
    """Every test file that names a kernel's face, and those that it names; also what is left out."""
    faces = kernel_faces()
    paths = [path for folder in FOLDERS for path in (ROOT / "tests" / folder).rglob("test_*.py")]
    named = {path.relative_to(ROOT).as_posix(): named_modules(path.read_text(encoding="utf-8")) for path in paths}
    return {path: frozenset(modules & faces) for path, modules in named.items() if modules & faces}


@cache
def kernel_modules() -> frozenset[str]:
    """Modules of ours in which warp's kernels and functions are written."""
    return frozenset(name for name, source in _sources().items() if "@wp.kernel" in source or "@wp.func" in source)


@cache
def kernel_faces() -> frozenset[str]:
    """Modules that hold kernels or start them, and those that import one of these."""
    imports = {name: named_modules(source) for name, source in _sources().items()}
    lowest = {name for name, modules in imports.items() if "teletwin.warp_runtime" in modules} | kernel_modules()
    above = {name for name, modules in imports.items() if modules & lowest}
    return frozenset(name for name in lowest | above if not f"{name}.".startswith(tuple(f"{a}." for a in _ABOVE)))


def named_modules(source: str) -> set[str]:
    """Modules of ours that a source imports something of, the one that defines it where a package only passes it on.

    Words such as 'teletwin.forecast.arma:ArmaForecaster', by which a table names what is imported later, count too.
    """
    return {_defining(module, name) for module, name in _imports(source) if module in _sources()}


@cache
def _imports(source: str) -> tuple[tuple[str, str], ...]:
    return tuple(_walked(source))


def _walked(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                yield from ((module, each.name) for each in names)
            case ast.Import(names=names):
                yield from ((each.name, "") for each in names)
            case ast.Constant(value=str(text)) if text.partition(":")[0] in _sources():
                yield text.partition(":")[0], text.partition(":")[2]
            case _:
                pass


@cache
def _defining(module: str, name: str) -> str:
    """The module in which a name of a module is defined, following packages that import it."""
    if f"{module}.{name}" in _sources():
        return f"{module}.{name}"
    for source, passed_on in _imports(_sources()[module]):
        if name and passed_on == name and source in _sources() and source != module:
            return _defining(source, name)
    return module


@cache
def _sources() -> dict[str, str]:
    """The text of every module of ours."""
    found = {}
    for folder, package in _PACKAGES:
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path.read_text(encoding="utf-8")
    return found
