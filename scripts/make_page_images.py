"""Screenshots of the page for the docs, and ten seconds of moving picture for the README.

    .venv/bin/python scripts/make_page_images.py                  # all of them, into docs/images
    .venv/bin/python scripts/make_page_images.py film --view streamed --out DIR

Starts the demo at 60 ± 10 ms, opens it in a headless Chromium, drags the hand, takes the forecast away and gives it
back.
Needs a machine with nothing else to do; what the film says of itself is printed, so that a bad take is seen.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from teletwin.bench.browser import chromium_page, missing_browser, until

ROOT = Path(__file__).resolve().parents[1]
START = "import sys; from teletwin.cli import main; sys.exit(main(sys.argv[1:]))"
NETWORK = ("--delay-ms", "60", "--jitter-ms", "10")
SIZE = (1280, 720)
FILM_SIZE = (960, 540)
FILM_S, OFF_S = 10.0, 4.5
FILM_HZ = 12.0
FILM_BYTES_MAX = 3_000_000
QUALITIES = (70, 60, 50, 40, 30, 20)
WARM_S = 12.0
"""So long the loop runs before the first picture: charts are full, the forecaster has seen the hand."""
DRAG = """
  const canvas = document.getElementById("picture");
  const dot = document.createElement("div");
  dot.id = "film-pointer";
  dot.style.cssText = `position:fixed; z-index:4; width:22px; height:22px; margin:-11px; border-radius:50%;
    pointer-events:none; border:3px solid #fff; background:#fff4; box-shadow:0 0 0 2px #000a`;
  document.body.append(dot);
  const startMs = performance.now();
  window.filmTimer = setInterval(() => {
    const box = canvas.getBoundingClientRect();
    const s = (performance.now() - startMs) / 1000;
    const at = {
      clientX: box.x + box.width * (0.5 + 0.10 * Math.min(s / 2, 1) * Math.sin(1.1 * s)),
      clientY: box.y + box.height * (0.5 + 0.12 * Math.min(s / 2, 1) * Math.sin(1.8 * s)),
    };
    dot.style.left = `${at.clientX}px`;
    dot.style.top = `${at.clientY}px`;
    canvas.dispatchEvent(new PointerEvent("pointerrawupdate", { pointerId: window.filmPointer, ...at }));
  }, 12);
"""
"""The hand's way, drawn with a ring where the pointer is: a film shows no pointer."""
ERRORS = (
    """[...document.querySelector(".charts .card").querySelectorAll(".value")].map((each) => each.innerText.trim())"""
)


def main() -> int:
    """Take what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["page", "allocation", "film", []], help="all of them by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", metavar="DIR")
    parser.add_argument("--view", choices=["drawn", "streamed"], default="drawn")
    parser.add_argument("--recorded", action="store_true", help="let the recorded hand write in the film; no drag")
    options = parser.parse_args()
    missing = missing_browser()
    if missing:
        print(
            f"make_page_images: {missing}: python3 scripts/test.py installs playwright, apt has chromium",
            file=sys.stderr,
        )
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    with demo(options.view) as url, chromium_page(width=SIZE[0], height=SIZE[1], timeout_s=60.0) as page:
        open_page(page, url)
        for name, take in {"film": film, "page": screenshot, "allocation": allocation}.items():
            if name in (options.what or (name,)):
                print(take(page, options), flush=True)
    return 0


@contextlib.contextmanager
def demo(view: str) -> Iterator[str]:
    """Every role on this machine; yields the page's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", START, "demo", "--view", view, "--port", str(port), *NETWORK]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        url = next((line.split()[-1] for line in process.stdout if "the page is at" in line), "")
        if not url:
            raise SystemExit("make_page_images: the demo did not start")
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.kill()


def open_page(page: Any, url: str) -> None:
    """The page without its tour, the arm engaged, the loop warm."""
    page.add_init_script("localStorage.setItem('teletwin.tour', 'done')")
    page.goto(url)
    until(page, "document.getElementById('state').dataset.state !== 'unknown'", timeout_s=60.0)
    engage(page)
    page.wait_for_timeout(1e3 * WARM_S)


def engage(page: Any) -> None:
    """Press Engage until the arm follows; a page that was busy may have let it go."""
    for _ in range(5):
        if page.evaluate("teletwin.snapshot().engaged"):
            return
        page.keyboard.press("Enter")
        page.wait_for_timeout(2000)
    raise SystemExit(f"make_page_images: the arm does not follow: {page.inner_text('#state')}")


