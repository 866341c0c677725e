"""A session of processes on this machine with a Chromium whose pointer a script drags, and what the page has seen."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

from teletwin.bench.browser import INPUT_PERIOD_MS, LISSAJOUS, until
from teletwin.clock import SystemClock
from teletwin.session.carried_rate import paced
from teletwin.session.launch import Roles, start_local
from teletwin.session.role_cfg import RoleCfg

_SETTLE_S = 2.0
_REPORT_S = 20.0
_DRAG = (
    LISSAJOUS
    + """
    const canvas = document.getElementById("picture");
    const box = canvas.getBoundingClientRect();
    const startMs = performance.now();
    window.benchTimer = setInterval(() => {
      const [x, y] = place((performance.now() - startMs) / 1000);
      const at = { clientX: box.x + x * box.width, clientY: box.y + y * box.height };
      canvas.dispatchEvent(new PointerEvent("pointerrawupdate", { pointerId: window.benchPointer, ...at }));
    }, PERIOD);
    """.replace("PERIOD", str(INPUT_PERIOD_MS))
)
"""Moves the pressed pointer from inside the page, so that the driver's own delay does not count."""
_NOTE_POINTER = """document.getElementById("picture").addEventListener(
    "pointerdown", (event) => { window.benchPointer = event.pointerId; });"""
_NOTES = """
    const notes = { mtp_ms: [], aol_ms: [], control_error_mm: [] };
    window.takeNotes = () => {
      const taken = {};
      for (const name in notes) taken[name] = notes[name].splice(0);
      return taken;
    };
    window.WebSocket = class extends WebSocket {
      constructor(...given) {
        super(...given);
        this.addEventListener("message", (event) => {
          if (typeof event.data !== "string" || !event.data.startsWith('{"type":"telemetry"')) return;
          const row = JSON.parse(event.data);
          for (const name of ["aol_ms", "control_error_mm"]) if (row[name] !== null) notes[name].push(row[name]);
        });
      }
      send(text) {
        if (text.startsWith('{"type":"mtp"')) for (const [, ms] of JSON.parse(text).samples) notes.mtp_ms.push(ms);
        super.send(text);
      }
    };"""
"""Keeps what the page says and hears, until it is taken; put in before the page's own scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Counts of the session at one moment."""

    t_s: float
    counters: dict[str, int] = field(default_factory=dict)
    stream: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the page said and heard since the last time it was asked."""

    mtp_ms: list[float] = field(default_factory=list)
    """Motion to photon of every input."""
    aol_ms: list[float] = field(default_factory=list)
    control_error_mm: list[float] = field(default_factory=list)
    """Of each row of telemetry, twenty a second."""


def start_roles(roles: Roles, cfg: RoleCfg) -> str:
    """Start every role here, at the rate that this machine carries; return the page's address."""
    start_local(roles, replace(cfg, session=paced(cfg.session, SystemClock())), threading.Event())
    return roles.running["operator"].text


def end_operator(roles: Roles) -> None:
    """Let the operator write its report while the others still run."""
    operator = roles.running["operator"].process
    operator.terminate()
    operator.wait(_REPORT_S)


def press(page: Any, url: str, *, keeps_notes: bool = False) -> None:
    """Open the page, press the pointer on the picture and let the script drag it."""
    if keeps_notes:
        page.add_init_script(_NOTES)
    page.goto(url)
    until(page, "window.teletwin?.snapshot().stream.drawn > 10", timeout_s=60.0)
    page.evaluate(_NOTE_POINTER)
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.evaluate(f"() => {{ {_DRAG} }}")
    page.wait_for_timeout(1e3 * _SETTLE_S)


def look(page: Any) -> Seen:
    """What has been counted so far; nothing without a page."""
    if page is None:
        return Seen(t_s=time.monotonic())
    snapshot = page.evaluate("teletwin.snapshot()")
    return Seen(t_s=time.monotonic(), counters=snapshot["counters"], stream=snapshot["stream"])


def take_notes(page: Any) -> Notes:
    """What `press` with keeps_notes has kept since the last call."""
    return Notes(**page.evaluate("takeNotes()"))
