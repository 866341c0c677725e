"""config/extension.toml by the written rules of Isaac Sim's own extensions, and what it points at."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
import struct
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fake import kit

import teletwin

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "exts/teletwin"
TEXT = (EXTENSION / "config/extension.toml").read_text(encoding="utf-8")
CONFIG: dict[str, Any] = tomllib.loads(TEXT)
SECTIONS = [
    "[core]",
    "[package]",
    "[deprecation]",
    "[dependencies]",
    "[[python.module]]",
    "[[native.library]]",
    "[python.pipapi]",
    "[[native.plugin]]",
    "[settings]",
    "[[trigger]]",
    "[[fswatcher.",
    "[[test]]",
    "[documentation]",
]
PACKAGE_KEYS = [
    *("version", "category", "title", "description", "authors", "repository", "keywords", "changelog", "readme"),
    *("preview_image", "icon", "writeTarget"),
]
ONLY_60 = {
    "isaacsim.pip.newton",
    "isaacsim.robot_motion.cumotion",
    "isaacsim.robot_motion.experimental.motion_generation",
    "isaacsim.streaming.rtsp",
    "isaacsim.sensors.experimental.rtx",
    "isaacsim.core.rendering_manager",
    "isaacsim.replicator.teleop",
}

DEPENDENCIES = set(CONFIG["dependencies"])
KERNEL = {"omni.ext", "omni.kit.app"}
BEHIND = {
    "omni.kit.pip_archive": "numpy and what aiohttp needs",
    "omni.pip.cloud": "cryptography",
    "omni.pip.compute": "PyYAML",
    "isaacsim.pip.newton": "mujoco",
    "omni.warp.core": "warp",
    "isaacsim.ros2.bridge": "rclpy; enabled by its name",
    "omni.kit.uiapp": "asked for by its name: whether there are windows",
}
"""Extensions that are used and not imported: those that bring Python packages, and what is asked for by name."""
RENAMED = {"omni.kit.loop": "omni.kit.loop-isaac"}
"""Modules whose extension is called otherwise."""
CATEGORIES = {"Simulation", "SyntheticData", "Utility", "Internal", "Other", "Streaming", "Setup", "GUI", "Examples"}
"""That Isaac Sim's own extensions have, but for single ones."""


def test_the_sections_stand_in_the_order_of_the_rules() -> None:
    headers = re.findall(r"^\[.*\]$", TEXT, re.M)
    ranks = [next(k for k, name in enumerate(SECTIONS) if header.startswith(name)) for header in headers]
    assert ranks == sorted(ranks)
    assert headers[0] == "[core]"


def test_the_package_has_every_key_in_its_order() -> None:
    assert list(CONFIG["package"]) == PACKAGE_KEYS
    assert CONFIG["package"]["writeTarget"] == {"kit": True}
    assert re.fullmatch(r"\d+\.\d+\.\d+", CONFIG["package"]["version"])


def test_the_version_is_the_changelogs_newest_and_the_packages() -> None:
    changelog = (EXTENSION / "docs/CHANGELOG.md").read_text(encoding="utf-8")
    newest, date = re.findall(r"^## \[(.+?)\] - (.+)$", changelog, re.M)[0]
    assert newest == CONFIG["package"]["version"] == teletwin.__version__
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)


def test_every_file_that_it_names_is_there() -> None:
    package = CONFIG["package"]
    for key in ("changelog", "readme", "preview_image", "icon"):
        assert (EXTENSION / package[key]).is_file(), key
    for page in CONFIG["documentation"]["pages"]:
        assert (EXTENSION / page).is_file(), page
    for entry in CONFIG["python"]["module"]:
        assert (EXTENSION / entry["name"].replace(".", "/") / "__init__.py").is_file()


def test_the_dependencies_are_sorted_and_those_of_one_version_optional() -> None:
    names = list(CONFIG["dependencies"])
    assert names == sorted(names)
    for name, options in CONFIG["dependencies"].items():
        assert set(options) <= {"optional", "version", "exact"}
        if name in ONLY_60:
            assert options.get("optional") is True, name


def test_without_a_screen_nothing_of_the_window_is_required() -> None:
    for name in ("omni.kit.uiapp", "omni.kit.menu.utils", "omni.kit.actions.core", "omni.ui"):
        assert CONFIG["dependencies"][name] == {"optional": True}


def imported() -> dict[str, set[str]]:
    """Dotted modules of Kit's that kit/ imports, by a statement or by name, each with the files that do."""
    found: dict[str, set[str]] = {}
    for path in sorted((EXTENSION / "teletwin/kit").rglob("*.py")):
        if path.parent.name == "tests":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in names_in(node):
                if name.partition(".")[0] in ("omni", "isaacsim", "pxr", "carb"):
                    found.setdefault(name, set()).add(path.name)
    return found


