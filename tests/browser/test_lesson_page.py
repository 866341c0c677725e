"""The page of a lesson in a real Chromium: curve, dot, countdown, buttons, scores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import FakeTwin
from test_page import drag, opened, until

from teletwin.clock import NS_PER_S
from teletwin.hand.drawing_task import DrawingTaskCfg
from teletwin.session.lesson_drawing import Drawing, lesson_task

pytestmark = pytest.mark.live
COUNTDOWN_S = 2.0
DOT = """() => {
  const canvas = document.getElementById("lesson-canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let n = 0, x = 0, y = 0;
  for (let i = 0; i < data.length; i += 4)
    if (data[i] === 255 && data[i + 1] === 210 && data[i + 2] === 63 && data[i + 3] === 255) {
      n += 1;
      x += (i / 4) % canvas.width;
      y += Math.floor(i / 4 / canvas.width);
    }
  return [(x / n - canvas.width / 2) / canvas.height, (y / n - canvas.height / 2) / canvas.height, n];
}"""
"""The middle of the dot's pixels, in picture heights from the picture's middle, and how many they are."""


class TeachingTwin(FakeTwin):
    """Pictures, and a lesson that obeys its buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.drawing = Drawing(lesson_task(DrawingTaskCfg(seed=3)), countdown_s=COUNTDOWN_S)
        self.server._hello |= {"policies": ["learned"], "lesson": self.drawing.shape()}
        self.learner: dict[str, object] = {"phase": "starting", "policy": 0, "rows": 0}
        for second in range(25):
            self.drawing.score.add(float(second), 0.012 if second < 12 else 0.0064)
        self.show()

    def show(self) -> None:
        row = self.drawing.row() | {"left_s": 81.2, "learner": self.learner}
        mode = "engaged" if row["state"] == "running" else "hold"
        self.telemetry |= {"mode": mode, "lesson": row, "policy": "learned"}

    def _hear(self, event: Any) -> None:
        name = event.values.get("name") if event.kind == "command" else None
        if name == "lesson_start":
            self.drawing.start(self.clock.now_ns())
        elif name in ("lesson_pause", "lesson_quit"):
            self.drawing.pause(self.clock.now_ns())
        if name is not None:
            self.show()
        super()._hear(event)

    def place(self, t_s: float) -> np.ndarray:
        """Where the dot is on the page at a time of the task."""
        from teletwin.view.camera import Camera

        return Camera().project(self.drawing.task.target(t_s), 1, 1) - 0.5


@pytest.fixture
def twin() -> Iterator[TeachingTwin]:
    with TeachingTwin() as twin:
        yield twin


def test_curve_and_dot_are_drawn_and_a_demo_shows_none(browser: Any, twin: TeachingTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "teletwin.snapshot().lesson?.state === 'ready'")
        page.wait_for_timeout(100)
        x, y, count = page.evaluate(DOT)
        assert (x, y) == pytest.approx(twin.place(0.0).tolist(), abs=0.004)
        assert count > 60
        assert page.inner_text("#lesson-start") == "Start"
        assert page.inner_text("#lesson-learner") == "The learner is starting"
        assert page.inner_text("#who") == "Drag in the picture to take the tool"
    with FakeTwin() as demo, opened(browser, demo) as page:
        assert page.is_hidden("#lesson")
        assert page.is_hidden("#lesson-canvas")


def test_start_counts_down_then_the_dot_runs_by_the_servers_clock(browser: Any, twin: TeachingTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "teletwin.snapshot().lesson?.state === 'ready' && teletwin.snapshot().offset_known")
        page.click("button[data-lesson=start]")
        until(page, "teletwin.snapshot().lesson.untilGo_s > 0.5")
        assert twin.commands() == ["lesson_start"]
        until(page, "teletwin.snapshot().lesson.t_s > 0.7")
        before_s = twin.drawing.time_s(twin.clock.now_ns())
        shown_s = page.evaluate("teletwin.snapshot().lesson.t_s")
        after_s = twin.drawing.time_s(twin.clock.now_ns())
        assert before_s - 0.01 < shown_s < after_s + 0.01
        x, y, _ = page.evaluate(DOT)
        seen_s = twin.drawing.time_s(twin.clock.now_ns())
        way = np.linalg.norm([twin.place(t) - (x, y) for t in np.linspace(shown_s - 0.1, seen_s + 0.02, 60)], axis=1)
        assert way.min() < 0.006, "the dot is where the task says"
        drag(page, 60, 20)
        twin.learner = {"phase": "learning", "policy": 7, "epochs": 8, "steps": 2048, "rows": 2100}
        twin.show()
        until(page, "document.getElementById('lesson-learner').textContent.startsWith('Policy 7')")
        assert page.inner_text("#lesson-learner") == "Policy 7 · 8 epochs · 2,048 steps"
        assert float(page.inner_text("#lesson-score")) == pytest.approx(6.4, abs=0.1)
        assert page.inner_text("#lesson-trend").endswith("mm closer")
        assert page.inner_text("#lesson-left") == "1:22 left"
        if os.environ.get("TELETWIN_SCREENSHOTS"):
            page.screenshot(path=f"{os.environ['TELETWIN_SCREENSHOTS']}/lesson.png")


def test_pause_holds_the_dot_and_quit_says_that_it_is_over(browser: Any, twin: TeachingTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "teletwin.snapshot().lesson?.state === 'ready' && teletwin.snapshot().offset_known")
        page.keyboard.press("Enter")
        until(page, "teletwin.snapshot().lesson.t_s > 0.1")
        page.click("button[data-lesson=pause]")
        until(page, "teletwin.snapshot().lesson.state === 'paused'")
        kept_s = page.evaluate("teletwin.snapshot().lesson.t_s")
        page.wait_for_timeout(300)
        assert page.evaluate("teletwin.snapshot().lesson.t_s") == kept_s
        assert kept_s == pytest.approx(twin.drawing.time_s(twin.clock.now_ns()), abs=1e-6)
        assert page.inner_text("#lesson-start") == "Go on"
        page.click("button[data-lesson=quit]")
        twin.wait("command", 3)
        twin.server.__exit__(None, None, None)
        until(page, "!document.getElementById('veil').hidden")
        assert "The lesson is over" in page.inner_text("#veil-text")
    assert twin.commands() == ["lesson_start", "lesson_pause", "lesson_quit"]
    assert twin.drawing.time_s(2**62) < 2**62 / NS_PER_S


def test_who_watches_cannot_press_the_buttons(browser: Any, twin: TeachingTwin) -> None:
    with opened(browser, twin), opened(browser, twin) as second:
        until(second, "teletwin.snapshot().lesson !== null")
        assert all(second.locator(f"button[data-lesson={name}]").is_disabled() for name in ("start", "pause", "quit"))


@pytest.mark.parametrize("width", [380, 1440])
def test_nothing_sticks_out_in_a_lesson(browser: Any, twin: TeachingTwin, width: int) -> None:
    with opened(browser, twin, width=width) as page:
        until(page, "teletwin.snapshot().lesson !== null")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
