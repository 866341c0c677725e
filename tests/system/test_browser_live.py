"""The page in a real Chromium with the whole loop behind it: engage, drag, see the arm move, read the latency."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest

from teletwin.bench.browser import chromium_page, missing_browser, until

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())]

START = "import sys; from teletwin.cli import main; sys.exit(main(sys.argv[1:]))"
KEEP = """() => {
  const [width, height] = [320, 180];
  window.look = () => {
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(document.getElementById(teletwin.view.active ? "drawn" : "picture"), 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  window.kept = look();
}"""
CHANGED = """() => {
  const data = look();
  let n = 0;
  for (let i = 0; i < data.length; i += 4) {
    let change = 0;
    for (let k = i; k < i + 3; k += 1) change += Math.abs(data[k] - kept[k]);
    if (change > 60) n += 1;
  }
  return n / (data.length / 4);
}"""


@pytest.fixture(params=["drawn", "streamed"])
def address(request):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    near = ["--delay-ms", "0", "--jitter-ms", "0"]  # what is measured here is the page
    options = ["--no-engage", "--port", str(port), "--controller-host", "127.0.21.40", "--view", request.param, *near]
    process = subprocess.Popen(
        [sys.executable, "-c", START, "demo", *options], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert any("the page is at" in line for line in process.stdout)
    yield f"http://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGINT)
    process.wait(20.0)


def drag(page: Any, dx: float, dy: float) -> None:
    box = page.locator("#picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 41):
        page.mouse.move(x + dx * step / 40, y + dy * step / 40)
        page.wait_for_timeout(15)
    page.mouse.up()


def changed_share(page: Any, action: Any) -> float:
    """Share of the decoded picture's pixels that an action changed."""
    page.evaluate(KEEP)
    action()
    page.wait_for_timeout(1500)
    return page.evaluate(CHANGED)


def test_a_person_engages_drags_sees_the_arm_move_and_reads_the_latency(address):
    with chromium_page() as page:
        page.goto(address)
        until(page, "(({ stream, drawn }) => stream.drawn + drawn.drawn > 5)(window.teletwin?.snapshot())")
        drag(page, 30, 0)  # the person has the hand now
        page.wait_for_timeout(500)
        # Twice: a slow machine drops the shadow from the picture once.
        held = min(changed_share(page, lambda dx=dx: drag(page, dx, 0)) for dx in (-60, 60))
        page.locator("button[data-command=engage]").click()
        until(page, "document.getElementById('state').dataset.state === 'engaged'")
        page.wait_for_timeout(2000)
        latencies_ms: list[float] = []

        def drag_and_read() -> None:
            drag(page, 150, -60)
            until(page, "teletwin.snapshot().mtp.median_ms > 0", timeout_s=1.0)
            latencies_ms.append(page.evaluate("teletwin.snapshot().mtp.median_ms"))

        moved = changed_share(page, drag_and_read)
        counted = page.evaluate("teletwin.snapshot().mtp")
    assert moved > 0.01
    assert held < 0.25 * moved, "on hold the arm stands"
    assert 5.0 < latencies_ms[0] < 5000.0
    assert counted["samples"] > 30
