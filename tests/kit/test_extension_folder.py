"""The complete extension folder: copied away from the repository it starts, streams, stops and leaves nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "exts/teletwin"
PREBUNDLE = {"pip_prebundle/README.md", "pip_prebundle/.gitignore"}

START = """
import json, os, sys
from pathlib import Path

folder, fakes, root, hand, version = sys.argv[1:]
opened = []
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        path = os.path.abspath(arguments[0])
        if path.startswith(root + os.sep) and not path.startswith((fakes, sys.prefix)):
            opened.append(path)
sys.addaudithook(note)
sys.path[:0] = [folder, fakes]
path_before = list(sys.path)

from fake import kit
from kit_session import SETTINGS, KitSession, running, session_cfg
from teletwin.assets import asset_path
import teletwin

with kit(version, settings=SETTINGS, extension=Path(folder)) as fake:
    session = KitSession(fake, session_cfg(Path(hand)))
    for app in running(fake, session.surroundings):
        session.run(1.0)
        told = {"state": app.state, "warnings": list(app.warnings), "path": sys.path[len(path_before) :]}
    del app
    told |= {
        "package": teletwin.__file__,
        "asset": str(asset_path("robots", "ur3e", "ur3e.usda")),
        "frames": len(session.frames),
        "bytes": sum(len(frame.data) for frame in session.frames),
        "commands": len(session.log.commands),
        "leftovers": fake.leftovers(),
        "errors": fake.errors,
        "opened": opened,
        "path_is_as_before": sys.path == path_before,
    }
print(json.dumps(told))
"""


ALONE = """
import json, sys, threading, time, urllib.request
from pathlib import Path

folder, fakes, kit_site = sys.argv[1:]
sys.path[:0] = [kit_site, folder, fakes]
from fake import kit
from kit_session import started, turns_until

settings = {"role": "local", "robot_usd": "teletwin", "page_port": 0, "record_path": folder + "/run.mcap"}
answers = []
with kit("6.0", settings=settings, extension=Path(folder)) as fake:
    extension = started(fake, None)
    app = extension._app
    app.start()
    turns_until(fake, lambda: app.state != "starting")
    url = app.status()["page"]
    asking = threading.Thread(target=lambda: answers.append(urllib.request.urlopen(url, timeout=20).status))
    asking.start()
    end = time.monotonic() + 20.0
    while time.monotonic() < end and not answers:
        fake.turn(dt_s=0.004, steps=4)
        time.sleep(0.01)
    told = {"state": app.state, "warnings": list(app.warnings), "answers": answers}
    told["from"] = {name: sys.modules[name].__file__ for name in ("av", "aiohttp", "mujoco", "mcap", "yaml")}
    extension.on_shutdown()
    for _ in range(100):
        fake.turn()
        time.sleep(0.01)
