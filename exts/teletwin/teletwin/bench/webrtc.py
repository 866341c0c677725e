"""Motion to photon of stock WebRTC, as the baseline: aiortc's own encoder, a <video> element, the same pictures.

Run as `python -m teletwin.bench.webrtc WIDTH HEIGHT RATE_HZ` it serves the page until standard input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from teletwin.bench.browser import INPUT_PERIOD_MS, LISSAJOUS, chromium_page, missing_browser, until
from teletwin.errors import TeletwinError

CODECS = ("VP8", "H264")
_SETTLE_S = 3.0
"""Until the jitter buffer and the bitrate have found their level."""
_DRAG = (
    LISSAJOUS
    + """
    const startMs = performance.now();
    setInterval(() => bench.send(place((performance.now() - startMs) / 1000)), PERIOD);
    """.replace("PERIOD", str(INPUT_PERIOD_MS))
)


def measure_stock_webrtc(
    *, seconds: float = 15.0, width: int = 640, height: int = 360, rate_hz: float = 30.0, codec: str = "VP8"
) -> dict[str, Any]:
    """Motion to photon of every input in the page's clock: mtp_p50_ms, mtp_p95_ms, mtp_p99_ms, mtp_count,
    drawn_rate_hz, codec; all None with a `reason` where aiortc or a browser is missing or no picture came.
    """
    reason = missing_browser() or ("" if find_spec("aiortc") is not None else "aiortc is not installed")
    if reason:
        return _nothing(codec, reason)
    try:
        with _server(width, height, rate_hz) as url, chromium_page() as page:
            return _drive(page, f"{url}?codec={codec}", seconds)
    except TeletwinError as error:
        return _nothing(codec, str(error))


def _nothing(codec: str, reason: str) -> dict[str, Any]:
    """Figures of what could not be measured."""
    names = ("mtp_p50_ms", "mtp_p95_ms", "mtp_p99_ms", "mtp_count", "drawn_rate_hz")
    return {**dict.fromkeys(names), "codec": codec, "reason": reason}


def _drive(page: Any, url: str, seconds: float) -> dict[str, Any]:
    """Move the hand in the page for so long and read its samples."""
    page.goto(url)
    until(page, "window.bench", timeout_s=20.0)
    page.evaluate(f"() => {{ {_DRAG} }}")
    until(page, "bench.drawn() > 10", timeout_s=20.0)
    page.wait_for_timeout(1e3 * _SETTLE_S)
    page.evaluate("bench.forget()")
    page.wait_for_timeout(1e3 * seconds)
    result = page.evaluate("bench.result()")
    samples = np.array(result["samples"])
    if not len(samples):
        raise TeletwinError("the stock stream showed no input")
    p50, p95, p99 = np.percentile(samples, (50, 95, 99)).tolist()
    return {
        "mtp_p50_ms": p50,
        "mtp_p95_ms": p95,
        "mtp_p99_ms": p99,
        "mtp_count": len(samples),
        "drawn_rate_hz": result["drawn"] / seconds,
        "codec": result["codec"],
        "reason": "",
    }


@contextlib.contextmanager
def _server(width: int, height: int, rate_hz: float) -> Iterator[str]:
    """The server in its own process; yields the page's address."""
    command = [sys.executable, "-m", "teletwin.bench.webrtc", str(width), str(height), str(rate_hz)]
    environment = os.environ | {"LP_NUM_THREADS": "1"}  # software GL as in a session
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()  # ends when the process does
        if not line:
            raise TeletwinError("the stock WebRTC server did not start", mend="its message stands above")
        yield json.loads(line)["url"]
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    from teletwin.bench.webrtc_server import main

    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
