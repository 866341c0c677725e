"""The page in a real Chromium: what a person sees, does, and can trust."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from conftest import CREDIT, FakeTwin

pytestmark = pytest.mark.live


@contextmanager
def opened(browser: Any, twin: FakeTwin, *, width: int = 1280, height: int = 800, script: str = "") -> Iterator[Any]:
    """The page of a twin, with the first picture on it; no error may stay unseen."""
    page = browser.new_page(viewport={"width": width, "height": height})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    page.set_default_timeout(15_000)
    if script:
        page.add_init_script(script)
    try:
        page.goto(twin.server.url)
        until(page, "window.teletwin?.snapshot().stream.drawn > 3")
        yield page
    finally:
        page.close()
    assert errors == []


@pytest.fixture
def twin() -> Iterator[FakeTwin]:
    with FakeTwin() as twin:
        yield twin


def until(page: Any, expression: str, timeout_s: float = 15.0) -> None:
    """Wait for an expression to become true; the page's own policy forbids Playwright's wait_for_function."""
    ends = time.monotonic() + timeout_s
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < ends, f"never came true: {expression}; {page.evaluate('window.teletwin?.snapshot()')}"
        page.wait_for_timeout(20)


def snapshot(page: Any) -> dict[str, Any]:
    return page.evaluate("teletwin.snapshot()")


def ball_centre(page: Any) -> tuple[float, float]:
    """Where the orange ball is in the decoded pixels."""
    return tuple(
        page.evaluate(
            """() => {
              const canvas = document.getElementById("picture");
              const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              let n = 0, x = 0, y = 0;
              for (let i = 0; i < data.length; i += 4)
                if (data[i] > 180 && data[i + 2] < 110) {
                  n += 1;
                  x += (i / 4) % width;
                  y += Math.floor(i / 4 / width);
                }
              return [x / n, y / n];
            }"""
        )
    )


def drag(page: Any, dx: float, dy: float, *, steps: int = 20, wait_ms: int = 15) -> None:
    box = page.locator("#picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(x + dx * step / steps, y + dy * step / steps)
        page.wait_for_timeout(wait_ms)
    page.mouse.up()


def test_pictures_are_decoded_drawn_and_acknowledged_within_their_credit(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "teletwin.snapshot().stream.drawn > 30")
        state = snapshot(page)
        assert ball_centre(page) == pytest.approx((320, 180), abs=3)
    assert state["codec"] == "h264"
    assert state["stream"]["errors"] == 0
    assert state["stream"]["mismatches"] == 0, "the number in the pixels is the number in the header"
    assert state["isolated"], "without isolation the page's clock is too coarse to measure with"
    assert twin.most_unacked <= CREDIT
    drawn = [event for event in twin.of("ack") if event.values["drawn"]]
    assert len(drawn) > 20
    assert all(event.values["barcode_ok"] for event in drawn)
    assert any(event.t_ns < event.received_ns for event in drawn), "draws are dated in the server's clock"


def test_a_drag_moves_the_hand_and_every_input_gets_a_latency(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        before = ball_centre(page)
        scale = page.locator("#picture").bounding_box()["height"] / 360
        drag(page, 120 * scale, -60 * scale)
        until(page, "(() => { const m = teletwin.snapshot().mtp; return m.samples === m.inputs; })()")
        after = ball_centre(page)
        counted = snapshot(page)["mtp"]
        page.wait_for_timeout(400)
    assert after[0] - before[0] == pytest.approx(120, abs=8), "the ball in the pixels follows the pointer"
    assert after[1] - before[1] == pytest.approx(-60, abs=8)
    inputs = twin.of("input")
    assert [event.values["seq"] for event in inputs] == list(range(1, len(inputs) + 1)), "no input is lost or repeated"
    assert inputs[0].values["clutch"]
    assert not inputs[-1].values["clutch"], "letting go opens the clutch"
    assert {event.values["device"] for event in inputs} == {"mouse"}
    assert counted["lost"] == 0
    samples = twin.mtp_samples()
    assert len({seq for seq, _ in samples}) >= len(inputs) - 2
    assert 0 < float(np.median([mtp for _, mtp in samples])) < 500


def test_a_hand_held_still_is_said_again_at_sixty_hertz(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        box = page.locator("#picture").bounding_box()
        page.mouse.move(box["x"] + 50, box["y"] + 50)
        page.mouse.down()
        page.wait_for_timeout(1000)
        page.mouse.up()
    assert len(twin.wait("input")) > 25


def test_wheel_shift_and_keys_reach_depth_and_orientation(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.locator("#picture").hover()
        page.mouse.wheel(0, 200)
        until(page, "teletwin.snapshot().hand[2] > 0.01")
        page.keyboard.down("Shift")
        drag(page, 80, 0, steps=5)
        page.keyboard.up("Shift")
        hand = snapshot(page)["hand"]
        assert hand[0] == pytest.approx(0, abs=1e-9), "Shift turns and does not move"
        assert abs(hand[5]) > 0.1, "a drag to the side swings about the vertical"
        page.keyboard.down("d")
        until(page, "teletwin.snapshot().hand[0] > 0.02")
        assert snapshot(page)["clutch"], "a motion key holds the clutch"
        page.keyboard.up("d")
        assert not snapshot(page)["clutch"]
        page.keyboard.press("Space")
        assert snapshot(page)["clutch"]
        page.keyboard.press("Space")
        assert not snapshot(page)["clutch"]
    assert twin.of("input")[-1].values["device"] == "keyboard"


def test_buttons_and_keys_send_their_commands(browser: Any, twin: FakeTwin) -> None:
    names = ["engage", "hold", "stop", "record", "recentre", "reset", "replay"]
    with opened(browser, twin) as page:
        for name in names:
            page.click(f"button[data-command={name}]")
        page.keyboard.press("Escape")
        twin.wait("command", len(names) + 1)
    assert twin.commands() == [*names, "stop"]
    assert twin.of("command")[3].values["values"] == {"on": True}


def test_keys_work_after_a_control_was_used_and_a_control_keeps_only_its_own(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.locator("input[data-setting='link.delay_ms']").focus()
        page.keyboard.press("ArrowRight")
        assert not snapshot(page)["clutch"], "arrows belong to the slider"
        page.keyboard.press("h")
        page.keyboard.press("Enter")
        page.keyboard.down("d")
        until(page, "teletwin.snapshot().hand[0] > 0.01")
        page.keyboard.up("d")
        page.locator("button[data-command=record]").focus()
        page.keyboard.press("Enter")
        twin.wait("command", 3)
        rate = page.locator("select[data-view=rate_hz]")
        rate.focus()
        page.keyboard.press("h")
        twin.wait("command", 4)
        rate.dispatch_event("change")
        assert page.evaluate("document.activeElement.dataset.view") == "rate_hz", "a choice by keys keeps the focus"
        rate.dispatch_event("pointerdown")
        rate.dispatch_event("change")
        assert page.evaluate("document.activeElement === document.body"), "a choice by pointer gives it back"
    assert twin.commands() == ["hold", "engage", "record", "hold"]


def test_behind_the_help_only_hold_works_and_esc_closes_it_and_does_nothing_else(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.keyboard.press("/")
        assert page.is_visible("#help h2")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("w")
        page.keyboard.press("c")
        page.keyboard.press("h")
        page.keyboard.press("Escape")
        assert page.is_hidden("#help h2")
        twin.wait("command", 1)
        page.wait_for_timeout(200)
        assert twin.commands() == ["hold"]
        page.keyboard.press("Escape")
        twin.wait("command", 2)
    assert twin.commands() == ["hold", "stop"], "without the help Esc stops"
    assert twin.of("input") == []


def test_a_motion_key_does_not_stick_when_meta_swallows_its_release(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.keyboard.down("d")
        until(page, "teletwin.snapshot().clutch")
        page.evaluate("window.dispatchEvent(new KeyboardEvent('keyup', { key: 'Meta', code: 'MetaLeft' }))")
        page.wait_for_timeout(50)
        assert not snapshot(page)["clutch"]


def test_a_browser_without_gamepads_goes_on(browser: Any, twin: FakeTwin) -> None:
    script = "navigator.getGamepads = () => { throw new DOMException('not allowed', 'SecurityError'); };"
    with opened(browser, twin, script=script) as page:
        until(page, "document.getElementById('state-word').textContent === 'Engaged'")


def test_sliders_and_choices_say_what_is_wanted_and_follow_what_is_so(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        delay = page.locator("input[data-setting='link.delay_ms']")
        until(page, "document.querySelector('input[data-setting=\"link.delay_ms\"]').value === '60'")
        delay.fill("120")
        page.locator("input[data-setting='link.loss']").fill("2")
        horizon = page.locator("input[data-setting='horizons.control_ms']")
        assert horizon.is_disabled(), "the rule sets the horizons"
        page.select_option("select[data-choice=policy]", "fixed")
        assert horizon.is_enabled()
        first, second = (event for event in twin.wait("settings", 4) if event.values["name"] != "link")
        assert first.values["name"] == "horizons", "fixed horizons begin where the sliders stand"
        assert first.values["values"]["control_ms"] > 100
        assert second.values == {"name": "policy", "values": {"policy": "fixed"}}
        horizon.fill("200")
        twin.wait("settings", 5)
    said = {event.values["name"]: {} for event in twin.of("settings")}
    for event in twin.of("settings"):
        said[event.values["name"]].update(event.values["values"])
    assert said == {
        "link": {"delay_ms": 120, "loss": pytest.approx(0.02)},
        "policy": {"policy": "fixed"},
        "horizons": {"control_ms": 200, "render_ms": pytest.approx(140, abs=20)},
    }


def test_the_picture_and_limits_follow_what_is_so_even_beyond_what_the_page_offers(
    browser: Any, twin: FakeTwin
) -> None:
    twin.telemetry |= {
        "view": {"rate_hz": 15.0, "bitrate_mbps": 12.0},
        "link": {"delay_ms": 400.0, "jitter_ms": 0.0, "loss": 0.0},
        "limits": {"max_speed_rad_s": 2.0, "workspace_radius_m": 0.4, "workspace_height_m": 0.11},
    }
    with opened(browser, twin) as page:
        until(page, "document.querySelector('select[data-view=rate_hz]').value === '15'")
        assert page.locator("select[data-view=rate_hz] option:checked").inner_text() == "15 a second"
        shown = {"view.bitrate_mbps": "12", "link.delay_ms": "400", "limits.workspace_height_m": "11"}
        assert {name: page.input_value(f"input[data-setting='{name}']") for name in shown} == shown
        page.fill("input[data-setting='limits.workspace_height_m']", "15")
        assert twin.wait("settings")[0].values["values"] == {"workspace_height_m": pytest.approx(0.15)}


def test_states_and_missing_numbers_are_told_in_words(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "document.getElementById('state-word').textContent === 'Engaged'")
        twin.telemetry = {"mode": "hold", "fault": "The link is silent", "aol_ms": None, "recording": True}
        until(page, "document.getElementById('state-word').textContent === 'Fault'")
        assert page.inner_text("#state-text") == "The link is silent"
        assert page.inner_text("#notice") == "The link is silent"
        assert page.inner_text("button[data-command=record]") == "Stop recording"
        until(
            page,
            "[...document.querySelectorAll('.card')].some(c => "
            "c.innerText.startsWith('Age of loop') && c.innerText.includes('–'))",
        )
        twin.telemetry = {"mode": "hold", "fault": ""}
        until(page, "document.getElementById('state-word').textContent === 'Hold'")
        drag(page, 30, 0, steps=3)
        assert "Press Engage" in page.inner_text("#notice"), "who moves an arm on hold is told why it stays"


def test_a_lost_picture_is_told_and_the_stream_goes_on_from_a_key_frame(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        drawn = snapshot(page)["stream"]["drawn"]
        twin.lose_frame_id = twin._frame_id + 5
        until(page, "teletwin.snapshot().stream.gaps === 1")
        until(page, f"teletwin.snapshot().stream.drawn > {drawn + 30}")
        assert snapshot(page)["stream"]["errors"] == 0
    assert any(event.values["need_key"] for event in twin.of("ack"))


def test_the_page_comes_back_when_the_server_starts_again(browser: Any) -> None:
    with FakeTwin() as first:
        port = first.server.port
        with opened(browser, first) as page:
            drag(page, 30, 0, steps=5)
            seq = snapshot(page)["input_seq"]
            first.__exit__()
            until(page, "!document.getElementById('veil').hidden")
            assert "Connection lost" in page.inner_text("#veil")
            drawn = snapshot(page)["stream"]["drawn"]
            with FakeTwin(port=port) as second:
                until(page, f"teletwin.snapshot().stream.drawn > {drawn + 10}")
                assert page.is_hidden("#veil")
                drag(page, 30, 0, steps=5)
                assert second.wait("input")[0].values["seq"] > seq, "input numbers go on"
            first._threads = []


def test_a_picture_that_comes_no_more_is_not_taken_for_live(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "document.getElementById('veil').hidden")
        twin.frozen.set()
        until(page, "!document.getElementById('veil').hidden")
        assert page.inner_text("#veil-text") == "No new picture for 2 s; the arm may still be moving."
        twin.frozen.clear()
        until(page, "document.getElementById('veil').hidden")


def test_a_page_whose_token_is_of_an_earlier_start_is_told_so(browser: Any) -> None:
    with FakeTwin(token="the-first-starts-own-token") as first:
        port = first.server.port
        with opened(browser, first) as page:
            first.__exit__()
            with FakeTwin(port=port, token="another-starts-other-token"):
                until(page, "document.getElementById('veil-text').textContent.includes('needs its link')")
            first._threads = []


def test_what_was_refused_and_warnings_outrank_a_standing_trouble(browser: Any, twin: FakeTwin) -> None:
    script = "delete window.VideoDecoder; Object.defineProperty(window, 'isSecureContext', { get: () => false });"
    with opened(browser, twin, script=script) as page:
        until(page, "document.getElementById('notice').textContent.startsWith('Sending JPEG')")
        twin.telemetry |= {"warnings": ["the renderer is silent"]}
        until(page, "document.getElementById('notice').textContent === 'the renderer is silent'")


def test_without_a_video_decoder_the_page_asks_for_jpeg_and_draws_it(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin, script="delete window.VideoDecoder") as page:
        drag(page, 100, 0)
        until(page, "(() => { const m = teletwin.snapshot().mtp; return m.samples === m.inputs; })()")
        state = snapshot(page)
        assert ball_centre(page)[0] > 330
    assert twin.codec == "jpeg"
    assert state["codec"] == "jpeg"
    assert state["stream"]["mismatches"] == 0
    assert twin.most_unacked <= CREDIT


def test_the_size_of_the_picture_may_change_while_it_runs(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.select_option("select[data-view=size]", "1280x720")
        assert twin.wait("settings")[0].values["values"] == {"width": 1280, "height": 720}


def test_a_device_that_moves_the_hand_is_called_by_its_name(browser: Any, twin: FakeTwin) -> None:
    twin.server._hello |= {"device": "SpaceMouse"}
    with opened(browser, twin) as page:
        until(page, "document.getElementById('hand-label').textContent === 'SpaceMouse'")
        assert page.inner_text("#who") == "SpaceMouse moves it: drag in the picture to take over"
        assert page.inner_text("button[data-command=replay]") == "Back to the SpaceMouse"
        twin.telemetry |= {"hand": "person"}
        page.wait_for_timeout(300)
        assert page.inner_text("#hand-label") == "SpaceMouse", "the page's own hand does not move"
        page.keyboard.down("d")
        until(page, "document.getElementById('hand-label').textContent === 'Your hand · moving the arm'")
        page.keyboard.up("d")


def test_a_second_page_watches_and_may_only_stop(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as first, opened(browser, twin) as second:
        until(second, "document.getElementById('driver').textContent === 'Viewer 1 drives'")
        until(second, "document.getElementById('control-why').textContent === 'You are watching'")
        assert second.locator("button[data-command=engage]").is_disabled()
        drag(second, 50, 0, steps=3)
        twin.telemetry |= {"hand": "person"}
        until(second, "document.getElementById('hand-label').textContent === \"The driver's hand\"")
        second.click("button[data-command=stop]")
        twin.wait("command")
        assert twin.of("input") == []
        drawn = snapshot(first)["stream"]["drawn"]
        until(first, f"teletwin.snapshot().stream.drawn > {drawn + 10}")


@pytest.mark.parametrize("width", [380, 760, 1440])
def test_nothing_sticks_out_at_any_width(browser: Any, twin: FakeTwin, width: int) -> None:
    with opened(browser, twin, width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.click("#help-open")
        assert page.is_visible("#help h2")
