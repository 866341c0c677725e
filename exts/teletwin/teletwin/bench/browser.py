"""A real Chromium for the bench, driven by Playwright; it keeps to this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from teletwin.errors import TeletwinError

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Peer connections over loopback alone; nothing else is affected.
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium")
INPUT_PERIOD_MS = 12
"""Time between two inputs: about 80 a second, as a mouse in a browser gives them."""
LISSAJOUS = "const place = (s) => [0.5 + 0.10 * Math.sin(2.1 * s), 0.5 + 0.12 * Math.sin(3.3 * s + 0.4)];"
"""The hand's path as script: seconds to a place in the picture, 0 ... 1 each way."""


def chromium_path() -> Path | None:
    """Where Chromium is: TELETWIN_CHROMIUM, the system's, or one that playwright installed; None without any."""
    names = filter(None, (os.environ.get("TELETWIN_CHROMIUM"), *_NAMES))
    installed = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    found = next(filter(None, map(shutil.which, (*names, *map(str, installed)))), None)
    return Path(found) if found else None


def missing_browser() -> str:
    """Why no browser can be driven; empty when one can."""
    if find_spec("playwright") is None:
        return "playwright is not installed"
    return "" if chromium_path() is not None else "Chromium is not installed"


@contextlib.contextmanager
def chromium_page(
    *, width: int = 1280, height: int = 800, timeout_s: float = 20.0, flags: Sequence[str] = ()
) -> Iterator[Any]:
    """An empty page of a fresh headless Chromium (a playwright Page); the browser ends with the block."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=[*FLAGS, *flags], timeout=1e3 * timeout_s)
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(1e3 * timeout_s)
            yield page
        finally:
            browser.close()


def until(page: Any, expression: str, *, timeout_s: float = 20.0) -> None:
    """Wait for an expression of the page to become true.

    Raises:
        TeletwinError: It did not in time.
    """
    ends_s = time.monotonic() + timeout_s
    while not page.evaluate(f"Boolean({expression})"):
        if time.monotonic() > ends_s:
            raise TeletwinError("the page did not come to it", given=expression)
        page.wait_for_timeout(50)
