"""Kernels keep to what every supported version of warp compiles to the same thing; see docs/contributing.md."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("exts", "training", "tests", "scripts")
SOURCES = {
    path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8"))
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
}
CASTS = {"T", "U", "wp.float64", "wp.int64", "wp.uint64"}
ONLY_ONCE = Path("exts/teletwin/teletwin/warp_runtime.py")


def kernel_functions() -> Iterator[tuple[Path, ast.FunctionDef, set[str]]]:
    """Every function that warp compiles, its file, and the names that are variables in it."""
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(
                ast.unparse(each).split("(")[0] in ("wp.func", "wp.kernel") for each in node.decorator_list
            ):
                stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                yield path, node, stored | {argument.arg for argument in node.args.args}


def is_constant(node: ast.expr, variables: set[str]) -> bool:
    """Whether an expression is the bare name of something outside the kernel."""
    return isinstance(node, ast.Name) and node.id not in variables


def fits_float32(value: float) -> bool:
    return struct.unpack("f", struct.pack("f", value))[0] == value


def is_literal(*nodes: ast.expr) -> bool:
    """Whether all are numbers, with or without a sign."""
    return all(isinstance(n.operand if isinstance(n, ast.UnaryOp) else n, ast.Constant) for n in nodes)


def negated_constants(function: ast.FunctionDef, variables: set[str]) -> Iterator[ast.expr]:
    """-C, ~C and builtins of one constant: warp 1.13 leaves out the operation, 1.8 the type."""
    for node in ast.walk(function):
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not) and is_constant(node.operand, variables):
            yield node
        elif isinstance(node, ast.Call) and len(node.args) == 1 and is_constant(node.args[0], variables):
            name = ast.unparse(node.func)
            if name.startswith("wp.") and name not in ("wp.func_native", "wp.static", "wp.float32", *CASTS):
                yield node


def long_literals(function: ast.FunctionDef, variables: set[str]) -> Iterator[ast.expr]:
    """Numbers that float32 cannot hold: warp 1.8 rounds them. Also quotients of literals."""
    del variables
    for node in ast.walk(function):
        match node:
            case ast.Constant(value=float(number)) if not fits_float32(number):
                yield node
            case ast.BinOp(left=left, op=ast.Div(), right=right) if is_literal(left, right):
                yield node
            case _:
                pass


def variables_of_cast_constants(function: ast.FunctionDef, variables: set[str]) -> Iterator[ast.expr]:
    """x = T(C): x is then the constant itself from warp 1.13 on, and changes it."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(value=ast.Call(func=cast, args=[given]) as call):
                if ast.unparse(cast) in CASTS and is_constant(given, variables):
                    yield call
            case _:
                pass


@pytest.mark.parametrize("rule", [negated_constants, long_literals, variables_of_cast_constants])
def test_no_kernel_says_what_some_version_of_warp_gets_wrong(rule):
    wrong = [
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for path, function, variables in kernel_functions()
        for node in rule(function, variables)
    ]
    assert not wrong, f"{rule.__doc__}\n" + "\n".join(wrong)


@pytest.mark.parametrize("keyword", ["record_cmd", "module_options"])
def test_launches_are_recorded_in_one_place_and_options_are_the_modules(keyword):
    wrong = [
        f"{path}:{node.value.lineno}"
        for path, tree in SOURCES.items()
        if path != ONLY_ONCE or keyword != "record_cmd"
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == keyword
    ]
    assert not wrong, f"{keyword}: use teletwin.warp_runtime.record, teletwin.robot.warp_chain.own_module"


def test_the_rules_see_the_faults_that_they_are_for():
    source = (
        "@wp.func\ndef f(x: T):\n    y = -ONE\n    z = wp.sqrt(TWO)\n    w = T(0.1)\n    v = T(ONE)\n    return -x\n"
    )
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    variables = {"x", "y", "z", "w", "v"}
    assert [ast.unparse(n) for n in negated_constants(function, variables)] == ["-ONE", "wp.sqrt(TWO)"]
    assert [ast.unparse(n) for n in long_literals(function, variables)] == ["0.1"]
    assert [ast.unparse(n) for n in variables_of_cast_constants(function, variables)] == ["T(ONE)"]
