"""Pictures are our camera's, and say what they show: by their own simulated time, however late they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake import FakeKit, kit
from kit_session import SETTINGS, KitSession, running, session_cfg, write_recording

from teletwin.messages import Frame
from teletwin.robot.ur3e import tool_pose_in_ur_base

pytest.importorskip("pxr", reason="usd-core is not installed")
SMALL = {"width": 160, "height": 90}


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("hand") / "eight.tum")


def tools_by_time(fake: FakeKit, monkeypatch: pytest.MonkeyPatch) -> dict[int, np.ndarray]:
    """Where the stage's arm had its tool [m], by simulated time [ms], filled while physics steps."""
    tools: dict[int, np.ndarray] = {}
    step = fake.physics.step

    def noted(dt_s: float) -> None:
        step(dt_s)
        (arm,) = fake.physics.arms
        tools[round(1e3 * fake.physics.simulation_s)] = tool_pose_in_ur_base(arm._q.copy())[:3]

    monkeypatch.setattr(fake.physics, "step", noted)
    return tools


def furthest_m(frames: list[Frame], tools: dict[int, np.ndarray]) -> float:
    """Between what frames say that they show, and what the stage showed at their simulated time."""
    apart = [
        np.linalg.norm(frame.shown_pose[:3] - tools[round(frame.stages_ms["simulation_clock"])]) for frame in frames
    ]
    return float(max(apart))


@pytest.mark.parametrize(("late_updates", "steps"), [(0, 1), (0, 4), (1, 4), (3, 4)])
def test_a_picture_says_what_it_shows_however_many_updates_it_comes_late(
    late_updates: int, steps: int, hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kit("6.0", settings=SETTINGS | SMALL) as fake:
        fake.replicator.late_updates = late_updates
        tools = tools_by_time(fake, monkeypatch)
        session = KitSession(fake, session_cfg(hand))
        session.steps_per_turn, session._period_ns = steps, 4_000_000 * steps
        for app in running(fake, session.surroundings):
            session.run(2.0)
            assert not app.warnings
        frames = session.frames[5:]
        assert len(frames) > 20
        assert furthest_m(frames, tools) < 1e-5


@pytest.mark.parametrize("version", ["5.1", "6.0"])
def test_a_viewports_frames_are_not_taken_for_the_cameras(version: str, hand: Path) -> None:
    """The viewport renders 120 times a second, our camera's product is still warming up, then it stops."""
    with kit(version, settings=SETTINGS | SMALL) as fake:
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(0.5)
            count = len(session.frames)
            assert count > 5
            source = app.run._picture._source
            source._product, kept = None, source._product  # the camera makes no frame; the viewport goes on
            session.run(0.5)
            assert fake.replicator.viewport_frames > 200
            assert len(session.frames) == count
            source._product = kept
            session.run(0.5)
            assert len(session.frames) > count + 5


def test_a_frame_that_nobody_wants_costs_no_evaluation(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """250 updates a second, 30 pictures: the graph behind the annotators runs for the pictures alone."""
    with kit("6.0", settings=SETTINGS | SMALL) as fake:
        evaluations: list[Any] = []
        evaluate = fake.replicator.evaluate
        monkeypatch.setattr(fake.replicator, "evaluate", lambda graph: (evaluations.append(graph), evaluate(graph)))
        session = KitSession(fake, session_cfg(hand))
        for _ in running(fake, session.surroundings):
            session.run(2.0)
            assert 40 < len(evaluations) < 80


def test_after_a_stop_of_the_timeline_pictures_show_the_new_run(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated time begins at zero again: no state of the old run is taken for the new one's."""
    with kit("6.0", settings=SETTINGS | SMALL) as fake:
        fake.replicator.late_updates = 1
        session = KitSession(fake, session_cfg(hand))
        for app in running(fake, session.surroundings):
            session.run(1.0)
            fake.timeline.stop()
            session.run(0.3)
            fake.timeline.play()
            count, start = len(session.frames), app.run.host.simulation_s
            session.run(1.0)
            fresh = session.frames[count + 2 :]
            assert len(fresh) > 10
            clocks = [1e-3 * frame.stages_ms["simulation_clock"] for frame in fresh]
            assert min(clocks) >= start - 0.01
            assert np.all(np.diff(clocks) > 0.0)