told["record_bytes"] = Path(folder, "run.mcap").stat().st_size
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def script() -> Any:
    """scripts/make_extension.py."""
    spec = importlib.util.spec_from_file_location("make_extension", ROOT / "scripts/make_extension.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def away(script: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The complete folder, made in one place and copied to another."""
    made = script.make_extension(tmp_path_factory.mktemp("made"))
    users = tmp_path_factory.mktemp("users") / "exts/teletwin"
    users.parent.mkdir()
    made.rename(users)
    return users


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["5.1", "6.0"])
def test_copied_away_it_starts_finds_its_assets_streams_stops_and_leaves_nothing(
    version: str, away: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    from kit_session import write_recording

    hand = write_recording(tmp_path / "eight.tum", duration_s=3.0)
    before = files(away)
    words = [str(each) for each in (away, ROOT / "tests/kit", ROOT, hand, version)]
    environment = {name: value for name, value in os.environ.items() if name not in ("TELETWIN_ASSETS", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", START, *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["state"], told["warnings"]) == ("running", [])
    assert told["package"] == str(away / "teletwin/__init__.py")
    assert told["asset"] == str(away / "teletwin/assets/robots/ur3e/ur3e.usda")
    assert told["path"] == [str(away / "pip_prebundle")]
    assert told["frames"] > 15
    assert told["bytes"] > 5000
    assert told["commands"] > 200
    assert told["opened"] == []
    assert (told["leftovers"], told["errors"], told["path_is_as_before"]) == ([], [], True)
    assert files(away) == before


def lay(name: str, folder: Path) -> None:
    """Put links to a package of this environment into a folder, as `pip --target` would put the package itself."""
    distribution = importlib.metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        if not (folder / top).exists():
            (folder / top).symlink_to(distribution.locate_file(top))


@pytest.mark.live
@pytest.mark.slow
def test_numpy_warp_and_pxr_of_kit_and_the_packages_of_the_requirements_are_all_that_it_needs(
    away: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    folder, kit_site = tmp_path / "exts/teletwin", tmp_path / "kit_site"
    shutil.copytree(away, folder)
    kit_site.mkdir()
    lines = (folder / "requirements-kit.txt").read_text().splitlines()
    for name in (line.partition("==")[0] for line in lines if "==" in line):
        lay(name, folder / "pip_prebundle")
    for name in ("numpy", "warp-lang", "usd-core"):
        lay(name, kit_site)
    words = [str(each) for each in (folder, ROOT / "tests/kit", kit_site)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", ALONE, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["state"], told["answers"]) == ("running", [200]), told["warnings"]
    assert not [line for line in told["warnings"] if "package" in line]
    assert all(Path(file).is_relative_to(folder / "pip_prebundle") for file in told["from"].values()), told["from"]
    assert told["record_bytes"] > 1000


def test_it_holds_what_the_source_has_and_every_asset(away: Path) -> None:
    listed = {str(path.relative_to(ROOT / "assets")) for path in (ROOT / "assets").rglob("*") if path.is_file()}
    assert files(away / "teletwin/assets") == listed
    assert not [name for name in files(away) if name.endswith(".pyc") or "__pycache__" in name]
    assert {name for name in files(away) if name.startswith("pip_prebundle")} == PREBUNDLE
    assert {"LICENSE", "requirements-kit.txt", "config/extension.toml", "data/icon.png"} <= files(away)
    assert (away / "config/extension.toml").read_bytes() == (EXTENSION / "config/extension.toml").read_bytes()


@pytest.mark.slow
def test_its_package_is_the_wheels_file_by_file(away: Path, tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if name.startswith("teletwin/")}
        assert {f"teletwin/{name}" for name in files(away / "teletwin")} == names
        assert all(wheel.read(name) == (away / name).read_bytes() for name in names)


def test_made_again_it_is_renewed_and_keeps_the_packages_that_pip_brought(script: Any, tmp_path: Path) -> None:
    made = script.make_extension(tmp_path)
    (made / "pip_prebundle/av").mkdir()
    (made / "pip_prebundle/av/__init__.py").touch()
    (made / "teletwin/gone_since.py").touch()
    (made / "pip_prebundle/README.md").write_text("old")
    assert script.make_extension(tmp_path) == made
    assert {name for name in files(made) if name.startswith("pip_prebundle")} == {
        *PREBUNDLE,
        "pip_prebundle/av/__init__.py",
    }
    assert (made / "pip_prebundle/README.md").read_text() != "old"
    assert not (made / "teletwin/gone_since.py").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["teletwin"]


def test_what_is_no_extension_and_the_source_itself_are_not_replaced(script: Any, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "teletwin").mkdir()
    (tmp_path / "teletwin/precious").touch()
    (tmp_path / "links").mkdir()
    (tmp_path / "links/teletwin").symlink_to(EXTENSION)
    sources = [ROOT / "exts", tmp_path / "links", EXTENSION / "build", ROOT / "assets"]
    for out, says in [(tmp_path, "is no extension"), *((each, "the extension's source") for each in sources)]:
        assert script.main(["--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert says in said
        assert len(said.splitlines()) == 1
    assert (tmp_path / "teletwin/precious").exists()
    assert (EXTENSION / "teletwin/assets.py").exists()
    assert not (EXTENSION / "build").exists()


def test_the_repositorys_address_is_written_where_it_is_given(script: Any, tmp_path: Path, capsys: Any) -> None:
    assert script.main(["--out", str(tmp_path), "--repository", "https://git.example.org/teletwin"]) == 0
    config = tomllib.loads((tmp_path / "teletwin/config/extension.toml").read_text())
    assert config["package"]["repository"] == "https://git.example.org/teletwin"
    for bad in ("git@example.org:teletwin", "https://user:hush@example.org/x", 'https://x"\nevil = "'):
        assert script.main(["--out", str(tmp_path / "other"), "--repository", bad]) == 1
        assert "an address cannot be used" in capsys.readouterr().err
    assert not (tmp_path / "other/teletwin").exists()


def test_packages_are_brought_by_the_pip_that_was_named(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], check: bool) -> Any:
        ran.append(command)
        return subprocess.CompletedProcess(command, len(ran) - 1)

    monkeypatch.setattr(script.subprocess, "run", run)
    assert script.main(["--out", str(tmp_path), "--prebundle", "/isaac-sim/python.sh"]) == 0
    (command,) = ran
    assert command[:5] == ["/isaac-sim/python.sh", "-m", "pip", "install", "--no-deps"]
    assert command[command.index("--target") + 1] == str(tmp_path / "teletwin/pip_prebundle")
    assert command[-2:] == ["-r", str(tmp_path / "teletwin/requirements-kit.txt")]
    capsys.readouterr()
    assert script.main(["--out", str(tmp_path), "--prebundle", "/isaac-sim/python.sh"]) == 1
    assert "pip ended with 1" in capsys.readouterr().err
    monkeypatch.undo()
    assert script.main(["--out", str(tmp_path), "--prebundle", str(tmp_path / "nowhere")]) == 1
    assert "cannot be run" in capsys.readouterr().err
