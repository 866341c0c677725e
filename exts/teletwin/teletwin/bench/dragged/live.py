"""The same drag in real browsers: a scripted pointer with human timing, a whole session behind the page."""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from teletwin.bench.browser import chromium_page, missing_browser
from teletwin.bench.chromium_mouse import Mouse, free_port
from teletwin.bench.drag import end_operator, start_roles
from teletwin.bench.dragged.loop import SETTLE_S, DragCfg
from teletwin.bench.dragged.motions import TIMINGS, Motion, circle
from teletwin.bench.dragged.rows import FAST_RAD_S, RATE_RAD_S
from teletwin.bench.firefox import firefox_page, firefox_path
from teletwin.clock import NS_PER_S, Clock, SystemClock
from teletwin.errors import TeletwinError
from teletwin.report.bench_rows import BenchRow
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.launch import Roles
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.warm import warm_up

_VIEW_M = 0.7
"""Height of the view at the tool, as the page takes it."""
_READY_S, _LOOK_NS, _MOVE_LEAST_NS = 60.0, NS_PER_S // 10, NS_PER_S // 1000


class Pointer(Protocol):
    """A page whose pointer can be moved."""

    def goto(self, url: str) -> None:
        """Open an address."""
        ...

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of the page."""
        ...

    def move(self, x: float, y: float) -> None:
        """Put the pointer there [px]."""
        ...

    def down(self) -> None:
        """Press it."""
        ...

    def up(self) -> None:
        """Let it go."""
        ...


class ChromiumPointer:
    """The pointer of a Playwright page: it waits for the page to press and to let go, and not to move."""

    def __init__(self, page: Any, mouse: Mouse) -> None:
        self.goto, self.evaluate = page.goto, page.evaluate
        self._page, self._mouse, self._is_down, self._place = page, mouse, False, (0.0, 0.0)

    def move(self, x: float, y: float) -> None:
        """Put the pointer there [px]; pressed, it is there at this moment, whenever the page comes to it."""
        self._place = (x, y)
        move = self._mouse.move if self._is_down else self._page.mouse.move
        move(round(x), round(y))

    def down(self) -> None:
        """Press it."""
        self._page.mouse.down()
        self._is_down = True

    def up(self) -> None:
        """Let it go, where it is."""
        self._is_down = False
        self._page.mouse.move(*map(round, self._place))
        self._page.mouse.up()


@contextlib.contextmanager
def chromium() -> Iterator[Pointer]:
    """A fresh Chromium."""
    port = free_port()
    with (
        chromium_page(timeout_s=_READY_S, flags=(f"--remote-debugging-port={port}",)) as page,
        Mouse(port).connected() as mouse,
    ):
        yield ChromiumPointer(page, mouse)


def missing_firefox() -> str:
    """Why no Firefox can be driven; empty when one can."""
    return "" if firefox_path() is not None else "Firefox is not installed (apt-get install firefox-esr)"


BROWSERS: dict[str, tuple[Callable[[], str], Callable[[], contextlib.AbstractContextManager[Pointer]]]] = {
    "Chromium": (missing_browser, chromium),
    "Firefox": (missing_firefox, firefox_page),
}
"""Name -> why it cannot be driven, and what opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveErrors:
    """Root mean squares of one drag [mm], by the session's own report."""

    arm_mm: float
    fed_mm: float
    """Feed-forward only."""
    none_mm: float


def browser_rows(cfg: DragCfg, *, diameter_m: float, say: Callable[[str], None] = lambda _: None) -> Iterator[BenchRow]:
    """Both circles in every browser that is here."""
    warm_up(lambda _: None)
    for name, (missing, opened) in BROWSERS.items():
        reason = missing()
        for words, rate in (("circle", RATE_RAD_S), ("faster circle", FAST_RAD_S)):
            row = f"{words}, {name}, irregular"
            if reason:
                yield BenchRow(name=row, unit="of no prediction", value=None, note=reason)
                continue
            say(row)
            motion = circle(diameter_m=diameter_m, rate_rad_s=rate)
            yield _row(row, drag_live(opened, motion, cfg))


