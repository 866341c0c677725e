"""The operator alone and with the others, in turns within one session, so that a busy machine hits both alike."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teletwin.bench.browser import chromium_page, missing_browser
from teletwin.bench.drag import Notes, Seen, look, press, start_roles, take_notes
from teletwin.errors import MissingPartError, TeletwinError
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.warm import warm_up

_SETTLE_S = 5.0
"""After the others came or went, before it counts."""


@dataclass(slots=True, kw_only=True)
class Share:
    """What was measured while the operator was alone, or was not."""

    notes: Notes = field(default_factory=Notes)
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    """Ticks and overruns of twin and arm, pictures drawn."""

    def add(self, before: Seen, after: Seen, notes: Notes) -> None:
        """One turn."""
        self.seconds += after.t_s - before.t_s
        for name in ("mtp_ms", "aol_ms", "control_error_mm"):
            getattr(self.notes, name).extend(getattr(notes, name))
        for name in ("twin_ticks", "twin_overruns", "arm_ticks", "arm_overruns", "arm_held"):
            since = after.counters.get(name, 0) - before.counters.get(name, 0)
            self.counts[name] = self.counts.get(name, 0) + since
        drawn = after.stream["drawn"] - before.stream["drawn"]
        self.counts["drawn"] = self.counts.get("drawn", 0) + drawn

    def quantile(self, name: str, share: float) -> float | None:
        """Of a list of notes; None where nothing was noted."""
        values: list[float] = getattr(self.notes, name)
        return float(np.quantile(values, share)) if values else None

    def overrun_percent(self, loop: str) -> float | None:
        """Ticks of twin or arm that started late [%]."""
        ticks = self.counts.get(f"{loop}_ticks", 0)
        return 100.0 * self.counts[f"{loop}_overruns"] / ticks if ticks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewersFigures:
    """Both shares, and what each of the others got in each of its turns."""

    alone: Share
    watched: Share
    observers: list[list[dict[str, float]]]
    slow_kbps: float


def measure_viewers(
    *,
    seconds: float,
    observer_count: int = 9,
    slow_kbps: float = 300.0,
    turns: int = 3,
    session: SessionCfg | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> ViewersFigures:
    """Drag the hand in Chromium for `seconds`, by turns alone and with `observer_count` others, one on a slow link.

    Raises:
        MissingPartError: No browser can be driven here.
    """
    reason = missing_browser()
    if reason:
        raise MissingPartError(reason, mend="pip install 'teletwin[bench]' and install Chromium")
    warm_up(lambda _: None)
    figures = ViewersFigures(alone=Share(), watched=Share(), observers=[], slow_kbps=slow_kbps)
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(chromium_page())
        roles = stack.enter_context(Roles())
        cfg = RoleCfg(
            role="operator",
            session=session or SessionCfg(),
            page=PageCfg(port=0),
            engage=True,
        )
        url = start_roles(roles, cfg)
        press(page, url, keeps_notes=True)
        for turn in range(turns):
            say(f"turn {turn + 1} of {turns}: the operator alone")
            _measure(page, figures.alone, seconds / (2 * turns))
            say(f"turn {turn + 1} of {turns}: {observer_count} others watch")
            with _crowd(url, observer_count, slow_kbps) as end:
                _measure(page, figures.watched, seconds / (2 * turns))
                figures.observers.append(end())
    return figures


def _measure(page: Any, share: Share, seconds: float) -> None:
    page.wait_for_timeout(1e3 * _SETTLE_S)
    take_notes(page)
    before = look(page)
    page.wait_for_timeout(1e3 * seconds)
    share.add(before, look(page), take_notes(page))


@contextlib.contextmanager
def _crowd(url: str, count: int, slow_kbps: float) -> Iterator[Callable[[], list[dict[str, float]]]]:
    """The others, from when all of them watch; yields what ends them and gives their figures."""
    command = [sys.executable, "-m", "teletwin.bench.viewers.crowd", url, str(count), str(slow_kbps)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if "ready" not in process.stdout.readline():
            raise TeletwinError("the other viewers did not come", mend="their message stands above")
        yield lambda: json.loads(process.communicate(timeout=20.0)[0])
    finally:
        process.kill()
        process.wait()
