"""Role 'local' in the stand-in for Kit: operator, page and a simulated arm from one press of Start, in real time."""

from __future__ import annotations

import gc
import threading
import time
import urllib.request
from typing import Any

import pytest
from fake import EXT_ID, FakeKit, kit
from kit_session import started, turns_until

pytest.importorskip("pxr", reason="usd-core is not installed")
pytestmark = pytest.mark.live
SETTINGS = {"role": "local", "robot_usd": "teletwin", "page_port": 0}


STEPS = 4


def turn_for(fake: FakeKit, duration_s: float) -> float:
    """Turns of 16 ms with some physics steps, paced by the wall clock; how many steps there were in a second [Hz]."""
    start_s = due_s = time.monotonic()
    end_s, count = start_s + duration_s, 0
    while time.monotonic() < end_s:
        fake.turn(dt_s=0.004, steps=STEPS)
        count += STEPS
        due_s = max(due_s + 0.016, time.monotonic())
        time.sleep(due_s - time.monotonic() if due_s > time.monotonic() else 0.0)
    return count / (time.monotonic() - start_s)


@pytest.mark.parametrize("in_loop", [True, False])
def test_one_press_of_start_serves_the_page_and_moves_the_arm(in_loop: bool) -> None:
    answers: list[int] = []
    with kit("6.0", settings=SETTINGS | {"page_in_kit_loop": in_loop}) as fake:
        before = fake.state()
        extension = started(fake, None)
        fake.ui.find("Button", "Start").press()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        app: Any = extension._app
        assert app.state == "running", app.warnings
        url = app.status()["page"]
        asking = threading.Thread(target=lambda: answers.append(urllib.request.urlopen(url, timeout=5).status))
        asking.start()
        rate_hz = turn_for(fake, 2.0)
        asking.join(2.0)
        assert answers == [200]
        status = app.status()
        assert status["control_error_mm"] is None or status["control_error_mm"] < 100.0
        assert 0.4 * rate_hz < status["physics_rate_hz"] < 2.5 * rate_hz
        moved = app.run.host.numbers.command.q - app.run.host.numbers.arm.q
        assert abs(moved).max() < 0.5
        fake.store.set("/exts/teletwin/forecaster", "linear")
        turn_for(fake, 0.3)
        assert app.run._local.operator.desk.forecaster == "linear"
        fake.store.set("/exts/teletwin/forecaster", "arma")
        assert fake.state()["switch interval"] < before["switch interval"]
        app.hold()
        turn_for(fake, 0.5)
        assert app.run._local.row["mode"] == "hold"
        extension.on_shutdown()
        del extension, app
        for _ in range(200):
            fake.turn()
            time.sleep(0.01)
        gc.collect()
        assert fake.leftovers() == []
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("teletwin")]
        of_ours = {"/exts/teletwin/forecaster": "arma"}
        assert fake.state() == before | of_ours


def test_a_busy_page_port_is_named() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with kit("5.1", settings=SETTINGS | {"page_port": port}) as fake:
            extension = started(fake, None)
            extension._app.start()
            turns_until(fake, lambda app=extension._app: app.state != "starting")
            assert extension._app.state == "stopped"
            assert f"port is in use; given: 127.0.0.1:{port}" in extension._app.warnings[-1]
            extension.on_shutdown()
            del extension
            assert fake.leftovers() == []


def test_a_hand_that_this_version_lacks_leaves_the_pages() -> None:
    with kit("5.1", settings=SETTINGS | {"hand_input": "openxr"}) as fake:
        extension = started(fake, None)
        extension._app.start()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        assert extension._app.state == "running"
        assert len(extension._app.warnings) == 1
        extension.on_shutdown()
        for _ in range(100):
            fake.turn()
            time.sleep(0.01)


def test_what_is_still_being_built_when_kit_ends_is_closed_too() -> None:
    built: list[str] = []
    began = threading.Event()

    class SlowRoles:
        def __init__(self, cfgs: Any, **_: Any) -> None:
            began.set()
            time.sleep(0.3)
            built.append("built")

        def close(self) -> None:
            built.append("closed")

    with kit("6.0", settings=SETTINGS) as fake:
        extension = fake.extension()
        from teletwin.kit.twin_app import Surroundings

        extension.surroundings = Surroundings(local=SlowRoles)  # type: ignore[arg-type]
        extension.on_startup(EXT_ID)
        extension._app.start()
        end_s = time.monotonic() + 20.0
        while not began.is_set() and time.monotonic() < end_s:
            fake.turn(steps=0)
            time.sleep(0.01)
        extension.on_shutdown()
        del extension
        for _ in range(60):
            fake.turn(steps=0)
            time.sleep(0.01)
        assert built == ["built", "closed"]
        assert fake.leftovers() == []
