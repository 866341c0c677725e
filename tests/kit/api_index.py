"""An index of Isaac Sim's public Python API, from the sources of one version; nothing of them is imported.

    git archive --prefix=6.0.1/ v6.0.1 source | tar -x -C /tmp        # in a clone of isaac-sim/IsaacSim
    python tests/kit/api_index.py /tmp/6.0.1 6.0.1 DIR/6.0.1.json
    python tests/kit/api_scan.py DIR                                  # writes api_record.json anew

The index holds modules by name, each with its names: classes with their methods, attributes and constructors'
parameters, functions with theirs, constants, modules. Inherited members stand with the heirs.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOTS = ("isaacsim", "omni")
DATA_CLASSES = ("dataclass", "configclass")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Found:
    """What a name stands for: a definition in a module of the tree, a module, or something outside of it."""

    kind: str
    module: str
    node: ast.AST | None = None


@dataclass
class Parts:
    """What a class offers, its bases' parts included."""

    methods: dict[str, Any] = field(default_factory=dict)
    attrs: set[str] = field(default_factory=set)
    static: set[str] = field(default_factory=set)
    params: Any = None
    is_open: bool = False


class Tree:
    """The sources of one version."""

    def __init__(self, folder: Path) -> None:
        self.files = dict(_modules(folder))
        self.bindings = set(_bindings(folder))
        packages = {name.rpartition(".")[0] for name in (*self.files, *self.bindings)}
        while new := {name.rpartition(".")[0] for name in packages} - packages - {""}:
            packages |= new
        self.packages = {name for name in packages if name}
        self._tables: dict[str, dict[str, tuple[str, str] | ast.AST]] = {}

    def is_module(self, name: str) -> bool:
        """Whether a dotted name is a module or a package."""
        return name in self.files or name in self.packages or name in self.bindings

    def table(self, module: str) -> dict[str, tuple[str, str] | ast.AST]:
        """Names of a module: a definition, or where it is imported from (module, name or '' for the module)."""
        if module not in self._tables:
            self._tables[module] = {}
            if module in self.files:
                tree = _parse(self.files[module])
                self._tables[module] = dict(self._statements(module, tree.body))
        return self._tables[module]

    def _statements(self, module: str, body: list[ast.stmt]) -> Iterator[tuple[str, Any]]:
        for node in body:
            if isinstance(node, ast.If | ast.Try):
                handlers = [each for handler in getattr(node, "handlers", []) for each in handler.body]
                yield from self._statements(module, [*handlers, *node.orelse, *node.body])
            elif isinstance(node, _Function | ast.ClassDef):
                yield node.name, node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from ((target.id, node) for target in targets if isinstance(target, ast.Name))
            elif isinstance(node, ast.Import):
                yield from ((item.asname, (item.name, "")) for item in node.names if item.asname)
            elif isinstance(node, ast.ImportFrom):
                yield from self._imported(module, node)

    def _imported(self, module: str, node: ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str]]]:
        source = node.module or ""
        if node.level:
            is_package = self.files[module].name == "__init__.py"
            parts = module.split(".")
            above = parts[: len(parts) - node.level + is_package]
            source = ".".join([*above, *([source] if source else [])])
        for item in node.names:
            if item.name != "*":
                yield item.asname or item.name, (source, item.name)
            elif source in self.files:
                yield from ((name, (source, name)) for name in self.public(source))

    def public(self, module: str) -> list[str]:
        """What a star takes from a module."""
        table = self.table(module)
        stated = table.get("__all__")
        if isinstance(stated, ast.Assign) and isinstance(stated.value, ast.List | ast.Tuple):
            return [each.value for each in stated.value.elts if isinstance(each, ast.Constant)]
        return [name for name in table if not name.startswith("_")]

    def find(self, module: str, name: str, depth: int = 0) -> Found:
        """What a name in a module stands for."""
        here = self.table(module).get(name)
        if isinstance(here, tuple) and depth < 20:
            source, inner = here
            if not inner:
                return Found("module" if self.is_module(source) else "outside", source)
            if source != module or inner != name:
                if inner in self.table(source):
                    return self.find(source, inner, depth + 1)
                dotted = f"{source}.{inner}"
                return Found("module" if self.is_module(dotted) else "outside", dotted)
        if isinstance(here, ast.AST):
            return Found("definition", module, here)
        dotted = f"{module}.{name}"
        return Found("module" if self.is_module(dotted) else "outside", dotted)

    def parts(self, module: str, node: ast.ClassDef, depth: int = 0) -> Parts:
        """A class with what it inherits."""
        parts = Parts()
        for base in reversed(node.bases):
            self._inherit(parts, module, base, depth)
        own = {each.name: each for each in node.body if isinstance(each, _Function)}
        decorators = {ast.unparse(each).partition("(")[0].rpartition(".")[2] for each in node.decorator_list}
        if decorators & set(DATA_CLASSES):
            is_kw = any("kw_only=True" in ast.unparse(each) for each in node.decorator_list)
            inherited = parts.params or []
            parts.params = [*inherited, *_fields(node, "kw" if is_kw else "any")]
        elif "__init__" in own:
            parts.params = _params(own["__init__"], is_method=True)
        elif not node.bases:
            parts.params = []
        for name, method in own.items():
            self._member(parts, name, method)
        for each in node.body:
            targets = (
                each.targets
                if isinstance(each, ast.Assign)
                else [each.target]
                if isinstance(each, ast.AnnAssign)
                else []
            )
            parts.attrs |= {t.id for t in targets if isinstance(t, ast.Name) and not t.id.startswith("_")}
        return parts

    def _inherit(self, parts: Parts, module: str, base: ast.expr, depth: int) -> None:
        text = ast.unparse(base)
        found = self.find(module, text) if "." not in text else self._dotted(module, text)
        if found.kind == "definition" and isinstance(found.node, ast.ClassDef) and depth < 12:
            above = self.parts(found.module, found.node, depth + 1)
            parts.methods |= above.methods
            parts.attrs |= above.attrs
            parts.static |= above.static
            parts.params, parts.is_open = above.params, parts.is_open or above.is_open
        elif text.rpartition(".")[2] in ("Enum", "IntEnum", "Flag", "StrEnum"):
            parts.attrs |= {"name", "value"}
        elif text.rpartition(".")[2] not in ("ABC", "object", "Protocol"):
            parts.is_open = True

    def _dotted(self, module: str, text: str) -> Found:
        owner, _, name = text.rpartition(".")
        found = self.find(module, owner) if "." not in owner else Found("outside", text)
        return self.find(found.module, name) if found.kind == "module" else Found("outside", text)

    @staticmethod
    def _member(parts: Parts, name: str, method: _Function) -> None:
        decorators = {ast.unparse(each).partition("(")[0] for each in method.decorator_list}
        is_static = bool(decorators & {"classmethod", "staticmethod"})
        if {each for each in decorators if each.endswith(("property", "setter"))}:
            parts.attrs |= {name} - {each for each in (name,) if each.startswith("_")}
        elif not name.startswith("_"):
            parts.methods[name] = _params(method, is_method="staticmethod" not in decorators)
            parts.static = parts.static | {name} if is_static else parts.static - {name}
        for each in ast.walk(method):
            if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
                is_own = isinstance(each.value, ast.Name) and each.value.id == "self"
                parts.attrs |= {each.attr} if is_own and not each.attr.startswith("_") else set()

    def entry(self, found: Found) -> dict[str, Any] | None:
        """What the index says of a name; None for what is not Isaac Sim's."""
        if found.kind == "module":
            return {"kind": "module"} | ({"open": True} if found.module in self.bindings else {})
        if found.kind == "outside":
            return None
        if isinstance(found.node, _Function):
            is_plain = not found.node.decorator_list  # else it may take anything
            return {"kind": "function", "params": _params(found.node) if is_plain else None}
        if not isinstance(found.node, ast.ClassDef):
            return {"kind": "constant"}
        parts = self.parts(found.module, found.node)
        full = {"methods": parts.methods, "attrs": sorted(parts.attrs), "static": sorted(parts.static)}
        is_open = {"open": True} if parts.is_open else {}
        return {"kind": "class", "params": parts.params} | {k: v for k, v in full.items() if v} | is_open

    def index(self, version: str) -> dict[str, Any]:
        """The whole of it."""
        made: dict[str, Any] = {"_meta": {"source": "github.com/isaac-sim/IsaacSim", "version": version}}
        for module in sorted({*self.files, *self.packages}):
            if any(part in ("impl", "tests") or part.startswith("_") for part in module.split(".")):
                continue
            inside = {name for name in (*self.files, *self.packages, *self.bindings) if name.startswith(f"{module}.")}
            children = {name[len(module) + 1 :].partition(".")[0] for name in inside} - {"impl", "tests"}
            names = {name for name in self.table(module) if not name.startswith("_")} | children
            entries = {name: self.entry(self.find(module, name)) for name in names}
            made[module] = {name: each for name, each in sorted(entries.items()) if each is not None}
        return made


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8", errors="replace"))


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every module of every extension by its name."""
    for extension in sorted(folder.glob("source/*/*/")):
        if extension.name.partition(".")[0] not in ROOTS:
            continue
        placed = _placed(extension)
        for path in sorted(extension.rglob("*.py")):
            source = path.relative_to(extension).as_posix().removesuffix(".py")
            known = [each for each in placed if source.startswith(each)]
            best = max(known, key=len, default="")
            parts = (placed[best] + source[len(best) :] if known else source).split("/")
            if parts[0] in ROOTS:
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _placed(extension: Path) -> dict[str, str]:
    """Where the build puts an extension's folders; `python` is its own package if nothing else is said."""
    placed = {"python/": extension.name.replace(".", "/") + "/"}
    build = extension / "premake5.lua"
    text = build.read_text(encoding="utf-8") if build.is_file() else ""
    for source, target in re.findall(r'\{\s*"([\w/.-]+?)/?(?:\*\.py)?",\s*ext\.target_dir \.\. "/([\w/]+)"', text):
        placed[f"{source}/"] = f"{target.rstrip('/')}/"
    return placed


