"""What Kit's Python lacks comes from a folder behind Kit's own, whatever a directory lists first, and is named."""

from __future__ import annotations

import importlib
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake import kit
from kit_session import SETTINGS, KitSession, running, session_cfg, started, turns_until, write_recording
from packaging.requirements import Requirement
from packaging.version import Version

from teletwin.errors import MissingPartError
from teletwin.kit import packages, prebundle
from teletwin.kit.packages import PACKAGES, Package
from teletwin.kit.pip_command import pip_command
from teletwin.kit.prebundle import Prebundle

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "exts/teletwin"
ORDERS = ("source first", "compiled first")

IMPORT_AV = """
import os, posix, sys
from pathlib import Path
way, order, folder, kit_site, fakes, extension = sys.argv[1:]
sys.path += [kit_site, fakes, extension]
reverse = order == "compiled first"
def ordered(names):
    return sorted(names, key=lambda name: (name.endswith(".py") == reverse, name))
listdir = posix.listdir
posix.listdir = lambda path=".": ordered(listdir(path))
sys.path_importer_cache.clear()
if way == "python.module":
    import importlib.util
    spec = importlib.util.spec_from_file_location("importer", Path(fakes) / "fake" / "importer.py")
    importer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(importer)
    sys.meta_path.insert(0, importer.FastImporter([Path(folder) / "pip_prebundle"], ordered))
else:
    from teletwin.kit.prebundle import Prebundle
    Prebundle(Path(folder)).open()
import av.frame
assert Path(folder) in Path(av.__file__).parents, av.__file__
print(Path(av.frame.__file__).name)
"""


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    """An extension folder whose prebundle holds PyAV, which ships many a module twice: `x.py` and `x.abi3.so`."""
    av = pytest.importorskip("av")
    here = Path(av.__file__).parent
    if not (here / "frame.py").is_file() or not list(here.glob("frame.*.so")):
        pytest.skip("this PyAV ships its modules once")
    (tmp_path / "extension/pip_prebundle").mkdir(parents=True)
    (tmp_path / "kit_site").mkdir()
    for each in here.parent.glob("av*"):
        (tmp_path / "extension/pip_prebundle" / each.name).symlink_to(each)
    for each in here.parent.glob("numpy*"):
        (tmp_path / "kit_site" / each.name).symlink_to(each)
    return tmp_path


