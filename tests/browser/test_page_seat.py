"""The page as a seat: read by everybody, fits every screen, covers nothing, says what is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import FakeTwin
from test_page import opened, until

pytestmark = pytest.mark.live

SIZES = [(390, 844), (844, 390), (768, 1024), (1280, 720), (1920, 1080), (3840, 2160)]
"""A phone upright and on its side, a tablet, a laptop, a screen, a large one."""
CONTROLS = "button, input, select, a[href]:not(.skip)"
COVERED = """(selector) => {
  const seen = [];
  for (const node of document.querySelectorAll(selector)) {
    if (!node.checkVisibility()) continue;
    node.scrollIntoView({ block: "center" });
    const box = node.getBoundingClientRect();
    if (box.left < 0 || box.right > innerWidth + 0.5) seen.push([node.id || node.textContent.trim(), "sticks out"]);
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const labels = [...(node.labels ?? [])];
    const isSeen = top && (node.contains(top) || top.contains(node) || labels.some((label) => label.contains(top)));
    const name = node.id || node.textContent.trim() || node.dataset.setting;
    if (!isSeen) seen.push([name, "is covered by", top?.id || top?.className]);
  }
  scrollTo(0, 0);
  return seen;
}"""
IN_VIEW = """(selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth && box.height >= 30;
}"""
TIP_COVERS = """(index) => {
  const node = [...document.querySelectorAll("[data-tip]")].filter((each) => each.checkVisibility())[index];
  if (!node) return null;
  document.getElementById("tip").hidden = true;
  node.scrollIntoView({ block: "center" });
  return new Promise((resolve) => setTimeout(() => {
    node.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    const tip = document.getElementById("tip").getBoundingClientRect();
    const overlaps = (box) => Math.min(box.right, tip.right) > Math.max(box.left, tip.left)
      && Math.min(box.bottom, tip.bottom) > Math.max(box.top, tip.top);
    const under = [...document.querySelectorAll("button, input, select, a[href]"), node]
      .filter((each) => each.checkVisibility() && overlaps(each.getBoundingClientRect()));
    const isOnScreen = tip.left >= 0 && tip.top >= 0 && tip.right <= innerWidth && tip.bottom <= innerHeight;
    const isInside = tip.width > 0 && isOnScreen;
    resolve({ tip: node.dataset.tip, under: under.map((each) => each.outerHTML.slice(0, 80)), isInside });
  }, 30));
}"""


def axe() -> str:
    """Deque's axe-core (MPL-2.0), as a package of the tests carries it; never part of the page."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text()


def violations(page: Any) -> list[tuple[str, str]]:
    page.evaluate(axe())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] }).then((said) => said.violations)")
    return [
        (each["id"], node["html"][:160] + " | " + node["failureSummary"][:300])
        for each in found
        for node in each["nodes"]
    ]


def test_axe_finds_nothing_to_complain_of(browser: Any) -> None:
    with FakeTwin() as twin:
        twin.server._hello |= {"allocators": ["off", "equal"]}
        with opened(browser, twin) as page:
            assert violations(page) == [], "with the tour"
            page.click("[data-tour=skip]")
            page.click("#allocation-fold")
            page.evaluate("document.getElementById('views').hidden = false")
            assert violations(page) == [], "with everything unfolded"
            page.click("#help-open")
            assert violations(page) == [], "in the help"
            page.keyboard.press("Escape")
            twin.telemetry |= {"fault": "The link is silent", "forecast": False, "warnings": ["a warning"]}
            until(page, "document.getElementById('state-word').textContent === 'Fault'")
            until(page, "document.getElementById('forecast-word').textContent === 'off'")
            assert violations(page) == [], "at fault, without forecast"


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("tour", [True, False], ids=["tour", "no tour"])
def test_every_screen_shows_stop_and_covers_no_control(browser: Any, width: int, height: int, tour: bool) -> None:
    with FakeTwin() as twin, opened(browser, twin, width=width, height=height) as page:
        if not tour:
            page.click("[data-tour=skip]")
        for bottom in (0, 1e6):
            page.evaluate(f"scrollTo(0, {bottom})")
            assert page.evaluate(IN_VIEW, "button[data-command=stop]"), "Stop is in view wherever the page stands"
            assert page.evaluate(IN_VIEW, "#forecast")
        page.evaluate("scrollTo(0, 0)")
        page.click("button[data-command=hold]")
        page.locator("#forecast").focus()
        assert page.evaluate("scrollY") == 0, "what is at hand is reached without moving the page"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(COVERED, CONTROLS) == []
        picture = page.locator("#picture-frame").bounding_box()
        assert picture["width"] / picture["height"] == pytest.approx(16 / 9, rel=0.02)
        least = 0.4 * min(width, height * 16 / 9)
        assert picture["width"] >= least, "the picture is what one looks at"
        text = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert text >= max(14.0, 0.0055 * width), "nothing is tiny on a large screen"


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_tips_cover_no_control(browser: Any, twin: FakeTwin, width: int, height: int) -> None:
    with opened(browser, twin, width=width, height=height) as page:
        page.click("[data-tour=skip]")
        index = 0
        while (said := page.evaluate(TIP_COVERS, index)) is not None:
            assert said["isInside"], said
            assert said["under"] == [], said
            index += 1
        assert index > 30