def _bindings(folder: Path) -> Iterator[str]:
    """Compiled modules, by what the build says of them."""
    wanted = re.compile(r'\bmodule\s*=\s*"(\w+)".*?target_subdir\s*=\s*"([\w/]+)"', re.S)
    for path in folder.glob("source/*/*/premake5.lua"):
        for name, where in wanted.findall(path.read_text(encoding="utf-8")):
            for package in {where, where.removesuffix("/bindings")}:  # the extension's own package hands it on
                yield f"{package.replace('/', '.')}.{name}"


def _params(node: _Function, *, is_method: bool = False) -> list[list[Any]]:
    """Rows of name, kind, whether it has a default; without self and cls."""
    given, rows = node.args, []
    plain = [*((each, "pos") for each in given.posonlyargs), *((each, "any") for each in given.args)]
    first_default = len(plain) - len(given.defaults)
    rows = [[each.arg, kind, k >= first_default] for k, (each, kind) in enumerate(plain)][int(is_method) :]
    rows += [[given.vararg.arg, "*", True]] if given.vararg else []
    rows += [
        [each.arg, "kw", value is not None] for each, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    return [*rows, *([[given.kwarg.arg, "**", True]] if given.kwarg else [])]


def _fields(node: ast.ClassDef, kind: str) -> list[list[Any]]:
    """A data class's parameters."""
    lines = [each for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
    return [[ast.unparse(each.target), kind, each.value is not None] for each in lines]


def main() -> None:
    """Index the tree of the first argument as the version of the second into the file of the third."""
    folder, version, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    index = Tree(folder).index(version)
    if len(index) < 2:
        sys.exit(f"{folder} holds no sources of Isaac Sim: there is no source/extensions in it")
    out.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
