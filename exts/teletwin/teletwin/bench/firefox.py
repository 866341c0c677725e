"""A real Firefox for the bench, driven by its own remote protocol, Marionette; it keeps to this machine.

A message is its length in bytes, a colon and JSON: [0, number, command, parameters] out, [1, number, error, result] in.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from teletwin.errors import TeletwinError

_NAMES = ("firefox-esr", "firefox")
_START_S, _ANSWER_S = 60.0, 60.0
_PREFERENCES = {
    "marionette.port": 0,  # one that is free; its number stands in the profile then
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


def firefox_path() -> Path | None:
    """Where Firefox is: TELETWIN_FIREFOX or the system's; None without any."""
    names = filter(None, (os.environ.get("TELETWIN_FIREFOX"), *_NAMES))
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


class FirefoxPage:
    """The one page of a Firefox, as far as the bench needs it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S)
        self._stream = self._socket.makefile("rb")
        self._count = 0
        self._hear()
        self._ask("WebDriver:NewSession", capabilities={"pageLoadStrategy": "none"})

    def goto(self, url: str) -> None:
        """Open an address, without waiting for what it loads."""
        self._ask("WebDriver:Navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of the page."""
        script = f"return ((window) => ({expression}))(window.wrappedJSObject ?? window);"
        return self._ask("WebDriver:ExecuteScript", script=script, args=[])["value"]

    def move(self, x: float, y: float) -> None:
        """Put the pointer there [px]."""
        self._point({"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)})

    def down(self) -> None:
        """Press it."""
        self._point({"type": "pointerDown", "button": 0})

    def up(self) -> None:
        """Let it go."""
        self._point({"type": "pointerUp", "button": 0})

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(OSError, TeletwinError):
            self._ask("Marionette:Quit", flags=["eForceQuit"])
        self._socket.close()

    def _point(self, action: dict[str, Any]) -> None:
        hand = {"type": "pointer", "id": "hand", "parameters": {"pointerType": "mouse"}, "actions": [action]}
        self._ask("WebDriver:PerformActions", actions=[hand])

    def _ask(self, command: str, **parameters: Any) -> Any:
        self._count += 1
        text = json.dumps([0, self._count, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._hear()
        if error:
            raise TeletwinError(f"Firefox refused {command}", given=str(error.get("message"))[:200])
        return result

    def _hear(self) -> Any:
        digits = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise TeletwinError("Firefox is gone")
            digits += byte
        return json.loads(self._stream.read(int(digits)))


@contextlib.contextmanager
def firefox_page(*, width: int = 1280, height: int = 800) -> Iterator[FirefoxPage]:
    """An empty page of a fresh headless Firefox; the browser ends with the block.

    Raises:
        TeletwinError: It does not start.
    """
    with tempfile.TemporaryDirectory(prefix="teletwin-firefox-", ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items())
        Path(profile, "user.js").write_text("\n".join(lines))
        size = (f"--width={width}", f"--height={height}")
        command = [str(firefox_path()), "--headless", "--marionette", "--no-remote", *size, "--profile", profile]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            page = FirefoxPage(_port(Path(profile, "MarionetteActivePort"), process))
            try:
                yield page
            finally:
                page.close()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10.0)
        finally:
            process.kill()
            process.wait()


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that Firefox wrote down."""
    ends_s = time.monotonic() + _START_S
    while time.monotonic() < ends_s and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            return int(file.read_text())
        time.sleep(0.05)
    raise TeletwinError("Firefox does not start", mend="run it once by hand: firefox --headless")
