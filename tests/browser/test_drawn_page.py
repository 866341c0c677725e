"""The twin drawn by the page, in a real Chromium: where the server's renderer shows it, under a camera of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import pytest
from conftest import FakeTwin

from teletwin.clock import SystemClock
from teletwin.messages import SCENE_CODEC, Frame
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.view import SceneState
from teletwin.view.drawn_scene import drawn_scene
from teletwin.view.renderer import Renderer
from teletwin.view.scene_codec import pack_scene
from teletwin.view.server import PageEvent, PageServer, PageServerCfg
from teletwin.view.solids import SceneObject

pytestmark = pytest.mark.live

OBJECTS = (
    SceneObject(kind="box", size=(0.03, 0.03, 0.03), colour=(0.7, 0.1, 0.08)),
    SceneObject(kind="sphere", size=(0.03,), colour=(0.1, 0.2, 0.6)),
)
POSES = np.array([[-0.36, 0.10, 0.03, 1.0, 0, 0, 0], [-0.30, -0.30, 0.03, 1.0, 0, 0, 0]])
NOTHING = np.zeros((0, 3))
OTHER_Q = HOME_Q + np.array([0.35, -0.2, 0.25, 0.3, 0.4, 0.0])
FINEST = "teletwin.view.order({step: 0})"
PIXELS = """() => {
  const from = document.getElementById("drawn");
  const to = new OffscreenCanvas(from.width, from.height).getContext("2d");
  to.drawImage(from, 0, 0);
  return [from.width, from.height, [...to.getImageData(0, 0, from.width, from.height).data]];
}"""


def scene_state(q: np.ndarray, **known: Any) -> SceneState:
    bare = {"q_ghost": None, "forecast": None, "trace": NOTHING, "ghost_trace": NOTHING}
    return SceneState(**{**bare, "q": q, "object_poses": POSES, "target": tool_pose_in_ur_base(q), **known})


class DrawnTwin:
    """States of a twin at 30 Hz that keep to the page's credit."""

    def __init__(self) -> None:
        self.clock, self.events = SystemClock(), list[PageEvent]()
        scene = drawn_scene(OBJECTS)
        self.server = PageServer(
            PageServerCfg(port=0),
            clock=self.clock,
            on_event=self.events.append,
            hello={"version": "1", "drawn": scene.values, "view_height_m": 0.6},
            files=scene.files,
        )
        self.state = scene_state(HOME_Q)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self.server.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.server.__exit__(None, None, None)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event.values for event in list(self.events) if event.kind == kind]

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(1 / 30):
            number += 1
            now_ns = self.clock.now_ns()
            frame = Frame(
                frame_id=number,
                codec=SCENE_CODEC,
                is_key=True,
                width=640,
                height=360,
                input_seq=0,
                pose_t_ns=1,
                shown_pose=tool_pose_in_ur_base(self.state.q),
                shadow_poses=np.zeros((2, 7)),
                horizon_used_s=0.1,
                stages_ms={},
                t_ready_ns=now_ns,
                data=pack_scene(self.state),
            )
            self.server.publish_frame(frame, t_ready_ns=now_ns)
            view = {"codec": SCENE_CODEC, "rate_hz": 30.0}
            self.server.publish_telemetry({"mode": "engaged", "hand": "recording", "view": view})


def until(page: Any, expression: str, timeout_s: float = 40.0) -> None:
    ends = time.monotonic() + timeout_s
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < ends, f"never came true: {expression}; {page.evaluate('teletwin.snapshot().drawn')}"
        page.wait_for_timeout(20)


@contextmanager
def opened(
    browser: Any, twin: Any, *, script: str = "", ready: str = "teletwin.view.counters.frames > 3"
) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(30_000)
    if script:
        page.add_init_script(script)
    try:
        page.goto(twin.server.url)
        until(page, f"window.teletwin && {ready}")
        yield page
    finally:
        page.close()
    assert errors == []


def drawn_pixels(page: Any) -> np.ndarray:
    """What the page shows (h, w, 3), once it has drawn twice more."""
    count = page.evaluate("teletwin.view.counters.frames")
    until(page, f"teletwin.view.counters.frames > {count + 2}")
    width, height, data = page.evaluate(PIXELS)
    return np.array(data, dtype=np.int16).reshape(height, width, 4)[..., :3]


