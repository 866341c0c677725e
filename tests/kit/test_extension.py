"""The extension in the stand-in for Kit, at both versions: it starts, drives, streams, stops and reloads."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_motion
import numpy as np
import pytest
from fake import EXT_ID, FakeKit, forget_extension, kit
from kit_session import SETTINGS, CommandLog, KitSession, running, session_cfg, started, turns_until, write_recording

from teletwin.messages import Mode, ViewSettings
from teletwin.session.virtual import VirtualSession
from teletwin.view.decoder import Decoder

pytest.importorskip("pxr", reason="usd-core is not installed")
VERSIONS = ("5.1", "6.0")
at_both = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("hand") / "eight.tum")


@pytest.fixture(scope="module")
def embedded(hand: Path) -> np.ndarray:
    """What the embedded twin commands for the same input."""
    log = CommandLog()
    VirtualSession(session_cfg(hand), log=log).run(5.0)
    return log.joints()


@contextlib.contextmanager
def isaac(version: str, **options: Any) -> Iterator[FakeKit]:
    settings = SETTINGS | options.pop("settings", {})
    with kit(version, settings=settings, **options) as fake:
        yield fake
        assert fake.leftovers() == []
        assert fake.errors == []


@at_both
def test_five_seconds_in_kit_command_what_the_embedded_twin_commands(
    version: str, hand: Path, embedded: np.ndarray
) -> None:
    with isaac(version) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(5.0)
            assert app.state == "running"
            assert not app.warnings
            joints = session.log.joints()
            assert len(joints) > 1200
            np.testing.assert_allclose(joints, embedded[: len(joints)], rtol=0.0, atol=1e-6)
            assert np.ptp(joints[:, 1:7], axis=0).max() > 0.1
            _check_frames(session)
            _check_numbers(app.status())


def _check_frames(session: KitSession) -> None:
    """The camera's pixels went through the real encoder and say what they show."""
    frames = session.frames
    assert 100 < len(frames) <= 151
    assert frames[0].is_key
    picture = Decoder().decode(frames[0].data, codec=frames[0].codec, is_key=True)
    assert picture is not None
    assert picture.shape == (360, 640, 3)
    assert picture[180, 200, 0] > picture[180, 20, 0] + 100  # the camera's own pixels: red grows to the right
    assert {"draw", "encode", "simulation_clock"} <= frames[-1].stages_ms.keys()
    assert frames[-1].stages_ms["simulation_clock"] == pytest.approx(5000.0, abs=50.0)
    assert frames[-1].pose_t_ns > frames[0].pose_t_ns
    moved = np.array([frame.shown_pose[:3] for frame in frames])
    assert np.ptp(moved, axis=0).max() > 0.03
    assert session.metrics.display.mtp_ms.smoothed is not None


def _check_numbers(status: dict[str, object]) -> None:
    assert status["physics_rate_hz"] == pytest.approx(250.0, abs=2.0)
    assert status["frame_rate_hz"] == pytest.approx(30.0, abs=3.0)
    assert status["encoder"] in ("x264", "nvenc")
    for name in ("aol_ms", "uplink_age_ms", "command_age_ms", "horizon_control_ms", "horizon_render_ms"):
        assert isinstance(status[name], float), name


@at_both
def test_a_reloaded_extension_starts_again_and_nothing_of_the_old_one_lives(version: str, hand: Path) -> None:
    with isaac(version) as fake:
        for _ in range(2):
            session = KitSession(fake, session_cfg(hand))
            for app in running(fake, session.surroundings):
                session.run(0.3)
                assert app.status()["physics_rate_hz"]
            del app
            assert fake.leftovers() == []
            forget_extension()


@at_both
def test_stop_and_start_again_in_the_same_window(version: str, hand: Path) -> None:
    with isaac(version) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        alive = fake.leftovers()
        for _ in range(2):
            fake.ui.find("Button", "Start").press()
            turns_until(fake, lambda app=extension._app: app.state == "running")
            fake.turn(steps=0)
            session.run(0.2)
            fake.ui.find("Button", "Stop").press()
            fake.turn()
            assert extension._app.state == "stopped"
            assert fake.timeline.is_stopped()
            assert fake.leftovers() == alive
        extension.on_shutdown()
        del extension


@at_both
def test_without_a_window_nothing_of_the_ui_is_imported(version: str, hand: Path) -> None:
    with isaac(version, window=False) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.2)
            assert app.state == "running"
            assert not [name for name in sys.modules if name.startswith(("omni.ui", "omni.kit.menu"))]