def import_av(way: str, order: str, laid: Path) -> subprocess.CompletedProcess[str]:
    """Import PyAV in a Python without site packages, one way or the other."""
    words = [way, order, laid / "extension", laid / "kit_site", ROOT / "tests/kit", EXTENSION]
    command = [sys.executable, "-I", "-S", "-c", IMPORT_AV, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("order", ORDERS)
def test_our_way_takes_the_compiled_module_whatever_a_directory_lists_first(order: str, laid: Path) -> None:
    done = import_av("prebundle", order, laid)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith("frame.")
    assert done.stdout.strip().endswith(".so")


@pytest.mark.parametrize("order", ORDERS)
def test_kits_own_importer_takes_what_comes_first_so_the_folder_is_not_named_to_it(order: str, laid: Path) -> None:
    done = import_av("python.module", order, laid)
    assert (done.returncode == 0) == (order == "compiled first"), done.stderr
    if order == "source first":
        assert "No module named 'cython'" in done.stderr
    config = tomllib.loads((EXTENSION / "config/extension.toml").read_text())
    assert all("path" not in entry for entry in config["python"]["module"])


def module(folder: Path, name: str, text: str = "") -> Path:
    """A package with an empty or given `__init__.py` in a folder."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text)
    return folder / name


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extension folder with its requirements; the path is put back afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "teletwin/pip_prebundle").mkdir(parents=True)
    pins = (EXTENSION / "requirements-kit.txt").read_text()
    (tmp_path / "teletwin/requirements-kit.txt").write_text(pins)
    return tmp_path / "teletwin"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make modules unfindable, as in a Kit that lacks them."""

    def lose(*names: str) -> Callable[[], None]:
        for name in [each for each in sys.modules if each.partition(".")[0] in names] + list(names):
            monkeypatch.setitem(sys.modules, name, None)
        return monkeypatch.undo

    return lose


def test_what_kit_has_is_never_replaced_by_ours(extension: Path, tmp_path: Path) -> None:
    module(extension / "pip_prebundle", "had_by_both", "whose = 'ours'")
    module(extension / "pip_prebundle", "had_by_us", "whose = 'ours'")
    module(tmp_path / "kit", "had_by_both", "whose = 'Kit'")
    sys.path.insert(0, str(tmp_path / "kit"))
    before = list(sys.path)
    folder = Prebundle(extension)
    folder.open()
    folder.open()
    try:
        assert sys.path == [*before, str(extension / "pip_prebundle")]
        assert importlib.import_module("had_by_both").whose == "Kit"
        assert importlib.import_module("had_by_us").whose == "ours"
    finally:
        sys.modules.pop("had_by_both", None)
        sys.modules.pop("had_by_us", None)
        folder.close()
    assert sys.path == before


def test_a_folder_that_somebody_else_put_on_the_path_stays_there(extension: Path) -> None:
    sys.path.append(str(extension / "pip_prebundle"))
    before = list(sys.path)
    folder = Prebundle(extension)
    folder.open()
    folder.close()
    assert sys.path == before


def test_only_what_is_missing_is_brought_by_its_exact_pin(extension: Path, without: Any) -> None:
    without("av", "aiohttp", "yarl")
    problem = Prebundle(extension).problem()
    assert problem is not None
    text = str(problem)
    assert "\n" not in text
    assert "av (pictures), aiohttp (the operator's page)" in text
    words = shlex.split(text.partition("run: ")[2].partition(" ; ")[0])
    assert words[1:6] == ["-m", "pip", "install", "--no-deps", "--target"]
    assert words[6] == str(extension / "pip_prebundle")
    pins = (EXTENSION / "requirements-kit.txt").read_text().splitlines()
    wanted = [pin for pin in pins if pin.partition("==")[0] in ("av", "aiohttp", "yarl")]
    assert sorted(words[7:]) == sorted(wanted)
    assert shlex.join(words) == Prebundle(extension).missing_command()


def test_what_can_be_imported_is_not_missing_though_its_importer_tells_nothing_before(
    extension: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path / "kit", "had_in_silence")
    sys.path.insert(0, str(tmp_path / "kit"))
    importlib.invalidate_caches()
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    a_package(monkeypatch, "had_in_silence", roles=("twin",))
    folder = Prebundle(extension)
    assert (folder.problem(), folder.require("twin")) == (None, None)
    del sys.modules["had_in_silence"]


def test_with_everything_there_nothing_is_said(extension: Path) -> None:
    for package in PACKAGES:
        pytest.importorskip(package.module)
    folder = Prebundle(extension)
    assert (folder.problem(), folder.missing_command(), folder.remarks()) == (None, "", [])
    assert [folder.require(role) for role in ("local", "twin")] == [None, None]


def test_a_role_starts_without_what_it_can_do_without_and_not_without_the_rest(extension: Path, without: Any) -> None:
    without("mujoco", "av")
    folder = Prebundle(extension)
    assert folder.require("twin") is None
    with pytest.raises(MissingPartError, match=r"mujoco \(the simulated arm\).* mujoco-core==") as caught:
        folder.require("local")
    assert "av==" not in str(caught.value)


def a_package(monkeypatch: pytest.MonkeyPatch, name: str, **more: Any) -> None:
    """A table with one package of our own making."""
    one = Package(name=name, module=name, use="a test", least=(3, 3), below=(5,), **more)
    for place in (packages, prebundle):
        monkeypatch.setattr(place, "PACKAGES", (one,))


@pytest.mark.parametrize("roles", [(), ("twin",)])
def test_what_was_built_for_another_python_is_told_with_the_command_that_builds_it_anew(
    extension: Path, monkeypatch: pytest.MonkeyPatch, roles: tuple[str, ...]
) -> None:
    module(extension / "pip_prebundle", "of_another_python", "import of_another_python._compiled")
    a_package(monkeypatch, "of_another_python", roles=roles)
    folder = Prebundle(extension)
    folder.open()
    try:
        assert folder.problem() is None
        if roles:
            with pytest.raises(MissingPartError, match="do not work in this Isaac Sim's Python") as caught:
                folder.require("twin")
            problem: Any = caught.value
        else:
            problem = folder.require("twin")
        assert "--upgrade" in str(problem)
        with pytest.raises(ImportError) as bare:
            importlib.import_module("of_another_python")
        assert str(folder.explained(bare.value)) == str(problem)
    finally:
        folder.close()


@pytest.mark.parametrize(("version", "is_told"), [("3.2.9", True), ("3.3", False), ("3.8.0", False), ("5.0.1", True)])
def test_a_version_of_kits_outside_the_range_is_used_and_told(
    version: str, is_told: bool, extension: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kits = tmp_path / "kit"
    module(kits, "had_by_kit")
    (kits / f"had_by_kit-{version}.dist-info").mkdir()
    (kits / f"had_by_kit-{version}.dist-info/METADATA").write_text(f"Name: had_by_kit\nVersion: {version}\n")
    sys.path.insert(0, str(kits))
    importlib.invalidate_caches()
    a_package(monkeypatch, "had_by_kit")
    remarks = Prebundle(extension).remarks()
    assert len(remarks) == is_told
    assert all(f"had_by_kit {version} is used for a test; given: {kits}" in remark for remark in remarks)


def test_an_import_error_of_something_else_stays_what_it_is_and_warp_is_kits_own(extension: Path) -> None:
    folder = Prebundle(extension)
    for error in (ModuleNotFoundError("No module named 'x'", name="x"), ImportError("bad"), ValueError("bad")):
        assert folder.explained(error) is error
    told = folder.explained(ModuleNotFoundError("No module named 'warp'", name="warp"))
    assert "omni.warp.core" in str(told)


def test_isaac_sims_own_python_is_named_where_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python.sh").touch()
    monkeypatch.delenv("ISAAC_PATH", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "kit/kit"))
    assert pip_command(tmp_path, ["av"]).startswith(f"{tmp_path}/python.sh -m pip install")
    monkeypatch.setattr(sys, "executable", "/nowhere/kit/kit")
    assert pip_command(tmp_path, ["av"]).startswith("'<isaac-sim>/python.sh' -m pip install")
    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python3.12")
    assert pip_command(tmp_path, ["av"]).startswith("/nowhere/bin/python3.12 -m pip install")


def test_the_table_has_the_projects_ranges_and_every_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {each.name.lower(): each.specifier for each in map(Requirement, project["dependencies"])}
    for package in PACKAGES:
        ends = {each.operator: Version(each.version) for each in wanted[package.name.lower()]}
        dotted = [".".join(map(str, numbers)) for numbers in (package.least, package.below)]
        assert ends == {">=": Version(dotted[0]), "<": Version(dotted[1])}, package.name
    named = [name for package in PACKAGES for name in (package.name, *(name for name, _ in package.brings))]
    lines = (EXTENSION / "requirements-kit.txt").read_text().splitlines()
    assert sorted(named) == sorted(line.partition("==")[0] for line in lines if "==" in line)


@pytest.mark.parametrize("version", ["5.1", "6.0"])
def test_the_window_names_what_is_missing_with_the_command_until_it_is_there(version: str, without: Any) -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    before = list(sys.path)
    put_back = without("mcap", "yaml")
    with kit(version, settings=SETTINGS) as fake:
        extension = started(fake, None)
        fake.turn()
        command = extension._app.packages.missing_command()
        assert " PyYAML==" in command
        assert " mcap==" in command
        shown = fake.ui.find("CollapsableFrame", "Missing packages")
        field = next(w for w in fake.ui.widgets[fake.ui.widgets.index(shown) :] if type(w).__name__ == "StringField")
        assert shown.visible
        assert field.model.get_value_as_string() == command
        assert command in fake.ui.widgets[-1].text  # the warnings
        assert any(line.startswith("warn: [teletwin] packages are missing") and command in line for line in fake.log)
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        assert extension._app.state == "stopped"
        refusal = extension._app.warnings[-1]
        assert "PyYAML (robot descriptions)" in refusal
        assert "mcap" not in refusal
        put_back()
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        turns_until(fake, lambda: not shown.visible)
        extension.on_shutdown()
        del extension
        assert fake.leftovers() == []
    assert sys.path == before


@pytest.mark.parametrize(("lost", "change"), [("mcap", "record_path"), ("cryptography", "session_secret_file")])
def test_what_the_settings_ask_for_must_be_there_before_anything_moves(
    lost: str, change: str, without: Any, tmp_path: Path
) -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    (tmp_path / "file").write_text("B9vk5P-LKKbBbc7CskdppoFk-DnGbE4DIwo")
    (tmp_path / "file").chmod(0o600)
    without(lost)
    with kit("6.0", settings=SETTINGS | {change: str(tmp_path / "file")}) as fake:
        extension = started(fake, None)
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        assert extension._app.state == "stopped"
        assert f"given: {lost} (" in extension._app.warnings[-1]
        assert f" {lost}==" in extension._app.warnings[-1]
        extension.on_shutdown()


def test_record_without_its_package_says_so_and_the_session_goes_on(without: Any, tmp_path: Path) -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    without("mcap")
    with kit("6.0", settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(write_recording(tmp_path / "eight.tum", duration_s=3.0)))
        for app in running(fake, session.surroundings):
            session.run(0.2)
            told = len(app.warnings)
            fake.ui.find("Button", "Record").press()
            session.run(0.2)
            assert (app.state, app.status()["recording"]) == ("running", False)
            assert ["mcap (recordings)" in line for line in list(app.warnings)[told:]] == [True]


def test_with_nothing_missing_the_window_has_no_such_frame_and_the_path_is_put_back() -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    before = list(sys.path)
    with kit("6.0", settings=SETTINGS) as fake:
        extension = started(fake, None)
        assert sys.path == [*before, str(EXTENSION / "pip_prebundle")]
        assert not fake.ui.find("CollapsableFrame", "Missing packages").visible
        extension.on_shutdown()
        assert sys.path == before