@pytest.fixture
def twin() -> Any:
    with FakeTwin() as twin:
        yield twin


def test_a_tip_is_told_as_the_description_of_its_control(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        described = """(selector) => {
          const node = document.querySelector(selector);
          return document.getElementById(node.getAttribute("aria-describedby"))?.textContent;
        }"""
        assert "Stop now" in page.evaluate(described, "button[data-command=stop]")
        assert "each message travels" in page.evaluate(described, "input[data-setting='link.delay_ms']")
        assert "real arm's tool" in page.evaluate(described, "#charts h2")


def test_the_page_has_one_heading_landmarks_and_an_order_of_keys(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        assert page.locator("h1").all_inner_texts() == ["teletwin"]
        assert "where your hand is about to be" in page.inner_text(".what")
        assert page.evaluate("[...document.querySelectorAll('header.top, main, nav')].length") == 3
        page.evaluate("document.body.focus()")
        order = []
        for _ in range(8):
            page.keyboard.press("Tab")
            order.append(page.evaluate("document.activeElement.dataset.command ?? document.activeElement.id"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", order
        assert order[1:7] == ["share-open", "help-open", "engage", "hold", "stop", "forecast"], order


def test_motion_is_reduced_and_forced_colors_keep_every_state(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.emulate_media(reduced_motion="reduce", forced_colors="active")
        assert page.evaluate("getComputedStyle(document.querySelector('.veil i')).animationName") == "none"
        assert page.evaluate("getComputedStyle(document.getElementById('forecast')).outlineStyle") == "solid"
        twin.telemetry |= {"forecast": False}
        until(page, "document.getElementById('forecast').getAttribute('aria-checked') === 'false'")
        assert page.evaluate("getComputedStyle(document.getElementById('forecast')).outlineStyle") == "none"


def test_the_tour_is_walked_by_keys_and_never_comes_again(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "!document.getElementById('tour').hidden")
        page.locator("[data-tour=next]").focus()
        seen = []
        for _ in range(3):
            seen.append(page.inner_text("#tour-count"))
            page.keyboard.press("Enter")
        assert seen == ["1 of 3", "2 of 3", "3 of 3"]
        assert page.is_hidden("#tour")
        page.reload()
        until(page, "window.teletwin?.snapshot().stream.drawn > 3")
        assert page.is_hidden("#tour")
        page.click("#help-open")
        page.click("#tour-again")
        assert page.is_visible("#tour")
    assert "engage" not in twin.commands(), "Enter pressed the tour's button, not Engage"


def test_the_switch_asks_for_no_forecast_and_shows_what_is_so(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.click("#forecast")
        assert twin.wait("settings")[0].values == {"name": "forecast", "values": {"on": False}}
        assert page.inner_text("#forecast-how") == "feed-forward only"
        twin.telemetry |= {"forecast": False, "policy": "fixed"}
        page.wait_for_timeout(1500)
        assert page.get_attribute("#forecast", "aria-checked") == "false"
        assert "feed-forward only" in page.inner_text("#key-twin")
        assert "with forecast" not in page.inner_text("#charts"), "no line says that it has one"
        assert page.locator("input[data-setting='horizons.control_ms']").is_disabled()
        page.keyboard.press("f")
        assert twin.wait("settings", 2)[1].values["values"] == {"on": True}
        twin.telemetry |= {"forecast": True}
        page.wait_for_timeout(1500)
        assert page.get_attribute("#forecast", "aria-checked") == "true"
        assert page.locator("input[data-setting='horizons.control_ms']").is_enabled()
        assert "with forecast" in page.inner_text("#charts")


def card(page: Any, title: str) -> str:
    return page.evaluate(
        "(title) => [...document.querySelectorAll('.charts .card')].find((card) => "
        "card.querySelector('h2').textContent === title).innerText",
        title,
    )


def why(page: Any, title: str) -> str:
    return page.evaluate(
        "(title) => [...document.querySelectorAll('.charts h2')].find((head) => "
        "head.textContent === title).dataset.tip",
        title,
    )


def numbers_of(page: Any, title: str) -> list[str]:
    return page.evaluate(
        "(title) => [...[...document.querySelectorAll('.charts .card')].find((card) => "
        "card.querySelector('h2').textContent === title).querySelectorAll('b')].map((b) => b.textContent)",
        title,
    )


def test_an_arm_that_does_not_follow_has_no_errors_to_show(browser: Any, twin: FakeTwin) -> None:
    twin.telemetry |= {"mode": "off", "control_error_mm": 0.0, "control_error_shadow_mm": 0.0}
    with opened(browser, twin) as page:
        page.wait_for_timeout(2500)
        assert set(numbers_of(page, "Arm error")) == {"–"}
        assert "does not follow the hand" in why(page, "Arm error")
        twin.telemetry |= {"mode": "engaged", "control_error_mm": 2.5}
        until(page, "document.querySelector('.charts .card b').textContent === '2.5'")
        until(page, "!document.querySelector('.charts h2').dataset.tip.includes('does not follow')")


def test_a_hand_at_rest_and_an_absurd_latency_show_no_number(browser: Any, twin: FakeTwin) -> None:
    twin.telemetry |= {"hand_xyz": [0.1, 0.1, 0.0], "effective_mtp_ms": 1124.0}
    with opened(browser, twin) as page:
        page.wait_for_timeout(3500)
        assert numbers_of(page, "Hand to screen") == ["–", "–"]
        assert "the hand rests" in why(page, "Hand to screen")
        del twin.telemetry["hand_xyz"]
        for step in range(45):
            twin.telemetry["effective_mtp_ms"] = -112.0 - 0.01 * step
            page.wait_for_timeout(100)
        felt, measured = numbers_of(page, "Hand to screen")
        assert felt == "–"
        assert float(measured) > 100.0
        assert "cannot be so" in why(page, "Hand to screen")
        twin.telemetry["mtp_ms"] = 150.0
        page.wait_for_timeout(4500)
        assert numbers_of(page, "Hand to screen") == ["–", "–"], "an old measurement is none"


def test_a_link_is_shared_and_its_page_watches_stops_and_is_put_out(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        page.click("#share-open")
        page.click("#share-make")
        until(page, "document.getElementById('share-link').value.includes('?token=')")
        link = page.input_value("#share-link")
        assert violations(page) == []
        context = browser.new_context()
        guest = context.new_page()
        guest.goto(link)
        until(guest, "window.teletwin?.snapshot().stream.drawn > 3")
        assert "token" not in guest.url
        assert "for watching" in guest.inner_text("#control-why")
        for name in ("#control-ask", "#control-take", "#control-back", "#share-open"):
            assert guest.is_hidden(name), name
        assert guest.locator("button[data-command=engage]").is_disabled()
        assert guest.locator("#forecast").is_disabled()
        guest.click("button[data-command=stop]")
        twin.wait("stop", 1)
        page.click("#share-end")
        until(guest, "!document.getElementById('veil').hidden")
        until(guest, "document.getElementById('veil-text').textContent.includes('has ended')")
        until(page, "document.getElementById('share-note').textContent.includes('Sharing has ended')")
        page.keyboard.press("Escape")
        assert page.is_hidden("#share h2")
        context.close()
    assert "stop" not in twin.commands()[1:], "Esc closed the dialog and did nothing else"


def test_a_recording_says_where_it_goes_and_is_offered_when_it_is_whole(browser: Any, twin: FakeTwin) -> None:
    with opened(browser, twin) as page:
        twin.telemetry |= {"recording": True, "recording_file": "teletwin-7.mcap", "recorded": []}
        until(page, "document.getElementById('recorded').innerText.includes('Recording to teletwin-7.mcap')")
        assert page.is_hidden("#recorded-file")
        twin.telemetry |= {"recording": False, "recording_file": "", "recorded": ["teletwin-7.mcap"]}
        until(page, "!document.getElementById('recorded-file').hidden")
        assert page.get_attribute("#recorded-file", "href") == "recordings/teletwin-7.mcap"
