"""Simulated time runs at wall time, headless and in the window; where it does not, it is told and the arm follows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake import FakeKit, kit
from kit_session import SETTINGS, KitSession, running, session_cfg, started, turns_until, write_recording

from teletwin.clock import VirtualClock
from teletwin.robot.ur3e import HOME_Q

pytest.importorskip("pxr", reason="usd-core is not installed")
LOOP = "/app/runLoops/main"
SMALL = {"width": 160, "height": 90, "rate_hz": 5.0}
"""Pictures that cost little."""
at_both = pytest.mark.parametrize("version", ["5.1", "6.0"])
with_and_without_a_window = pytest.mark.parametrize("window", [True, False], ids=["window", "headless"])


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("hand") / "eight.tum")


@pytest.mark.parametrize(("version", "window"), [("5.1", False), ("6.0", True), ("6.0", False)])
def test_simulated_time_runs_at_wall_time_however_short_a_turn_is(version: str, window: bool, hand: Path) -> None:
    with kit(version, window=window, settings=SETTINGS | SMALL) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.at_its_own_pace(work_s=0.004)
            session.run(3.0)
            assert app.status()["time_ratio"] == pytest.approx(1.0, abs=0.03)
            assert fake.physics.simulation_s == pytest.approx(3.0, abs=0.05)
            assert not app.warnings


def test_without_our_settings_a_headless_isaac_sim_would_run_ahead(hand: Path) -> None:
    """The stand-in's loop is as fast as Kit's, so that the tests above say something."""
    with kit("6.0", window=False, settings=SETTINGS | SMALL) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            fake.store.set(f"{LOOP}/rateLimitEnabled", False)
            session.at_its_own_pace(work_s=0.008)
            session.run(4.6)
            assert app.status()["time_ratio"] == pytest.approx(16.7 / 8.0, rel=0.05)
            (warning,) = app.warnings
            assert "times wall time, too fast" in warning
            assert "run loop" in warning


def test_a_machine_that_does_not_hold_the_rate_is_told_with_what_helps(hand: Path) -> None:
    with kit("5.1", settings=SETTINGS | SMALL) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.at_its_own_pace(work_s=0.033)
            session.run(4.6)
            (warning,) = app.warnings
            assert "simulated time runs at 0.5" in warning
            assert "too slow: lower physics_rate_hz, update_rate_hz" in warning


def test_a_hiccup_is_not_told(hand: Path) -> None:
    with kit("6.0", settings=SETTINGS | SMALL) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.at_its_own_pace(work_s=0.004)
            session.run(3.5)
            session.work_s = 0.2
            session.run(0.3)
            session.work_s = 0.004
            session.run(1.2)
            assert not app.warnings


@at_both
@with_and_without_a_window
def test_after_stop_everything_of_kits_is_as_it_was_before_start(version: str, window: bool, hand: Path) -> None:
    with kit(version, window=window, settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        before, alive = fake.state(), fake.leftovers()
        for _ in range(2):
            extension._app.start()
            turns_until(fake, lambda app=extension._app: app.state == "running")
            fake.turn(steps=0)
            assert fake.state() != before
            assert fake.replicator.viewport.updates_enabled is window
            session.run(0.3)
            extension._app.stop()
            fake.turn()
            assert fake.state() == before
            assert fake.leftovers() == alive
        extension.on_shutdown()
        del extension
        assert fake.leftovers() == []
        assert fake.state() == before


FAILURES: dict[str, dict[str, Any]] = {
    "no articulation is in the stage": {"author_scene": False, "robot_path": "/World/none"},
    "the robot's USD cannot be opened": {"robot_usd": "/no/such/robot.usd"},
    "x": {},
}


@pytest.mark.parametrize(("text", "settings"), FAILURES.items(), ids=["attach", "scene", "listen"])
@with_and_without_a_window
def test_after_a_start_that_fails_halfway_too(
    text: str, settings: dict[str, Any], window: bool, hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kit("6.0", window=window, settings=SETTINGS | settings) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        if not settings:  # the last thing of a start

            def fail(*_: Any) -> None:
                assert fake.store.get(f"{LOOP}/rateLimitFrequency") == 60.0
                raise ValueError(text)

            monkeypatch.setattr("teletwin.kit.events.on_stage", fail)
        before, alive = fake.state(), fake.leftovers()
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        for _ in range(3):
            fake.turn()
        assert extension._app.state == "stopped"
        assert text in extension._app.warnings[-1]
        assert fake.state() == before
        assert fake.leftovers() == alive
        extension.on_shutdown()
        del extension


def test_where_kit_has_its_plain_run_loop_the_rate_is_limited_and_given_back(hand: Path) -> None:
    with kit("6.0", settings=SETTINGS) as fake:
        sys.modules["omni.kit.loop"] = None  # type: ignore[assignment]
        before = fake.state()
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            assert app.state == "running"
            assert fake.store.get(f"{LOOP}/rateLimitFrequency") == 60.0
        assert fake.state() == before


def test_the_viewport_rests_where_nobody_sees_it_unless_it_is_wanted(hand: Path) -> None:
    for wish, rests in (("auto", True), ("on", False)):
        with kit("6.0", window=False, settings=SETTINGS | {"viewport": wish}) as fake:
            session = KitSession(fake, session_cfg(hand))
            for _ in running(fake, session.surroundings):
                count = fake.replicator.viewport_frames
                session.run(0.2)
                assert (fake.replicator.viewport_frames == count) is rests
            assert fake.replicator.viewport.updates_enabled


def test_a_viewport_that_is_streamed_goes_on(hand: Path) -> None:
    """Isaac Sim's streaming application has no window of its own, and somebody looks at its viewport."""
    with kit("5.1", window=False, settings=SETTINGS | {"window": "off"}) as fake:
        for name in ("omni.kit.mainwindow", "omni.services.livestream.nvcf"):
            fake.app.get_extension_manager().set_extension_enabled_immediate(name, True)
        session = KitSession(fake, session_cfg(hand))
        for _ in running(fake, session.surroundings):
            assert fake.replicator.viewport.updates_enabled


