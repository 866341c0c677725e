"""Which names of Kit and Isaac Sim our sources use, with the shape of each call; and what an API index knows of them.

Run `python tests/kit/api_scan.py DIR` to write `api_record.json` anew from the index in DIR, which `api_index.py` makes
from Isaac Sim's sources.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "exts/teletwin/teletwin/kit"
RECORD = Path(__file__).with_name("api_record.json")
VERSIONS = ("5.1.0", "6.0.1")
HOSTS = ("isaacsim", "omni", "carb", "pxr", "lula", "cumotion")
KINDS = ["pos", "any", "*", "kw", "**"]
PRIMS = "isaacsim.core.experimental.prims"
INSTANCES = {
    "drives.py": {"articulation": f"{PRIMS}.Articulation"},
    "world.py": {
        "arm": f"{PRIMS}.Articulation",
        "articulation": f"{PRIMS}.Articulation",
        "self._articulation": f"{PRIMS}.Articulation",
        "self._bodies": f"{PRIMS}.RigidPrim",
    },
}
"""Expressions that hold an instance, by file: syntax alone does not tell."""

Shape = tuple[int, tuple[str, ...]]
"""Of a call: how many arguments by position, which by name."""
UNKNOWN = "**"
"""Stands among the names when some arguments are only known at run time."""


def uses(folder: Path = SOURCES) -> dict[str, set[Shape]]:
    """Dotted names in use, each with the shapes of its calls."""
    found: dict[str, set[Shape]] = defaultdict(set)
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = dict(_imports(tree))
        held = INSTANCES.get(path.name, {}) if path.parent == folder else {}
        for name in names.values():
            found[name] |= set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (name := _dotted(node, names, held)):
                found[name] |= set()
            if isinstance(node, ast.Call) and (name := _dotted(node.func, names, held)):
                found[name].add(_shape(node))
    return {name: shapes for name, shapes in found.items() if not _is_prefix(name, found)}


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Local name and dotted path of what is imported from the host."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                if item.name.partition(".")[0] in HOSTS:
                    yield (item.asname, item.name) if item.asname else (item.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and not node.level and _is_host(node.module):
            yield from ((item.asname or item.name, f"{node.module}.{item.name}") for item in node.names)


def _is_host(module: str | None) -> bool:
    return bool(module) and str(module).partition(".")[0] in HOSTS


def _dotted(node: ast.AST, names: dict[str, str], held: dict[str, str]) -> str:
    """The dotted path that an expression stands for; empty when it has nothing to do with the host."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = held.get(ast.unparse(node.value)) or _dotted(node.value, names, held)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _shape(call: ast.Call) -> Shape:
    plain = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
    whole = len(plain) == len(call.args) and all(keyword.arg for keyword in call.keywords)
    names = tuple(sorted(keyword.arg for keyword in call.keywords if keyword.arg))
    return len(plain), names if whole else (*names, UNKNOWN)


def _is_prefix(name: str, found: dict[str, set[Shape]]) -> bool:
    return not found[name] and any(other.startswith(f"{name}.") for other in found)


def fits(params: list[list[Any]], shape: Shape) -> str:
    """Why a call of this shape does not fit a signature; empty when it does."""
    default = {True: None, False: Parameter.empty}
    rows = [Parameter(n, KINDS.index(k), default=default[bool(d) and "*" not in k]) for n, k, d in params]
    signature = Signature(sorted(rows, key=lambda row: row.kind))
    bind = signature.bind_partial if UNKNOWN in shape[1] else signature.bind
    try:
        bind(*range(shape[0]), **dict.fromkeys(name for name in shape[1] if name != UNKNOWN))
    except TypeError as error:
        return str(error)
    return ""


class Index:
    """One version of an API index."""

    def __init__(self, folder: Path, version: str) -> None:
        self._modules = json.loads((folder / f"{version}.json").read_text(encoding="utf-8"))

    def entry(self, dotted: str) -> dict[str, Any] | None:
        """What is known of a name: its kind and parameters; None when this version lacks it."""
        if dotted in self._modules:
            return {"kind": "module"}
        if dotted.partition(".")[0] != "isaacsim":
            return {"kind": "closed"}
        owner, _, last = dotted.rpartition(".")
        if owner in self._modules:
            return self._plain(self._modules[owner].get(last))
        parent = self._raw(owner)
        if parent is None:
            return None
        if parent["kind"] == "module" and parent.get("open"):
            return {"kind": "closed"}
        if last in parent.get("methods", {}):
            return {"kind": "method", "params": parent["methods"][last]}
        return {"kind": "attribute"} if last in (parent.get("attrs") or ()) else None

    def _raw(self, dotted: str) -> dict[str, Any] | None:
        owner, _, last = dotted.rpartition(".")
        found = self._modules.get(owner, {}).get(last)
        return self._raw(found["ref"]) if found is not None and "ref" in found else found

    def _plain(self, found: dict[str, Any] | None) -> dict[str, Any] | None:
        if found is None:
            return None
        whole = self._raw(found["ref"]) if "ref" in found else found
        if whole is None:
            return {"kind": "module"}
        return {"kind": whole["kind"]} | ({"params": whole["params"]} if whole.get("params") is not None else {})


def make_record(folder: Path) -> dict[str, Any]:
    """What the sources use, and what the index says of it at each version."""
    indexes = {version: Index(folder, version) for version in VERSIONS}
    return {name: {version: indexes[version].entry(name) for version in VERSIONS} for name in sorted(uses())}


if __name__ == "__main__":
    RECORD.write_text(json.dumps(make_record(Path(sys.argv[1])), indent=1, sort_keys=True) + "\n", encoding="utf-8")
