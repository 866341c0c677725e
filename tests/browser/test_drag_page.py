"""A drag in real browsers: events' own times, all that came together, and a gain that makes slow drags precise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import FakeTwin

from teletwin.bench.firefox import FirefoxPage, firefox_page, firefox_path

pytestmark = pytest.mark.live

_GAIN = """async ([places, startMs]) => {
  const { PointerGain } = await import("/pointer_gain.js");
  const gain = new PointerGain(0, 0, startMs);
  let [x, y] = [0, 0];
  return places.map(([px, py, ms]) => {
    const [dx, dy] = gain.step(px, py, ms);
    [x, y] = [x + dx, y + dy];
    return [x, y];
  });
}"""


@pytest.fixture
def twin() -> Iterator[FakeTwin]:
    with FakeTwin() as twin:
        yield twin


@pytest.fixture
def page(browser: Any, twin: FakeTwin) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(30_000)
    try:
        page.goto(twin.server.url)
        until(lambda: page.evaluate("Boolean(window.teletwin?.snapshot().control.you)"))
        yield page
    finally:
        page.close()


def until(holds: Any, timeout_s: float = 30.0, about: str = "") -> None:
    ends = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < ends, f"it never came true {about}"
        time.sleep(0.05)


def tool_way(page: Any, places: list[list[float]]) -> np.ndarray:
    """Where the tool went for these places of the pointer (x, y, ms) [px]."""
    return np.array(page.evaluate(_GAIN, [places, 0.0]))


def along(xs: np.ndarray, period_ms: float, start_ms: float = 0.0) -> list[list[float]]:
    return [[float(x), 0.0, start_ms + period_ms * (k + 1)] for k, x in enumerate(xs)]


def test_a_creeping_pointer_moves_the_tool_a_third_and_back_again(page: Any) -> None:
    out, back = np.arange(1.0, 13.0), np.arange(11.0, -1.0, -1.0)
    way = tool_way(page, along(np.concatenate([out, back]), 100.0))
    assert way[len(out) - 1, 0] == pytest.approx(12 / 3, rel=0.15)
    assert abs(way[-1, 0]) < 0.7, "there and back again leads back"


def test_the_tool_is_never_far_behind_and_makes_up_for_it_at_speed_alone(page: Any) -> None:
    slow = np.arange(1.0, 200.0)
    rest = np.full(20, slow[-1])
    fast = slow[-1] + 8.0 * np.arange(1.0, 60.0)
    places = along(slow, 90.0)
    places += along(rest, 50.0, places[-1][2])
    places += along(fast, 16.0, places[-1][2])
    way = tool_way(page, places)[:, 0]
    behind = np.array([place[0] for place in places]) - way
    assert behind.max() <= 30.0 + 1e-6
    assert np.ptp(way[len(slow) : len(slow) + len(rest)]) == 0.0, "nothing creeps while the pointer rests"
    assert abs(behind[-1]) < 0.5
    assert (np.diff(way) >= 0.0).all()


def test_a_circle_at_a_usual_speed_is_the_pointers_own(page: Any) -> None:
    angle = 2.0 * np.arange(1, 500) / 60.0
    x, y = 47.0 * np.sin(angle), 47.0 * (1.0 - np.cos(angle))
    way = tool_way(page, [[a, b, 1000.0 * t] for a, b, t in zip(x, y, angle / 2.0, strict=True)])
    assert np.linalg.norm(way - np.stack([x, y], axis=1), axis=1)[120:].max() < 0.5


_STALLED = """() => {
  const canvas = document.getElementById("picture");
  const box = canvas.getBoundingClientRect();
  const made = (k) => new PointerEvent("pointerrawupdate", {
    pointerId: window.pressed, clientX: box.x + box.width / 2 + 20 * k, clientY: box.y + box.height / 2 });
  const wait = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
  const events = [1, 2, 3].map((k) => { const event = made(k); wait(12); return event; });
  wait(60);
  const whole = new PointerEvent("pointerrawupdate", { pointerId: window.pressed, coalescedEvents: events,
    clientX: events[2].clientX, clientY: events[2].clientY });
  canvas.dispatchEvent(whole);
}"""


def test_all_events_that_came_together_keep_their_own_times(page: Any, twin: FakeTwin) -> None:
    page.evaluate("""() => document.getElementById("picture").addEventListener("pointerdown",
        (event) => { window.pressed = event.pointerId; })""")
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(1000)
    before = len(twin.of("input"))
    page.evaluate(_STALLED)
    until(lambda: any(event.values["before"] for event in twin.of("input")[before:]))
    event = next(event for event in twin.of("input")[before:] if event.values["before"])
    times_ms = [t_ns * 1e-6 for t_ns, _ in event.values["before"]] + [event.t_ns * 1e-6]
    assert len(times_ms) == 3
    assert all(11.0 < gap < 60.0 for gap in np.diff(times_ms)), "12 ms lay between them, not 0"
    assert (event.received_ns - event.t_ns) * 1e-6 > 45.0, "dated when it happened, not when it was handled"
    assert event.values["grain_m"] > 0.0
    xs = [pose[0] for _, pose in event.values["before"]] + [event.values["hand"][0]]
    assert (np.diff(xs) > 0.0).all()


def test_a_key_moves_the_hand_for_as_long_as_it_was_down(page: Any, twin: FakeTwin) -> None:
    page.keyboard.press("Escape")
    page.evaluate("""() => {
      const say = (type) => dispatchEvent(new KeyboardEvent(type, { code: "KeyD", key: "d" }));
      const wait = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
      say("keydown");
      wait(30);
      say("keyup");
    }""")
    until(lambda: twin.of("input") and not twin.of("input")[-1].values["clutch"])
    assert twin.of("input")[-1].values["hand"][0] == pytest.approx(0.16 * 0.030, rel=0.5)


_MIDDLE = """(() => {
  const box = document.getElementById("picture").getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2, box.height];
})()"""
_WHAT_LIES_AT = "document.elementFromPoint(%s, %s)?.outerHTML.slice(0, 80) ?? 'nothing'"


def settled_middle(page: FirefoxPage) -> list[float]:
    """The middle of the picture and its height [px], once the page's layout has come to rest."""
    seen: list[list[float]] = []

    def is_settled() -> bool:
        seen.append(page.evaluate(_MIDDLE))
        x, y, height = seen[-1]
        on_picture = page.evaluate(_WHAT_LIES_AT % (x, y)).startswith("<canvas")
        return height > 100.0 and on_picture and len(seen) > 5 and seen[-5:] == [seen[-1]] * 5

    until(is_settled, about="the picture never came to rest")
    return seen[-1]


@pytest.mark.skipif(firefox_path() is None, reason="Firefox is not installed (apt install firefox-esr)")
def test_a_drag_in_firefox_comes_with_its_own_times(twin: FakeTwin) -> None:
    with firefox_page() as page:
        page.goto(twin.server.url)
        until(lambda: page.evaluate("Boolean(window.teletwin?.snapshot().control.you)"), timeout_s=90.0)
        x, y, height = settled_middle(page)
        page.move(x, y)
        page.down()
        for k in range(1, 31):
            page.move(x + 6 * k, y)
            time.sleep(0.016)
        page.up()
        until(lambda: twin.of("input"), about=f"({x}, {y}) is on {page.evaluate(_WHAT_LIES_AT % (x, y))}")
        until(lambda: not twin.of("input")[-1].values["clutch"], about="it was never let go")
    inputs = twin.of("input")
    assert inputs[0].values["clutch"]
    assert (np.diff([event.t_ns for event in inputs]) >= 0).all()
    assert all(0 <= event.received_ns - event.t_ns <= 250_000_000 for event in inputs)
    assert inputs[-1].values["hand"][0] == pytest.approx(180 * 0.7 / height, rel=0.2)
