"""What one role's process is told at its start; JSON, so that it can cross a pipe."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from teletwin.clock import NS_PER_MS, SystemClock, boot_id
from teletwin.errors import ConfigError
from teletwin.hand.devices import DeviceCfg
from teletwin.hand.drawing_task import DrawingTaskCfg
from teletwin.ros2 import Ros2Cfg
from teletwin.session.config import AllocationCfg, HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.lesson_cfg import LessonCfg
from teletwin.session.page_cfg import PageCfg, PageTokens

ROLES = ("operator", "twin", "renderer", "arm")
"""Roles that talk to each other; a `controller` process beside them imitates the UR3e's own."""
PORTS = {"operator": 8770, "twin": 8771, "renderer": 8772, "arm": 8773}
"""UDP ports of the roles when they run on machines of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCfg:
    """One role of one session."""

    role: str
    session: SessionCfg = field(default_factory=SessionCfg)
    addresses: dict[str, tuple[str, int] | None] = field(default_factory=dict)
    """Address of every role, the own one to bind; None is learned from the first authentic packet."""
    session_id: int = 0
    key: str = ""
    """Pre-shared key (hex) made of the session's secret; required beyond loopback."""
    page: PageCfg = field(default_factory=PageCfg)
    page_tokens: PageTokens = field(default_factory=PageTokens)
    headless: bool = False
    """Decode the pictures in a protocol viewer instead of waiting for a browser."""
    engage: bool = False
    """Engage at once, without a person's word."""
    duration_s: float = 0.0
    """End so long after the arm was first heard [s], or after so long without one; 0 runs until stopped."""
    report: str = ""
    """File for the JSON report."""
    record: str = ""
    """File for the MCAP log."""
    audit_log: str = ""
    """File for the audit log, each role's beside it; empty when off."""
    controller_host: str = "127.0.0.1"
    """Address of the UR controller."""
    clock_offset_ms: float = 0.0
    """Make this host's clock lie, for tests [ms]."""
    clock_drift_ppm: float = 0.0
    """Make this host's clock too fast, for tests [ppm]."""
    lesson: LessonCfg | None = None
    """A policy learns in this session from a person who draws (operator)."""

    def __post_init__(self) -> None:
        """Refuse an unknown role."""
        if self.role not in (*ROLES, "controller"):
            raise ConfigError("unknown role", given=self.role, allowed=", ".join(ROLES))

    def clock_name(self) -> str:
        """What tells this role's clock from that of another host: the boot of its machine, and how wrong it is made."""
        return f"{boot_id()}/{self.clock_offset_ms:g}/{self.clock_drift_ppm:g}"

    def clock(self) -> SystemClock:
        """The clock of this role's host, as wrong as asked for.

        Raises:
            ConfigError: It would be negative, as no monotonic clock is.
        """
        clock = SystemClock(offset_ns=round(NS_PER_MS * self.clock_offset_ms), drift_ppm=self.clock_drift_ppm)
        if clock.now_ns() <= 0:
            least = f"more than {self.clock_offset_ms - clock.now_ns() / NS_PER_MS:.0f} ms, the time since this boot"
            raise ConfigError("the clock's offset makes it negative", given=self.clock_offset_ms, allowed=least)
        return clock


def to_json(cfg: RoleCfg) -> str:
    """One line of JSON."""
    return json.dumps(dataclasses.asdict(cfg))


def from_json(text: str) -> RoleCfg:
    """The configuration in one line of JSON.

    Raises:
        ConfigError: It is none, or names what this version does not know.
    """
    try:
        return _from_values(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = f"{type(error).__name__}: {error}"[:120]
        raise ConfigError(
            "a role's settings cannot be read", given=told, allowed="the line that to_json makes"
        ) from None


def _from_values(values: dict[str, Any]) -> RoleCfg:
    session: dict[str, Any] = values["session"]
    session["horizon"] = HorizonCfg(**session["horizon"])
    session["network"] = NetworkCfg(**session["network"])
    session["allocation"] = AllocationCfg(**session["allocation"])
    session["device"] = DeviceCfg(**session["device"])
    session["ros2"] = Ros2Cfg(**session["ros2"])
    values["session"] = SessionCfg(**session)
    values["page"] = PageCfg(**values["page"])
    values["page_tokens"] = PageTokens(**values["page_tokens"])
    lesson: dict[str, Any] | None = values["lesson"]
    if lesson is not None:
        lesson["task"] = DrawingTaskCfg(**lesson["task"])
        values["lesson"] = LessonCfg(**lesson)
    values["addresses"] = {k: tuple(v) if v is not None else None for k, v in values["addresses"].items()}
    return RoleCfg(**values)
