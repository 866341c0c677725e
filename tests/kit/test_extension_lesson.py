"""Step 2 of training from the window in the stand-in for Kit: a lesson begins, is paused, goes on and is quit."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake import FakeKit, kit
from kit_session import started, turns_until

from teletwin.assets import asset_path

pytest.importorskip("pxr", reason="usd-core is not installed")
pytestmark = pytest.mark.live
TRAINER = '''#!{python}
"""Stands in for `teletwin train horizon --step human --learner-only`: offers a lesson, and says what it kept."""
import json, os, socket, sys, tempfile, threading

assert sys.argv[1:6] == ["train", "horizon", "--step", "human", "--learner-only"], sys.argv
assert sys.argv[6:8] == ["--forecaster", "arma"], sys.argv
assert "PYTHONPATH" not in os.environ
if "--refuse" in sys.argv:
    sys.exit("teletwin train horizon: rl_games is not installed")
if "--slow" in sys.argv:
    sys.stdin.read()
    sys.exit()
place = tempfile.mkdtemp()
path = os.path.join(place, "learner")
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(path)
listener.listen(1)
task = {{"seed": 5, "speed_m_s": 0.06}}
offer = {{"lesson": {{"channel": path, "task": task, "countdown_s": 0.0}}, "policy_file": {policy!r}}}
print("teletwin: something else first", flush=True)
print("lesson " + json.dumps(offer), flush=True)
rows = 0
def listen():
    global rows
    session, _ = listener.accept()
    session.send(json.dumps({{"kind": "state", "phase": "learning", "epochs": 2}}).encode())
    while session.recv(65536):
        rows += 1
threading.Thread(target=listen, daemon=True).start()
while os.read(0, 4096):
    pass
print(f"teletwin: policy: runs/lesson with {{rows >= 0}} rows", flush=True)
'''


@pytest.fixture
def trainer(tmp_path: Path) -> str:
    path = tmp_path / "trainer"
    policy = str(asset_path("policies", "default.npz"))
    path.write_text(TRAINER.format(python=sys.executable, policy=policy), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def turn_until(fake: FakeKit, met: Callable[[], bool], *, within_s: float = 60.0) -> None:
    """Turns of 16 ms with four physics steps, paced by the wall clock, until something is so."""
    end_s = time.monotonic() + within_s
    while not met():
        assert time.monotonic() < end_s, "it did not come to be"
        fake.turn(dt_s=0.004, steps=4)
        time.sleep(0.012)


@pytest.fixture
def lesson(trainer: str) -> Iterator[tuple[FakeKit, Any]]:
    """The window, with nothing started; at the end nothing of it is left."""
    settings = {"role": "local", "robot_usd": "teletwin", "page_port": 0, "lesson_trainer": trainer}
    with kit("6.0", settings=settings) as fake:
        extension = started(fake, None)
        yield fake, extension._app
        extension.on_shutdown()
        del extension
        end_s = time.monotonic() + 20.0
        while left_threads() and time.monotonic() < end_s:
            fake.turn(steps=0)
            time.sleep(0.01)
        assert left_threads() == []
        assert fake.leftovers() == []
        assert fake.errors == []


def draw_by(fake: FakeKit, app: Any, begin: Callable[[], None]) -> None:
    """Begin, once a second until the dot runs: on a busy machine the arm may not be ready, or pause it at once."""
    pressed_s = 0.0

    def runs() -> bool:
        nonlocal pressed_s
        if app.run._local.operator.lesson.drawing.state == "running":
            return True
        if time.monotonic() > pressed_s + 1.0:
            pressed_s = time.monotonic()
            begin()
        return False

    turn_until(fake, runs)


def left_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("teletwin")]


def shows(fake: FakeKit, text: str) -> bool:
    return any(text in widget.text for widget in fake.ui.widgets if type(widget).__name__ == "Label")


def press(fake: FakeKit, name: str) -> None:
    fake.ui.find("Button", name).press()


def test_a_lesson_begins_pauses_goes_on_and_ends_by_the_windows_buttons(lesson: tuple[FakeKit, Any]) -> None:
    fake, app = lesson
    press(fake, "Lesson")
    turns_until(fake, lambda: app.state != "starting")
    assert app.state == "running", app.warnings
    operator = app.run._local.operator
    assert operator.lesson is not None
    assert operator.cfg.lesson.task.speed_m_s == 0.06  # the learner's own options
    turn_until(fake, lambda: (app.status()["lesson"] or {}).get("state") == "ready")
    turn_until(fake, lambda: shows(fake, "Ready; policy 0, 2 epochs"))
    assert app.status()["lesson"]["learner"]["epochs"] == 2
    draw_by(fake, app, lambda: press(fake, "Lesson"))
    press(fake, "Pause lesson")
    turn_until(fake, lambda: app.status()["lesson"]["state"] == "paused")
    from teletwin.kit import api

    draw_by(fake, app, api.lesson)
    fake.store.set("/exts/teletwin/horizon_policy", "fixed")  # a lesson goes on as it began
    fake.store.set("/exts/teletwin/command", "quit_lesson")
    turn_until(fake, lambda: app.state == "stopped")
    assert operator.desk.horizon.policy == "learned"
    turn_until(fake, lambda: "policy: runs/lesson" in app.warnings[-1])
    assert app.status()["lesson"] is None
    app.start()  # and an ordinary session after it
    turns_until(fake, lambda: app.state != "starting")
    assert app.state == "running"
    assert app.run._local.operator.lesson is None
    press(fake, "Pause lesson")
    assert "this session is no lesson" in app.warnings[-1]


def test_stop_ends_a_lesson_too_and_the_learner_keeps_what_it_learned(lesson: tuple[FakeKit, Any]) -> None:
    fake, app = lesson
    app.lesson()
    turns_until(fake, lambda: app.state != "starting")
    assert app.state == "running", app.warnings
    app.stop()
    turn_until(fake, lambda: bool(app.warnings) and "policy: runs/lesson" in app.warnings[-1])


def test_stop_while_the_learner_comes_up_leaves_nothing(lesson: tuple[FakeKit, Any]) -> None:
    fake, app = lesson
    app.settings.set("lesson_options", "--slow")
    press(fake, "Lesson")
    fake.turn(steps=0)
    assert app.state == "starting"
    press(fake, "Stop")
    assert app.state == "stopped"
    turn_until(fake, lambda: left_threads() == [])
    assert app.state == "stopped"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"lesson_options": "--refuse"}, "the learner could not start; given: .*rl_games is not installed"),
        ({"lesson_options": "--out 'runs"}, "lesson_options is no command line"),
        ({"lesson_trainer": "/nowhere/teletwin"}, "nothing here can train; given: /nowhere/teletwin.*scripts/train.py"),
        ({"role": "twin"}, "lessons are for role local"),
    ],
    ids=["the learner refuses", "bad options", "no trainer", "operator elsewhere"],
)
def test_a_lesson_that_cannot_be_is_one_line(lesson: tuple[FakeKit, Any], settings: dict[str, str], told: str) -> None:
    import re

    fake, app = lesson
    for name, value in settings.items():
        app.settings.set(name, value)
    press(fake, "Lesson")
    turns_until(fake, lambda: app.state != "starting")
    assert app.state == "stopped"
    assert re.search(told, app.warnings[-1]), app.warnings[-1]
