"""Who drives, in a real Chromium: one page at a time, told to all, passed on by what a person does."""

from __future__ import annotations

import random
from typing import Any

import pytest
from conftest import FakeTwin
from test_page import drag, opened, snapshot, until

pytestmark = pytest.mark.live


def says(page: Any, text: str) -> None:
    until(page, f"document.getElementById('driver').textContent === '{text}'")


def changes(twin: FakeTwin) -> list[tuple[int, int, str]]:
    return [(e.values["before"], e.values["driver"], e.values["why"]) for e in twin.of("control")]


def test_a_page_that_goes_away_leaves_control_free_and_coming_back_is_not_enough(browser: Any) -> None:
    with FakeTwin() as twin, opened(browser, twin) as first, opened(browser, twin) as second:
        says(first, "You drive")
        drag(first, 20, 0, steps=2)
        first.reload()
        says(second, "Nobody drives")
        why = "document.getElementById('control-why').textContent"
        until(second, f'{why} === "Viewer 1\'s page went away: control is free"')
        says(first, "Nobody drives")
        drag(second, 20, 0, steps=2)
        before = len(twin.of("input"))
        first.click("#control-take")
        says(first, "You drive")
        says(second, "Viewer 3 drives")
        until(first, "document.getElementById('veil').hidden")
        drag(first, 20, 0, steps=2)
        twin.wait("input", before + 1)
        assert {event.viewer for event in twin.of("input")} == {1, 3}
        assert second.locator("button[data-command=engage]").is_disabled()
        assert second.locator("button[data-command=stop]").is_enabled()
    assert changes(twin)[:3] == [(0, 1, "began"), (1, 0, "left"), (0, 3, "taken")]


def test_who_drives_is_asked_and_gives_or_keeps(browser: Any) -> None:
    with FakeTwin() as twin, opened(browser, twin) as first, opened(browser, twin) as second:
        second.click("#control-ask")
        says(first, "Viewer 2 asks for control")
        until(second, "document.getElementById('control-ask').disabled")
        first.click("#control-keep")
        says(first, "You drive")
        until(second, "document.getElementById('notice').textContent.includes('keeps control')")
        first.select_option("#control-give", "2")
        says(second, "You drive")
        until(first, "document.getElementById('notice').textContent === 'You gave control to viewer 2'")
        first.click("#control-ask")
        says(second, "Viewer 1 asks for control")
        second.click("#control-yes")
        says(first, "You drive")
        first.select_option("#control-give", "release")
        says(second, "Nobody drives")
    assert changes(twin)[:4] == [(0, 1, "began"), (1, 2, "given"), (2, 1, "given"), (1, 0, "released")]


def test_control_is_taken_back_behind_a_confirmation_and_not_from_an_arm_that_moves(browser: Any) -> None:
    with FakeTwin() as twin, opened(browser, twin) as first, opened(browser, twin) as second:
        until(second, "document.getElementById('state-word').textContent === 'Engaged'")
        until(second, "document.getElementById('control-back').disabled")
        twin.engaged = False
        twin.telemetry |= {"mode": "hold"}
        until(second, "!document.getElementById('control-back').disabled")
        second.click("#control-back")
        assert "Viewer 1 drives now" in second.inner_text("#take-back")
        second.click("#take-back button[data-control=take_back]")
        says(second, "You drive")
        says(first, "Viewer 2 drives")
    assert changes(twin)[1] == (1, 2, "taken back")


def test_pages_that_drop_and_come_back_at_random_never_drive_unasked(browser: Any) -> None:
    dice = random.Random(4)
    with FakeTwin() as twin, opened(browser, twin) as first, opened(browser, twin) as second:
        pages = [first, second]
        for _ in range(12):
            page = dice.choice(pages)
            page.reload()
            until(page, "window.teletwin?.snapshot().control.driver !== undefined && teletwin.snapshot().opened > 0")
            page.wait_for_timeout(dice.randint(0, 120))
        for page in pages:
            drag(page, 20, 0, steps=2)
        drives = [snapshot(page)["control"]["you"] for page in pages]
    assert [why for _, _, why in changes(twin) if why != "left"] == ["began"]
    assert not any(drives) or changes(twin)[:1] == [(0, 1, "began")]


def test_the_link_leaves_no_token_in_the_address_and_its_session_serves_all_sockets(browser: Any) -> None:
    with FakeTwin(token="the-sessions-own-token-1") as twin, opened(browser, twin) as page:
        assert page.url == f"http://127.0.0.1:{twin.server.port}/"
        assert page.evaluate("document.cookie") == "", "no script can read it"
        page.reload()
        until(page, "window.teletwin?.snapshot().stream.drawn > 3")
        page.keyboard.press("Escape")
        twin.wait("stop")
