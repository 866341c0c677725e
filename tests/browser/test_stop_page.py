"""Stop, the enabling input and what is known of the arm, in a real Chromium."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import FakeTwin
from test_page import opened, snapshot, until

pytestmark = pytest.mark.live
IN_FORCE = {
    "max_speed_rad_s": 1.0,
    "max_tool_speed_m_s": 0.25,
    "max_body_speed_m_s": 0.25,
    "workspace_radius_m": 0.4,
    "workspace_height_m": 0.11,
    "reduced": True,
    "robot": "UR3e",
    "is_real": True,
    "notes": ["arm: max_tool_speed_m_s 0.25 is tighter than here"],
}


@pytest.fixture
def twin() -> Iterator[FakeTwin]:
    with FakeTwin() as twin:
        yield twin


def notice(page: Any, text: str) -> None:
    until(page, f"document.getElementById('notice-text').textContent.includes({text!r})")


def test_stop_goes_two_ways_and_is_repeated_until_the_arm_has_it(browser: Any, twin: FakeTwin) -> None:
    twin.telemetry |= {"stop": {"asked": 6, "at_arm": 6}}
    with opened(browser, twin) as page:
        page.wait_for_timeout(150)
        page.click("button[data-command=stop]")
        notice(page, "Stop sent")
        assert len(twin.wait("stop", 3)) >= 3
        assert {(e.values["number"], e.viewer) for e in twin.of("stop")} == {(7, 1)}, "counted on from the newest"
        assert [e.values for e in twin.wait("command")] == [{"name": "stop", "values": {"number": 7}}]
        twin.telemetry |= {"stop": {"asked": 7, "at_arm": 7}}
        notice(page, "Stop at the arm")
        page.wait_for_timeout(150)
        said = len(twin.of("stop"))
        page.wait_for_timeout(400)
        assert len(twin.of("stop")) == said, "who was heard is silent"
        assert snapshot(page)["stop"]["heard"] == said


def test_an_unconfirmed_stop_is_told_in_red_and_engaging_ends_it(browser: Any, twin: FakeTwin) -> None:
    twin.telemetry |= {"stop": {"asked": 0, "at_arm": 0}}
    with opened(browser, twin) as page:
        page.keyboard.press("Escape")
        notice(page, "has not confirmed it")
        assert page.get_attribute("#notice", "data-kind") == "fault"
        page.keyboard.press("Escape")
        twin.wait("command", 2)
        page.keyboard.press("Enter")
        page.wait_for_timeout(150)
        said = len(twin.of("stop"))
        page.wait_for_timeout(300)
        assert len(twin.of("stop")) == said, "an old Stop does not come after Engage"


def test_without_a_connection_stop_says_so(browser: Any) -> None:
    with FakeTwin() as twin, opened(browser, twin) as page:
        twin.__exit__()
        twin._threads = []
        until(page, "!document.getElementById('veil').hidden")
        page.keyboard.press("Escape")
        notice(page, "could NOT be sent")
        assert page.is_visible("#notice")


def beats(twin: FakeTwin) -> list[bool]:
    return [event.values["held"] for event in twin.of("enable")]


def beats_end_after(page: Any, twin: FakeTwin, what: str) -> None:
    """While something is held, beats come; after `what` the next word is that nothing is held, and then none."""
    before = len(beats(twin))
    twin.wait("enable", before + 8)
    ended = page.evaluate(f"(() => {{ {what}; return teletwin.snapshot().enable_seq; }})()")
    page.wait_for_timeout(300)
    told = [event.values for event in twin.of("enable")]
    assert told[-1] == {"seq": ended, "held": False}, "said before the next frame, and nothing after it"
    assert all(event["held"] for event in told[before:-1])


def test_heartbeats_of_the_enabling_input_end_at_once(browser: Any, twin: FakeTwin) -> None:
    twin.telemetry |= {"needs_enabling": True, "enabling": False}
    hide = "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
    with opened(browser, twin) as page:
        until(page, "document.getElementById('enabling').textContent.startsWith('Hold the picture')")
        until(page, "document.getElementById('state-text').textContent.includes('Nobody holds')")
        box = page.locator("#picture").bounding_box()
        page.mouse.move(box["x"] + 50, box["y"] + 50)
        page.mouse.down()
        until(page, "document.getElementById('enabling').dataset.state === 'held'")
        beats_end_after(page, twin, "window.dispatchEvent(new Event('blur'))")
        page.mouse.up()
        page.keyboard.down("Space")
        beats_end_after(page, twin, f"{hide} document.dispatchEvent(new Event('visibilitychange', {{bubbles: true}}))")
        page.evaluate("delete document.hidden")
        page.keyboard.up("Space")
        page.keyboard.down("d")
        beats_end_after(page, twin, "window.dispatchEvent(new Event('pagehide'))")
        page.keyboard.up("d")
        page.mouse.down()
        cancel = "new PointerEvent('pointercancel', {pointerId: 1, bubbles: true})"
        beats_end_after(page, twin, f"document.getElementById('picture').dispatchEvent({cancel})")
        page.mouse.up()
        page.keyboard.down("Space")
        twin.wait("enable", len(beats(twin)) + 5)
        page.keyboard.up("Space")
        page.wait_for_timeout(200)
        assert beats(twin)[-1] is False
        page.keyboard.down("w")
        twin.wait("enable", len(beats(twin)) + 5)
        newest = [event.received_ns for event in twin.of("enable")[-5:]]
        assert (newest[-1] - newest[0]) / 4 < 100_000_000, "several in 100 ms, also where frames are slow"
        page.close()
        twin.wait("control", 2)
        said = len(beats(twin))
        time.sleep(0.2)
        assert len(beats(twin)) == said
    seqs = [event.values["seq"] for event in twin.of("enable")]
    assert seqs == sorted(set(seqs))
    assert twin.of("control")[-1].values["why"] == "left"


def test_a_clutch_that_space_latched_enables_nothing(browser: Any, twin: FakeTwin) -> None:
    twin.telemetry |= {"needs_enabling": False}
    with opened(browser, twin) as page:
        until(page, "document.getElementById('enabling').textContent === 'Virtual arm: no enabling input needed'")
        page.keyboard.press("Space")
        assert snapshot(page)["clutch"]
        twin.telemetry |= {"needs_enabling": True}
        until(page, "!teletwin.snapshot().clutch")
        page.keyboard.down("Space")
        twin.wait("enable", 3)
        page.keyboard.up("Space")
        until(page, "!teletwin.snapshot().clutch")
    assert beats(twin)[-1] is False


PAD = """
const button = (value) => ({ pressed: value > 0, value });
window.pad = { mapping: "standard", axes: [0, 0, 0, 0], buttons: Array.from({ length: 17 }, () => button(0)) };
navigator.getGamepads = () => [window.pad];
window.press = (...numbers) => {
  window.pad.buttons = Array.from({ length: 17 }, (_, number) => button(numbers.includes(number) ? 1 : 0));
};
"""


@pytest.mark.parametrize("buttons", [[4], [4, 5], [6, 7]])
def test_bumpers_and_triggers_of_a_gamepad_enable_even_when_they_cancel_out(
    browser: Any, twin: FakeTwin, buttons: list[int]
) -> None:
    twin.telemetry |= {"needs_enabling": True}
    with opened(browser, twin, script=PAD) as page:
        until(page, "document.getElementById('enabling').dataset.state === 'open'")
        page.evaluate(f"press(...{buttons})")
        twin.wait("enable", 3)
        page.evaluate("window.dispatchEvent(new Event('blur'))")
        page.wait_for_timeout(200)
        assert beats(twin)[-1] is False, "what is still pressed must be let go first"
        page.evaluate("press()")
        page.wait_for_timeout(100)
        page.evaluate(f"press(...{buttons})")
        until(page, "document.getElementById('enabling').dataset.state === 'held'")
        page.evaluate("window.pad = null")
        until(page, "document.getElementById('enabling').dataset.state === 'open'")
    assert beats(twin)[-1] is False


def test_engaged_is_said_only_while_rows_are_fresh(browser: Any, twin: FakeTwin) -> None:
    twin.telemetry |= {"state": "engaged", "arm_heard_ms": 40}
    with opened(browser, twin) as page:
        until(page, "document.getElementById('state-word').textContent === 'Engaged'")
        twin.silent.set()
        until(page, "document.getElementById('state-word').textContent === 'Waiting'", 3.0)
        words = "document.getElementById('state-text').textContent"
        until(page, rf"/^Nothing heard from the arm for 1\.[0-9] s$/.test({words})")
        twin.telemetry |= {"state": "unknown", "arm_heard_ms": 2300}
        twin.silent.clear()
        until(page, f"{words}.startsWith('Nothing heard from the arm for 2.')")
        twin.telemetry |= {"state": "hold", "outage": "the arm was silent for 2.3 s: press Engage to go on"}
        notice(page, "The arm was silent for 2.3 s: press Engage to go on")
        page.wait_for_timeout(4000)
        notice(page, "press Engage to go on")
        twin.telemetry |= {"state": "engaged", "outage": ""}
        until(page, "document.getElementById('notice').hidden")


def test_limits_that_are_shown_are_those_in_force_at_the_arm(browser: Any, twin: FakeTwin) -> None:
    asked = {key: 1.5 for key in IN_FORCE if key.startswith("max")}
    twin.telemetry |= {"limits": asked | {"workspace_radius_m": 0.48, "workspace_height_m": 0.02}, "in_force": None}
    with opened(browser, twin) as page:
        until(page, "document.getElementById('in-force').textContent.includes('has not told its limits yet')")
        assert not page.is_checked("#reduced")
        twin.telemetry |= {"in_force": IN_FORCE}
        until(page, "document.querySelector('input[data-setting=\"limits.max_tool_speed_m_s\"]').value === '0.25'")
        assert page.input_value("input[data-setting='limits.workspace_height_m']") == "11"
        assert page.is_checked("#reduced")
        assert "tighter than here" in page.inner_text("#in-force")
        assert page.inner_text("#robot") == "Real UR3e, reduced"
