"""What cannot work gives one clear line in the window and the log, and Kit goes on."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from fake import EXT_ID, FakeKit, kit
from kit_session import SETTINGS, KitSession, running, session_cfg, started, turns_until, write_recording

pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Usd, UsdGeom, UsdPhysics  # noqa: TID253


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "eight.tum", duration_s=3.0)


def refused(fake: FakeKit, surroundings: Any = None) -> str:
    """The last warning of a start that fails; afterwards the extension still answers and leaves nothing."""
    extension = started(fake, surroundings)
    extension._app.start()
    turns_until(fake, lambda app=extension._app: app.state != "starting")
    for _ in range(3):
        fake.turn()
    app = extension._app
    assert app.state == "stopped"
    text = app.warnings[-1]
    assert any(line == f"error: [teletwin] {text}" for line in fake.log)
    assert "\n" not in text
    assert app.status()["warnings"][-1] == text
    extension.on_shutdown()
    del extension, app
    assert fake.leftovers() == []
    return text


def not_a_ur3e(path: Path) -> Path:
    """An articulation with two joints of other names."""
    stage = Usd.Stage.CreateNew(str(path))
    root = UsdGeom.Xform.Define(stage, "/robot")
    stage.SetDefaultPrim(root.GetPrim())
    UsdPhysics.ArticulationRootAPI.Apply(root.GetPrim())
    for name in ("first_joint", "second_joint"):
        UsdPhysics.RevoluteJoint.Define(stage, f"/robot/{name}")
    stage.Save()
    return path


@pytest.mark.parametrize("version", ["5.1", "6.0"])
def test_a_missing_asset_root_puts_our_own_arm_into_the_scene(version: str, hand: Path) -> None:
    with kit(version, settings=SETTINGS | {"robot_usd": ""}) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.3)
            assert app.state == "running"
            assert "no Isaac Sim asset root" in app.warnings[0]
            assert any(line.startswith("warn: [teletwin] no Isaac Sim asset root") for line in fake.log)


def test_isaac_sims_own_arm_is_taken_from_its_asset_root(hand: Path, tmp_path: Path) -> None:
    from teletwin.assets import asset_path

    theirs = tmp_path / "Isaac/Robots/UniversalRobots/ur3e/ur3e.usd"
    theirs.parent.mkdir(parents=True)
    stage = Usd.Stage.CreateNew(str(theirs))
    stage.SetDefaultPrim(stage.DefinePrim("/ur3e", "Xform"))
    stage.GetDefaultPrim().GetReferences().AddReference(str(asset_path("robots", "ur3e", "ur3e.usda")))
    stage.Save()
    with kit("6.0", settings=SETTINGS | {"robot_usd": ""}, asset_root=str(tmp_path)) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.2)
            assert not app.warnings
            layers = [layer.realPath for layer in fake.context.get_stage().GetUsedLayers()]
            assert str(theirs) in layers


def test_a_robot_that_cannot_be_opened_is_named() -> None:
    with kit("6.0", settings=SETTINGS | {"robot_usd": "/no/such/robot.usd"}) as fake:
        text = refused(fake)
    assert "the robot's USD cannot be opened" in text
    assert "/no/such/robot.usd" in text
    assert "robot_usd" in text


def test_an_articulation_that_is_no_ur3e_is_refused_with_its_joints(tmp_path: Path, hand: Path) -> None:
    robot = not_a_ur3e(tmp_path / "robot.usda")
    with kit("5.1", settings=SETTINGS | {"robot_usd": str(robot)}) as fake:
        session = KitSession(fake, session_cfg(hand))
        text = refused(fake, session.surroundings)
    assert "not a UR3e" in text
    assert "first_joint" in text


def test_without_an_articulation_in_the_stage_the_path_is_named(hand: Path) -> None:
    with kit("6.0", settings=SETTINGS | {"author_scene": False}) as fake:
        fake.context.get_stage().DefinePrim("/World/teletwin/camera", "Camera")
        session = KitSession(fake, session_cfg(hand))
        text = refused(fake, session.surroundings)
    assert "no articulation is in the stage" in text
    assert "/World/ur3e" in text


def test_without_a_gpu_the_arm_is_driven_without_a_picture(hand: Path) -> None:
    with kit("6.0", gpu=False, settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.5)
            assert app.state == "running"
            assert "cannot render" in app.warnings[0]
            assert "without a picture" in app.warnings[0]
            assert len(session.log.commands) > 100
            assert session.frames == []


def test_without_pyav_the_arm_is_driven_and_the_mend_is_told(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("av", "av.video.frame", "av.video.reformatter"):
        monkeypatch.setitem(sys.modules, name, None)
    with kit("6.0", settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.3)
            assert "packages are missing; given: av (pictures); run: " in app.warnings[0]
            assert "av (PyAV) is missing" in app.warnings[1]
            assert len(session.log.commands) > 50


def test_nvenc_asked_for_where_there_is_none_is_told(hand: Path) -> None:
    with kit("6.0", settings=SETTINGS | {"encoder": "nvenc"}) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.1)
            if app.status()["encoder"] == "none":
                assert "NVENC" in app.warnings[0]


def test_an_isaac_sim_of_old_is_refused_at_startup_and_at_start() -> None:
    with kit("5.1", version_text="4.5.0-rc.36", settings=SETTINGS | {"autostart": True}) as fake:
        text = refused(fake)
    assert "too old" in text
    assert "4.5.0" in text
    assert "5.1 or later" in text


def test_before_4_5_the_version_had_another_module_and_is_refused_too() -> None:
    with kit("5.1", settings=SETTINGS) as fake:
        sys.modules["isaacsim.core.version"] = None  # type: ignore[assignment]
        fake.app.get_extension_manager().set_extension_enabled_immediate("omni.isaac.version", True)
        assert "this Isaac Sim is too old" in refused(fake)


@pytest.mark.parametrize(
    ("version_text", "told"),
    [("6.1.0-rc.3", "6.1 is newer"), ("6.2.0", "6.2 is newer"), ("", "does not tell its version"), ("6.0.1-rc.7", "")],
)
def test_what_was_not_checked_is_admitted_with_a_warning(version_text: str, told: str, hand: Path) -> None:
    with kit("6.0", version_text=version_text, settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.3)
            assert app.state == "running"
            assert [told in text for text in app.warnings] == ([True] if told else [])
            app.stop()
            app.start()
            turns_until(fake, lambda app=app: app.state != "starting")
            assert len(app.warnings) == bool(told)  # once


def test_a_busy_port_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 8771))
        with kit("6.0", settings=SETTINGS) as fake:
            text = refused(fake)
    assert "the twin cannot listen" in text
    assert "127.0.0.1:8771" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"role": "king"}, "local, twin"),
        ({"motion_policy": "magic"}, "rmpflow, lula, cumotion"),
        ({"physics_rate_hz": 20.0}, "100 ... 1000"),
        ({"width": "wide"}, "/exts/teletwin/width"),
        ({"forecaster": "arma", "horizon_policy": "fixed", "horizon_control_ms": 900.0}, "0 ... 500 ms"),
        ({"session_token": "hush hush hush hush"}, "session_secret_file"),
        ({"page_token": "hush hush hush hush", "role": "local"}, "page_token_file"),
        ({"page_token_file": "/nowhere/token", "role": "local"}, "page's token cannot be read"),
        ({"session_secret_file": "/nowhere/secret"}, "secret cannot be read"),
        ({"bind": "10.1.2.3", "arm": "10.1.2.4"}, "needs a session secret"),
    ],
)
def test_a_setting_that_cannot_work_is_named_with_what_is_allowed(change: dict[str, object], says: str) -> None:
    with kit("6.0", settings=SETTINGS | change) as fake:
        assert says in refused(fake)


def test_a_stage_in_centimetres_is_refused(hand: Path) -> None:
    with kit("6.0", settings=SETTINGS) as fake:
        fake.context.open(meters_per_unit=0.01)
        session = KitSession(fake, session_cfg(hand))
        text = refused(fake, session.surroundings)
    assert "not in metres" in text


def test_a_stage_that_is_closed_ends_the_session(hand: Path) -> None:
    with kit("6.0", settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state == "running")
        fake.turn(steps=0)
        session.run(0.1)
        fake.context.open()
        fake.turn()
        assert extension._app.state == "stopped"
        assert "the stage was closed" in extension._app.warnings[-1]
        extension.on_shutdown()
        del extension
        assert fake.leftovers() == []


def test_a_fault_in_a_physics_step_ends_the_session_and_not_kit(hand: Path) -> None:
    with kit("6.0", settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state == "running")
        fake.turn(steps=0)
        session.run(0.1)
        extension._app.run.host.twin.tick = lambda now_ns: 1 / 0
        session.run(0.1)
        assert extension._app.state == "stopped"
        assert "ZeroDivisionError" in extension._app.warnings[-1]
        extension.on_shutdown()
        del extension
        assert fake.leftovers() == []


def test_another_kit_application_is_told_apart() -> None:
    with kit("6.0", settings=SETTINGS) as fake:
        sys.modules["isaacsim.core.version"] = None  # type: ignore[assignment]
        extension = fake.extension()
        extension.on_startup(EXT_ID)
        assert "not Isaac Sim" in extension._app.warnings[-1]
        extension.on_shutdown()