# The arm


def largest_error_rad(fake: FakeKit, ratio: float, *, learns: bool = True, frequency_hz: float = 1.0) -> float:
    """Of joints that swing by 0.3 rad, simulated time running at `ratio` times the wall's: when it has settled."""
    from teletwin.assets import asset_path
    from teletwin.kit.pace import StepPace
    from teletwin.kit.scene import SceneCfg, build_scene
    from teletwin.kit.world import IsaacWorld, simulated_prims

    cfg = SceneCfg(robot_usd=str(asset_path("robots", "ur3e", "ur3e.usda")))
    objects = build_scene(fake.context.get_stage(), cfg)
    world, clock, step_s = IsaacWorld(), VirtualClock(start_ns=10**9), 0.004
    fake.timeline.play()
    fake.turn(steps=0)
    world.attach(*simulated_prims(cfg.robot_path, objects))
    pace, t_s, errors = StepPace(clock), 0.0, []
    for turn in range(int(4.0 * 60 * ratio)):
        clock.sleep_until(10**9 + round(1e9 * turn / 60 / ratio))
        pace.begin_update()
        world.time_scale = pace.scale if learns else 1.0
        for _ in range(4 + (turn % 6 == 0)):  # 250 steps in 60 turns
            due_s = 1e-9 * (pace.step(step_s) - 10**9)
            while t_s + step_s <= due_s:  # as the rendering function does: steps of its own length on the wall
                t_s += step_s
                world.step(HOME_Q + 0.3 * np.sin(2.0 * np.pi * frequency_hz * t_s), step_s)
            world.flush()
            fake.physics.step(step_s)
            world.refresh()
        if turn > 120 * ratio:
            errors.append(np.abs(world.q - world._target).max())
    return float(max(errors))


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_the_arm_keeps_to_its_target_at_any_speed_of_the_simulation(ratio: float) -> None:
    with kit("6.0") as fake:
        error_rad, as_it_is_rad = (largest_error_rad(fake, ratio, learns=learns) for learns in (True, False))
    print(f"{ratio} of wall time: {1e3 * as_it_is_rad:.1f} mrad, scaled {1e3 * error_rad:.1f} mrad")
    assert error_rad < 0.015
    assert ratio == 1.0 or as_it_is_rad > 3.0 * error_rad


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_a_session_keeps_its_arm_near_the_target_at_half_and_double_speed(ratio: float, hand: Path) -> None:
    with kit("6.0", window=False, settings=SETTINGS | SMALL) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            if ratio > 1.0:
                fake.store.set(f"{LOOP}/rateLimitEnabled", False)
            session.at_its_own_pace(work_s=1.0 / 60.0 / ratio)
            session.run(2.0)
            assert app.status()["time_ratio"] == pytest.approx(ratio, rel=0.06)
            assert arm_error_rad(session, app.run._world) < 0.01


def arm_error_rad(session: KitSession, world: Any) -> float:
    """The largest of two seconds, between what the shown arm is told and where it is."""
    largest = 0.0
    for _ in range(200):
        session.advance(0.01)
        world.refresh()
        largest = max(largest, float(np.abs(world.q - world._target).max()))
    return largest