def differing(a: np.ndarray, b: np.ndarray) -> float:
    """Share of pixels that differ clearly."""
    return float((np.abs(a - b).max(axis=2) > 32).mean())


def test_the_page_draws_the_arm_where_the_servers_renderer_does_and_moves_it_with_the_states(browser: Any) -> None:
    states = [
        scene_state(HOME_Q),
        scene_state(OTHER_Q, q_ghost=HOME_Q),
    ]
    with DrawnTwin() as twin, opened(browser, twin) as page:
        page.evaluate(FINEST)
        page.evaluate("teletwin.view.camera.change += 1")
        page.wait_for_timeout(400)
        pictures = []
        for twin.state in states:
            page.wait_for_timeout(600)
            pictures.append(drawn_pixels(page))
    height, width = pictures[0].shape[:2]
    with Renderer(width, height, objects=OBJECTS) as renderer:
        expected = [renderer.render(state).astype(np.int16) for state in states]
    for picture, wanted in zip(pictures, expected, strict=True):
        assert differing(picture, wanted) < 0.012
        assert float(np.abs(picture - wanted).mean()) < 2.0
    moved = differing(expected[0], expected[1])
    assert moved > 0.04  # so that the bound above tells two states apart
    assert differing(pictures[0], pictures[1]) == pytest.approx(moved, rel=0.2)


def test_states_are_acknowledged_and_the_newest_is_what_is_drawn(browser: Any) -> None:
    with DrawnTwin() as twin, opened(browser, twin) as page:
        until(page, "teletwin.view.counters.drawn > 10")
        acks = [values for values in twin.of("ack") if values["drawn"]]
        ids = [values["frame_id"] for values in acks]
        assert ids == sorted(set(ids))
        assert not any(values["need_key"] for values in acks)
        assert page.evaluate("document.getElementById('picture-info').textContent").endswith("drawn here")


def camera(page: Any) -> list[float]:
    return page.evaluate(
        "(({azimuth, elevation, distance, centre}) => [azimuth, elevation, distance, ...centre])(teletwin.view.camera)"
    )