def _row(name: str, errors: LiveErrors) -> BenchRow:
    beside = {
        "of feed-forward only": errors.arm_mm / errors.fed_mm,
        "arm [mm]": errors.arm_mm,
        "feed-forward only [mm]": errors.fed_mm,
        "no prediction [mm]": errors.none_mm,
    }
    return BenchRow(name=name, unit="of no prediction", value=errors.arm_mm / errors.none_mm, beside=beside)


def drag_live(
    opened: Callable[[], contextlib.AbstractContextManager[Pointer]], motion: Motion, cfg: DragCfg
) -> LiveErrors:
    """One session, one browser, one drag; its errors after the first seconds.

    Raises:
        TeletwinError: The page does not come to show the arm, or the arm did not follow.
    """
    network = NetworkCfg(delay_ms=cfg.delay_ms, jitter_ms=cfg.jitter_ms, loss=cfg.loss)
    with contextlib.ExitStack() as stack:
        report = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="teletwin-drag-"))) / "report.json"
        pointer = stack.enter_context(opened())
        role = RoleCfg(
            role="operator",
            session=SessionCfg(network=network),
            page=PageCfg(port=0),
            engage=True,
            report=str(report),
        )
        roles = stack.enter_context(Roles())
        pointer.goto(start_roles(roles, role))
        clock = SystemClock()
        _await_arm(pointer, clock)
        drag(pointer, motion, clock, duration_s=cfg.duration_s)
        end_operator(roles)
        series = json.loads(report.read_text())["results"]["series"]
    count = int(cfg.duration_s - SETTLE_S)
    names = ("control_error_mm", "control_error_feed_forward_only_mm", "control_error_shadow_mm")
    arm, fed, none = (series[name][-count - 1 : -1] for name in names)
    if len(arm) < count:
        raise TeletwinError("the arm did not follow the whole drag", given=f"{len(arm)} s of {count} s")
    return LiveErrors(arm_mm=_rms(arm), fed_mm=_rms(fed), none_mm=_rms(none))


def _await_arm(pointer: Pointer, clock: Clock) -> None:
    shows = "Boolean(window.teletwin?.snapshot().stream.drawn > 10 && window.teletwin.snapshot().engaged)"
    ends_ns = clock.now_ns() + round(_READY_S * NS_PER_S)
    while not pointer.evaluate(shows):
        if clock.now_ns() > ends_ns:
            raise TeletwinError("the page did not come to show an engaged arm", given=f"{_READY_S:g} s")
        clock.sleep_until(clock.now_ns() + _LOOK_NS)


def drag(pointer: Pointer, motion: Motion, clock: Clock, *, duration_s: float) -> None:
    """Press in the middle of the picture and follow the motion, at a person's irregular times."""
    box = pointer.evaluate(
        "(() => { const b = document.getElementById('picture').getBoundingClientRect();"
        " return [b.x + b.width / 2, b.y + b.height / 2, b.height]; })()"
    )
    x, y, scale = box[0], box[1], box[2] / _VIEW_M
    events_s, _ = TIMINGS[3].draw(duration_s, np.random.default_rng(3))
    events_ns = (events_s * NS_PER_S).astype(np.int64)
    pointer.move(x, y)
    pointer.down()
    start_ns, end_ns = clock.now_ns(), round(duration_s * NS_PER_S)
    while (past_ns := clock.now_ns() - start_ns) < end_ns:
        place = motion(np.array([past_ns / NS_PER_S]))[0]
        pointer.move(x + scale * place[0], y - scale * place[1])
        past_ns = clock.now_ns() - start_ns
        due_ns = int(events_ns[min(int(np.searchsorted(events_ns, past_ns)), len(events_ns) - 1)])
        clock.sleep_until(start_ns + max(due_ns, past_ns + _MOVE_LEAST_NS))


def _rms(errors_mm: list[float]) -> float:
    return math.sqrt(float(np.mean(np.square(errors_mm))))
