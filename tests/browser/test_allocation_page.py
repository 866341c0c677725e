"""The page's panel of link and compute in a real Chromium: numbers, squeeze, allocators, and warnings that pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import FakeTwin
from test_page import opened, until

pytestmark = pytest.mark.live
ROW: dict[str, object] = {
    "allocator": "backlog",
    "link_share": 0.61,
    "compute_share": 0.34,
    "capacity_mbps": 1.48,
    "queue_request_ms": 83.0,
    "queue_update_ms": 21.0,
    "link_backlog_ms": 37.0,
    "aori_ms": 118.0,
    "aosi_ms": 64.0,
    "bitrate_mbps": 0.82,
    "width": 480,
    "height": 270,
    "rate_hz": 30.0,
    "update_rate_hz": 40.0,
    "physics_rate_hz": 125.0,
    "clamped": 0,
    "refused": 3,
    "fallbacks": 0,
}
"""As the renderer tells it, ten times a second."""
LINK = "input[data-setting='squeeze.bandwidth_mbps']"
COMPUTE = "input[data-setting='squeeze.compute_share']"


class DividedTwin(FakeTwin):
    """Pictures of a renderer that divides link and compute."""

    def __init__(self) -> None:
        super().__init__()
        self.server._hello |= {"allocators": ["equal", "static", "proportional", "backlog", "ppo", "off"]}
        self.telemetry |= {"allocation": ROW, "squeeze": {"bandwidth_mbps": 0.0, "compute_share": 1.0}}

    def said(self, name: str) -> dict[str, object]:
        """The newest values of each setting of that name."""
        values: dict[str, object] = {}
        for event in self.of("settings"):
            if event.values["name"] == name:
                values |= event.values["values"]
        return values


@pytest.fixture
def twin() -> Iterator[DividedTwin]:
    with DividedTwin() as twin:
        yield twin


def read(page: Any) -> dict[str, list[str]]:
    """The numbers of each card, by its title."""
    return page.evaluate(
        """Object.fromEntries([...document.querySelectorAll("#allocation .plots .card")].map((card) =>
          [card.querySelector("h2").textContent, [...card.querySelectorAll(".values b")].map((b) => b.textContent)]))"""
    )


def in_force(page: Any) -> dict[str, str]:
    """What the panel says is in force, by its label."""
    return page.evaluate(
        """Object.fromEntries([...document.querySelectorAll("#allocation-chosen dt")].map((term) =>
          [term.textContent, term.nextElementSibling.textContent]))"""
    )


def test_the_panel_shows_queues_shares_ages_and_what_is_in_force(browser: Any, twin: DividedTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "!document.getElementById('allocation-body').hidden")
        until(page, "[...document.querySelectorAll('.plots .values b')].every(b => b.textContent !== '–')")
        assert read(page) == {
            "Waiting": ["83", "21", "37"],
            "Age": ["118", "64"],
            "Pictures' share": ["61", "34"],
            "Link": ["0.82", "1.48"],
        }
        assert in_force(page) == {
            "Bitrate": "0.82 Mb/s",
            "Size": "480 × 270",
            "Pictures": "30 /s",
            "Arm updates": "40 /s",
            "Physics steps": "125 /s",
        }
        assert "3 refused" in page.inner_text("#allocation-chosen"), "a decision that was not taken is told"
        assert page.input_value("select[data-choice=allocator]") == "backlog"
        inked = """[...document.querySelectorAll("#allocation canvas")].every((canvas) => canvas.getContext("2d")
          .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 150))"""
        until(page, inked)
        twin.telemetry |= {"allocation": None}
        until(page, "document.getElementById('allocation-summary').textContent === 'no data yet'")
        assert set(in_force(page).values()) == {"–"}, "old numbers do not stay"
        assert page.input_value("select[data-choice=allocator]") == "backlog", "a silence is no decision"
        twin.telemetry |= {"allocation": {"allocator": "off"}}
        until(page, "document.querySelector('select[data-choice=allocator]').value === 'off'")
        assert page.inner_text("#allocation-summary") == "not divided"


def test_sliders_squeeze_the_select_switches_and_both_follow_what_is_so(browser: Any, twin: DividedTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "!document.getElementById('allocation-body').hidden")
        stops = page.get_attribute(LINK, "data-stops").split()
        assert page.get_attribute(LINK, "aria-valuetext") == "unlimited"
        page.fill(LINK, str(stops.index("1.5")))
        page.fill(COMPUTE, "33")
        page.select_option("select[data-choice=allocator]", "equal")
        twin.wait("settings", 3)
        assert twin.said("squeeze") == {"bandwidth_mbps": 1.5, "compute_share": pytest.approx(0.33)}
        assert twin.said("allocator") == {"name": "equal"}
        twin.telemetry |= {"squeeze": {"bandwidth_mbps": 8.0, "compute_share": 0.5}}
        until(page, f"document.querySelector(\"{COMPUTE}\").value === '50'")
        assert page.input_value(LINK) == str(stops.index("8"))
        assert "link 8.0 Mb/s, compute 50 %" in page.inner_text("#allocation-summary")
        page.fill(LINK, str(len(stops) - 1))
        twin.wait("settings", 4)
        assert twin.said("squeeze")["bandwidth_mbps"] == 0.0, "the last stop takes the limit away"


def test_what_was_asked_for_stays_chosen_while_an_allocator_makes_less_of_it(browser: Any, twin: DividedTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "document.querySelector('select[data-choice=allocator]').value === 'backlog'")
        before = page.locator("select[data-view=size] option").count()
        page.evaluate("document.querySelector('select[data-view=size]').value = '1280x720'")
        page.wait_for_timeout(200)
        assert page.input_value("select[data-view=size]") == "1280x720"
        assert page.locator("select[data-view=size] option").count() == before


def test_folded_plots_cost_nothing_and_stay_folded(browser: Any, twin: DividedTwin) -> None:
    with opened(browser, twin) as page:
        until(page, "!document.getElementById('allocation-body').hidden")
        page.click("#allocation-fold")
        page.wait_for_timeout(300)
        assert page.is_hidden("#allocation-body")
        assert page.get_attribute("#allocation-fold", "aria-expanded") == "false"
        assert "0.82 Mb/s" in page.inner_text("#allocation-summary"), "one line still tells"
        assert page.evaluate("[...document.querySelectorAll('#allocation canvas')].every(c => c.width === 0)")


def test_the_open_panel_fits_any_width(browser: Any, twin: DividedTwin) -> None:
    twin.telemetry |= {"squeeze": {"bandwidth_mbps": 1.5, "compute_share": 0.33}}
    cut = "[...document.querySelectorAll('#allocation .card')].filter(c => c.scrollWidth > c.clientWidth + 1).length"
    with opened(browser, twin) as page:
        until(page, "!document.getElementById('allocation-body').hidden")
        for width in (380, 760, 1100, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(cut) == 0


def test_who_cannot_divide_offers_no_panel(browser: Any) -> None:
    with FakeTwin() as plain, opened(browser, plain) as page:
        assert page.is_hidden("#allocation")


def test_warnings_go_when_they_are_reported_no_more_or_nobody_reports(browser: Any, twin: DividedTwin) -> None:
    with opened(browser, twin) as page:
        twin.telemetry |= {"warnings": ["the renderer is silent"]}
        until(page, "document.getElementById('notice').textContent === 'the renderer is silent'")
        assert page.is_visible("#notice")
        twin.telemetry |= {"warnings": []}
        until(page, "document.getElementById('notice').hidden")
        twin.telemetry |= {"warnings": ["the twin is silent"]}
        until(page, "!document.getElementById('notice').hidden")
        twin.silent.set()
        until(page, "document.getElementById('state-word').textContent === 'Waiting'")
        until(page, "document.getElementById('notice').hidden")