def drag(page: Any, button: str, dx: float, dy: float) -> None:
    box = page.locator("#picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    for step in range(1, 11):
        page.mouse.move(x + dx * step / 10, y + dy * step / 10)
        page.wait_for_timeout(15)
    page.mouse.up(button=button)


def test_the_camera_is_moved_without_the_hand_and_the_hand_without_the_camera(browser: Any) -> None:
    with DrawnTwin() as twin, opened(browser, twin) as page:
        hand, first = page.evaluate("teletwin.snapshot().hand"), camera(page)
        drag(page, "right", 120, 40)
        turned = camera(page)
        assert turned[0] < first[0] - 0.3
        assert turned[1] > first[1]
        drag(page, "middle", 0, 60)
        assert camera(page)[3:] != turned[3:]
        page.keyboard.down("Alt")
        page.mouse.wheel(0, -300)
        page.keyboard.up("Alt")
        until(page, f"teletwin.view.camera.distance < {0.8 * first[2]}")
        assert page.evaluate("teletwin.snapshot().hand") == hand
        page.locator("[data-camera=front]").click()
        assert camera(page) == pytest.approx(first)
        drag(page, "left", 60, 0)
        moved = page.evaluate("teletwin.snapshot().hand")
        assert moved[0] > hand[0] + 0.01
        page.mouse.wheel(0, 100)
        until(page, f"teletwin.snapshot().hand[2] !== {moved[2]}")
        assert camera(page) == pytest.approx(first)


def test_a_drag_moves_in_the_plane_of_the_turned_view(browser: Any) -> None:
    with DrawnTwin() as twin, opened(browser, twin) as page:
        page.evaluate("teletwin.view.camera.orbit(0.5, 0)")  # a quarter turn: to the right is now nearer or farther
        drag(page, "left", 60, 0)
        x, y, z = page.evaluate("teletwin.snapshot().hand")[:3]
        assert abs(z) > 5 * abs(x)
        assert abs(z) > 0.01
        assert abs(y) < abs(z)


def test_a_browser_without_webgl_asks_for_pictures(browser: Any) -> None:
    without = """
      for (const { prototype } of [HTMLCanvasElement, OffscreenCanvas]) {
        const get = prototype.getContext;
        prototype.getContext = function (kind, options) {
          return kind === "webgl2" ? null : get.call(this, kind, options);
        };
      }"""
    with DrawnTwin() as twin, opened(browser, twin, script=without, ready="teletwin.view.broken") as page:
        ends = time.monotonic() + 10.0
        while not twin.of("settings") and time.monotonic() < ends:
            page.wait_for_timeout(20)
        assert twin.of("settings")[0] == {"name": "view", "values": {"codec": "h264"}}


def test_shaders_that_compile_for_long_hold_up_nothing_of_the_page(browser: Any) -> None:
    def slowly(route: Any) -> None:
        source = route.fetch().text()
        assert "function build(gl, [vertex, fragment]) {" in source
        busy = "const end = performance.now() + 500; while (performance.now() < end); "
        body = source.replace(
            "function build(gl, [vertex, fragment]) {", f"function build(gl, [vertex, fragment]) {{ {busy}"
        )
        route.fulfill(
            body=body, content_type="text/javascript", headers={"Cross-Origin-Embedder-Policy": "require-corp"}
        )

    watched = """
      window.longestMs = 0;
      let before = performance.now();
      setInterval(() => {
        window.longestMs = Math.max(window.longestMs, performance.now() - before);
        before = performance.now();
      }, 20);"""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(watched)
    page.route("**/drawn_program.js", slowly)
    with DrawnTwin() as twin:
        page.goto(twin.server.url)
        until(page, "window.teletwin && teletwin.view.counters.frames > 3")
        assert page.evaluate("teletwin.snapshot().drawn.in_worker")
        assert page.evaluate("longestMs") < 1500.0  # of six programs, half a second each
        page.close()


def test_a_browser_whose_workers_cannot_draw_draws_in_the_page(browser: Any) -> None:
    with DrawnTwin() as twin, opened(browser, twin, script="delete window.OffscreenCanvas;") as page:
        assert not page.evaluate("teletwin.snapshot().drawn.in_worker")
        until(page, "teletwin.view.counters.drawn > 5")


def test_what_is_shown_is_chosen_and_remembered(browser: Any) -> None:
    with DrawnTwin() as twin, opened(browser, twin) as page:
        twin.state = scene_state(HOME_Q, q_ghost=OTHER_Q)
        page.evaluate(FINEST)
        page.wait_for_timeout(600)
        whole = drawn_pixels(page)
        page.locator("[data-arm=measured]").click()
        without_measured = drawn_pixels(page)
        assert differing(whole, without_measured) > 0.01
        page.locator("[data-arm=twin]").click()
        assert differing(drawn_pixels(page), without_measured) > 0.02
        page.reload()
        until(page, "window.teletwin && teletwin.view.counters.frames > 3")
        pressed = [
            page.locator(f"[data-arm={name}]").get_attribute("aria-pressed") for name in ("twin", "measured", "without")
        ]
        assert pressed == ["false", "false", "true"]
        page.locator("[data-arm=twin]").click()
        assert page.evaluate("teletwin.view.arms") == {"twin": True, "measured": False, "without": True, "target": True}


def test_full_screen_keeps_stop_in_view_and_leaving_it_by_escape_stops(browser: Any) -> None:
    with DrawnTwin() as twin, opened(browser, twin) as page:
        page.locator("[data-screen]").click()
        until(page, "document.fullscreenElement")
        page.wait_for_timeout(300)
        box = page.locator("#drawn").bounding_box()
        assert box["width"] == page.evaluate("innerWidth")
        stop = page.locator("button[data-command=stop]").bounding_box()
        assert box["y"] + box["height"] <= stop["y"] < page.evaluate("innerHeight") - 20
        page.locator("[data-screen]").click()
        until(page, "!document.fullscreenElement")
        assert not twin.of("stop")
        page.locator("[data-screen]").click()
        until(page, "document.fullscreenElement")
        page.evaluate("document.exitFullscreen()")  # as the browser does for Esc, whose key it keeps
        until(page, "teletwin.snapshot().stop.number > 0")


def test_pictures_take_the_place_of_the_drawn_twin_when_they_come(browser: Any) -> None:
    with FakeTwin() as twin, opened(browser, twin, ready="teletwin.snapshot().stream.drawn > 3") as page:
        assert page.evaluate("document.getElementById('drawn').hidden && document.getElementById('views').hidden")