def test_a_person_at_the_twin_holds_the_arm_whatever_the_operator_asks(hand: Path) -> None:
    with isaac("6.0") as fake:
        session = KitSession(fake, session_cfg(hand))
        for _ in running(fake, session.surroundings):
            session.run(1.0)
            fake.ui.find("Button", "Hold").press()
            session.run(1.0)
            held = [command.mode for command in session.log.commands[-50:]]
            assert set(held) == {Mode.HOLD}
            assert np.ptp(session.log.joints()[-50:, 1:7], axis=0).max() < 1e-9
            fake.ui.find("Button", "Engage").press()
            session.run(1.0)
            assert session.log.commands[-1].mode is Mode.ENGAGED


def test_several_physics_steps_of_one_turn_are_spread_over_its_time(hand: Path) -> None:
    with isaac("6.0") as fake:
        session = KitSession(fake, session_cfg(hand))
        session._period_ns, session.steps_per_turn = 20_000_000, 5
        for _ in running(fake, session.surroundings):
            session.run(2.0)
            apart_ms = 1e3 * np.diff(session.log.joints()[20:, 0])
            assert np.median(apart_ms) == pytest.approx(4.0, abs=0.2)
            assert apart_ms.min() > 0.0


def test_while_the_timeline_rests_the_operator_is_told_and_the_arm_holds(hand: Path) -> None:
    with isaac("6.0") as fake:
        session = KitSession(fake, session_cfg(hand))
        for _ in running(fake, session.surroundings):
            session.run(0.5)
            fake.timeline.pause()
            session.run(0.5)
            assert any("does not play" in text for text in session.operator.state.warnings)
            count = len(session.log.commands)
            session.run(0.3)
            assert len(session.log.commands) == count
            fake.timeline.play()
            session.run(0.3)
            assert len(session.log.commands) > count


@at_both
def test_the_timeline_may_stop_and_play_again_under_a_session(version: str, hand: Path) -> None:
    with isaac(version) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.3)
            fake.timeline.stop()
            session.run(0.2)
            fake.timeline.play()
            count = len(session.log.commands)
            session.run(0.5)
            assert app.state == "running"
            assert len(session.log.commands) > count


@at_both
def test_a_timeline_that_plays_already_starts_anew_with_the_session(version: str, hand: Path) -> None:
    with isaac(version) as fake:
        fake.timeline.play()
        fake.turn(steps=0)
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.5)
            assert app.status()["physics_rate_hz"]
            assert len(session.log.commands) > 100


def test_a_simulation_that_cannot_keep_up_is_told_once_in_words(hand: Path) -> None:
    with isaac("6.0") as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session._period_ns = 8_000_000
            session.run(4.5)
            assert len(app.warnings) == 1
            assert "simulated time runs at 0.50 times wall time, too slow" in app.warnings[0]


def test_another_length_of_physics_steps_is_told_and_the_arm_is_driven(hand: Path) -> None:
    with isaac("6.0", settings={"physics_rate_hz": 500.0}) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.5)
            assert "physics steps are 4.00 ms long, not the 2.00 ms asked for" in app.warnings[0]
            assert len(session.log.commands) > 100