def press(page: Any) -> None:
    """Take the hand in the middle of its way and let a script move it, no faster than the limits of motion allow."""
    note = "(event) => { window.filmPointer = event.pointerId; }"
    page.evaluate(f"document.getElementById('picture').addEventListener('pointerdown', {note})")
    box = page.locator("#picture").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 5, middle[1])
    page.mouse.up()  # the recorded hand rests from now on
    page.keyboard.press("c")
    page.wait_for_timeout(5000)
    page.mouse.move(*middle)
    page.mouse.down()
    page.evaluate(f"() => {{ {DRAG} }}")


def film(page: Any, options: argparse.Namespace) -> str:
    """A hand without forecast, then with it, as an animated WebP."""
    if not options.recorded:
        press(page)
    page.wait_for_timeout(5000)
    page.keyboard.press("f")
    page.wait_for_timeout(5000)
    engage(page)
    shots: list[tuple[float, bytes]] = []
    session = page.context.new_cdp_session(page)

    def keep(event: dict[str, Any]) -> None:
        shots.append((time.monotonic(), base64.b64decode(event["data"])))
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "jpeg", "quality": 92, "everyNthFrame": 1})
    began_s = time.monotonic()
    page.wait_for_timeout(1e3 * OFF_S)
    without = page.evaluate(ERRORS)
    page.keyboard.press("f")
    page.wait_for_timeout(1e3 * (FILM_S - OFF_S))
    with_it = page.evaluate(ERRORS)
    session.send("Page.stopScreencast")
    if not options.recorded:
        page.mouse.up()
        page.evaluate("clearInterval(filmTimer); document.getElementById('film-pointer').remove()")
    path = options.out / "film.webp"
    size, quality = save_film(path, sampled(shots, began_s))
    rate = sum(began_s <= t_s <= began_s + FILM_S for t_s, _ in shots) / FILM_S
    return (
        f"{path}: {size / 1e6:.2f} MB at quality {quality}, {rate:.0f} pictures a second taken; "
        f"arm error off: {', '.join(without)}; on: {', '.join(with_it)}"
    )


def sampled(shots: list[tuple[float, bytes]], began_s: float) -> list[bytes]:
    """The newest picture at each of the film's instants."""
    if not shots:
        raise SystemExit("make_page_images: the browser gave no pictures")
    picked, place = [], 0
    for number in range(round(FILM_S * FILM_HZ)):
        while place + 1 < len(shots) and shots[place + 1][0] <= began_s + number / FILM_HZ:
            place += 1
        picked.append(shots[place][1])
    return picked


def save_film(path: Path, pictures: list[bytes]) -> tuple[int, int]:
    """Write an animated WebP no larger than FILM_BYTES_MAX; return its size and quality."""
    from PIL import Image

    frames = [
        Image.open(io.BytesIO(each)).convert("RGB").resize(FILM_SIZE, Image.Resampling.LANCZOS) for each in pictures
    ]
    for quality in QUALITIES:
        frames[0].save(
            path,
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 / FILM_HZ),
            loop=0,
            quality=quality,
            method=4,
        )
        if path.stat().st_size <= FILM_BYTES_MAX:
            return path.stat().st_size, quality
    raise SystemExit(f"make_page_images: {path} stays larger than {FILM_BYTES_MAX} bytes")


def screenshot(page: Any, options: argparse.Namespace) -> str:
    """The page as one meets it, with its recorded hand."""
    if page.get_attribute("#forecast", "aria-checked") == "false":
        page.keyboard.press("f")
    page.click("button[data-command=replay]")
    page.mouse.move(5, 5)
    engage(page)
    page.wait_for_timeout(1e3 * WARM_S)
    return saved(page, options.out / "page.png")


def allocation(page: Any, options: argparse.Namespace) -> str:
    """Link and compute, squeezed and divided."""
    page.click("#allocation-fold")
    page.select_option("select[data-choice=allocator]", "backlog")
    page.locator("input[data-setting='squeeze.bandwidth_mbps']").fill("3")
    page.wait_for_timeout(1e3 * WARM_S)
    page.evaluate("document.getElementById('allocation').scrollIntoView({ block: 'end' })")
    page.wait_for_timeout(500)
    return saved(page, options.out / "allocation_page.png")


def saved(page: Any, path: Path) -> str:
    """A screenshot, its colors as they are."""
    path.write_bytes(page.screenshot())
    return f"{path}: {path.stat().st_size / 1e3:.0f} kB"


if __name__ == "__main__":
    sys.exit(main())