def names_in(node: ast.AST) -> list[str]:
    """The modules that a statement imports, or a call of `import_module`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""] if not node.level else []
    is_call = isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "import_module"
    return [each.value for each in node.args if isinstance(each, ast.Constant)] if is_call else []


def extension_of(module: str) -> str | None:
    """The extension that brings a module; None for what the kernel itself brings."""
    if module.partition(".")[0] == "carb" or module in KERNEL:
        return None
    if module.partition(".")[0] == "pxr":
        return "omni.usd.libs"
    if module in RENAMED:
        return RENAMED[module]
    listed = [name for name in CONFIG["dependencies"] if module == name or module.startswith(f"{name}.")]
    return max(listed, key=len, default=module)


def test_every_module_that_is_imported_comes_with_an_extension_that_is_listed() -> None:
    modules = imported()
    assert {"omni.usd", "isaacsim.core.cloner", "omni.replicator.core", "omni.ui", "pxr"} <= set(modules)
    assert {name: files for name, files in modules.items() if extension_of(name) not in {None, *DEPENDENCIES}} == {}


def test_every_extension_that_is_listed_is_used() -> None:
    used = {extension_of(name) for name in imported()} | BEHIND.keys()
    assert DEPENDENCIES - used == set()


def test_what_brings_packages_starts_before_ours_does() -> None:
    for name in ("omni.kit.pip_archive", "omni.pip.cloud", "omni.pip.compute", "isaacsim.pip.newton"):
        assert name in DEPENDENCIES


def test_the_category_is_one_of_nvidias_and_the_repository_is_the_projects() -> None:
    assert CONFIG["package"]["category"] in CATEGORIES
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert CONFIG["package"]["repository"] == project.get("urls", {}).get("Repository", "")


def settings_lines() -> list[tuple[str, str, str]]:
    """Every setting with the line before it: comment, name, value."""
    block = TEXT[TEXT.index("[settings]") : TEXT.index("[[test]]")].splitlines()
    rows = []
    for before, line in itertools.pairwise(block):
        if line.startswith("exts."):
            found = re.fullmatch(r'exts\."teletwin"\.(\w+) = (.+)', line)
            assert found, line
            rows.append((before, found[1], found[2]))
    return rows


def test_every_setting_has_a_comment() -> None:
    assert all(re.fullmatch(r"# .{10,}[.)]", comment) for comment, _, _ in settings_lines()), settings_lines()


def test_the_settings_are_those_of_the_code_with_their_defaults() -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    with kit("6.0"):
        from teletwin.kit.settings import COMMANDS, KitCfg

        defaults = dataclasses.asdict(KitCfg())
    assert CONFIG["settings"]["exts"]["teletwin"] == defaults
    assert [name for _, name, _ in settings_lines()] == list(defaults)
    comment = next(comment for comment, name, _ in settings_lines() if name == "command")
    assert all(command in comment for command in COMMANDS)


def test_the_tests_begin_with_startup_and_at_most_one_has_no_name() -> None:
    tests = CONFIG["test"]
    assert tests[0]["name"] == "startup"
    unnamed = [k for k, test in enumerate(tests) if "name" not in test]
    assert unnamed in ([], [len(tests) - 1])
    allowed = {"name", "timeout", "dependencies", "args", "stdoutFailPatterns", "pythonTests"}
    assert all(set(test) <= allowed for test in tests)
    hidden = [entry["name"] for entry in CONFIG["python"]["module"] if entry.get("public") is False]
    assert hidden == ["teletwin.kit.tests"]


@pytest.mark.parametrize(("name", "size"), [("icon.png", (256, 256)), ("preview.png", (1280, 720))])
def test_the_pictures_have_their_sizes(name: str, size: tuple[int, int]) -> None:
    data = (EXTENSION / "data" / name).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == size


def test_the_packages_for_kits_python_are_those_of_the_lock_and_bring_no_second_numpy() -> None:
    lines = (EXTENSION / "requirements-kit.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    locked = (ROOT / "scripts/requirements-demo.txt").read_text(encoding="utf-8").splitlines()
    assert set(pins) <= set(locked)
    assert not {"numpy", "warp-lang", "usd-core", "torch"} & {pin.partition("==")[0].lower() for pin in pins}


def test_kit_and_pip_find_the_same_extension_class() -> None:
    with kit("5.1") as fake:
        extension = fake.extension()
        assert type(extension).__name__ == "Extension"
        assert not hasattr(extension, "_app")


def test_outside_kit_the_package_is_empty_and_quiet() -> None:
    import subprocess
    import sys

    code = "import sys, teletwin.kit as k; assert k.__all__ == []; assert 'teletwin.kit.extension' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