@at_both
def test_isaacs_lula_drives_both_functions(version: str, hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with isaac(version, settings={"motion_policy": "lula"}) as fake:
        fake_motion.install(monkeypatch, version={"5.1": "5.1.0", "6.0": "6.0.1"}[version])
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(1.0)
            assert app.state == "running", app.warnings
            assert np.ptp(session.log.joints()[:, 1:7], axis=0).max() > 0.02


def test_cumotion_at_5_1_is_refused_with_what_there_is(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with isaac("5.1", settings={"motion_policy": "cumotion"}) as fake:
        fake_motion.install(monkeypatch, version="5.1.0")
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        assert extension._app.state == "stopped"
        assert "6.0" in extension._app.warnings[-1]
        extension.on_shutdown()
        del extension


@at_both
def test_the_operator_may_ask_for_another_picture_while_it_runs(version: str, hand: Path) -> None:
    with isaac(version) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.5)
            wish = ViewSettings(width=320, height=180, rate_hz=20.0, codec="jpeg")
            session.links["operator"].send_reliable("renderer", wish)
            session.run(0.5)
            newest = session.frames[-1]
            assert (newest.codec, newest.width, newest.height) == ("jpeg", 320, 180)
            picture = Decoder().decode(newest.data, codec="jpeg", is_key=True)
            assert picture is not None
            assert picture.shape == (180, 320, 3)
            assert app.status()["encoder"] == "jpeg"
            session.links["operator"].send_reliable("renderer", ViewSettings(width=640, height=360))
            session.run(0.5)
            assert session.frames[-1].codec == "h264"
            assert not app.warnings


def test_the_menu_entry_shows_and_hides_the_window_which_docks_once() -> None:
    with isaac("6.0") as fake:
        extension = started(fake, None)
        turns_until(fake, lambda: fake.ui.windows["teletwin"].docked)
        window = fake.ui.windows["teletwin"]
        fake.ui.click("Window", "teletwin")
        assert window.visible is False
        fake.ui.click("Window", "teletwin")
        assert window.visible is True
        fake.ui.show["teletwin"](False)
        assert window.visible is False
        extension.on_shutdown()
        del extension


def test_fields_and_settings_follow_each_other() -> None:
    with isaac("5.1") as fake:
        extension = started(fake, None)
        fake.ui.field("Operator").model.type_in("10.0.0.7")
        assert fake.store.get("/exts/teletwin/operator") == "10.0.0.7"
        fake.store.set("/exts/teletwin/horizon_control_ms", 120.0)
        assert fake.ui.field("Control horizon [ms]").model.get_value_as_float() == 120.0
        box = fake.ui.field("Motion policy")
        box.model.get_item_value_model().set_value(box.choices.index("lula"))
        assert fake.store.get("/exts/teletwin/motion_policy") == "lula"
        fake.store.set("/exts/teletwin/motion_policy", "rmpflow")
        assert box.choices[box.model.get_item_value_model().get_value_as_int()] == "rmpflow"
        extension.on_shutdown()
        del extension


@at_both
def test_settings_and_python_calls_do_what_the_buttons_do(version: str, hand: Path, tmp_path: Path) -> None:
    with isaac(version, settings={"record_path": ""}) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        from teletwin.kit import api

        fake.store.set("/exts/teletwin/command", "start")
        assert fake.store.get("/exts/teletwin/command") == ""
        turns_until(fake, lambda: api.status()["state"] == "running")
        fake.turn(steps=0)
        session.run(0.1)
        api.hold()
        assert api.status()["held"] is True
        fake.store.set("/exts/teletwin/command", "engage")
        assert api.status()["held"] is False
        fake.store.set("/exts/teletwin/command", "dance")
        assert "no command has this name" in extension._app.warnings[-1]
        api.configure(motion_policy="lula")
        assert fake.store.get("/exts/teletwin/motion_policy") == "lula"
        api.stop()
        assert api.status()["state"] == "stopped"
        extension.on_shutdown()
        with pytest.raises(Exception, match="not enabled"):
            api.status()
        del extension


def test_the_window_shows_numbers_curves_and_warnings(hand: Path) -> None:
    with isaac("6.0") as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(1.0)
            app.report("the coffee is cold")
            session.run(0.2)
            time.sleep(0.11)
            fake.turn(steps=0)
            assert fake.ui.find("Label", "Running")
            assert fake.ui.find("Label", "the coffee is cold")
            assert float(fake.ui.field("Physics steps a second", editable=False).text) > 200.0
            assert max(plot.values[-1] for plot in fake.ui.widgets if type(plot).__name__ == "Plot") > 0.0


def test_a_recording_is_started_and_ended_by_the_button(
    hand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with isaac("6.0") as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.2)
            app.record(True)
            app.run._recorder._work.join()
            assert app.status()["recording"] is True
            session.run(0.3)
            app.record(False)
            assert app.status()["recording"] is False
        (log,) = tmp_path.glob("*.mcap")
        assert log.stat().st_size > 10_000


@at_both
def test_autostart_needs_no_hand(version: str, hand: Path) -> None:
    with isaac(version, window=False, settings={"autostart": True}) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        turns_until(fake, lambda app=extension._app: app.state == "running")
        extension.on_shutdown()
        del extension


def test_an_extension_that_ends_while_it_starts_leaves_nothing() -> None:
    with isaac("6.0") as fake:
        extension = fake.extension()
        extension.on_startup(EXT_ID)
        extension._app.start()
        fake.turn(steps=0)
        extension.on_shutdown()
        del extension
        fake.turn(steps=0)
