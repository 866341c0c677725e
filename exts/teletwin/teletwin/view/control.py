"""Who drives: one viewer at a time. Control changes by what a person does, never because somebody went away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import TeletwinError
from teletwin.safety import CONTROL_TIMEOUT_MS, PAGE_QUIET_MS

Why = Literal["began", "taken", "given", "released", "left", "timed out", "taken back"]
ASK_NS = 10 * NS_PER_S
"""How long the driver may leave a question open, and how long who was turned down waits until the next one."""
SILENCE_NS = int(CONTROL_TIMEOUT_MS * NS_PER_MS)
"""A driver's page that says nothing for so long drives no more."""
QUIET_NS = int(PAGE_QUIET_MS * NS_PER_MS)
"""A driver's page that says nothing for so long is reported; a tab in the background still speaks once a second."""


class ControlError(TeletwinError):
    """Control is not given that way; the text is for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChange:
    """Control passed from one viewer to another; 0 is nobody."""

    driver: int
    before: int
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlNews:
    """What time alone brought about."""

    change: ControlChange | None = None
    lapsed: tuple[int, ...] = ()
    """Viewers whose question came to nothing."""
    is_quiet: bool = False
    """The driver's page has just been silent for QUIET_NS."""


class PointOfControl:
    """The one right to drive, held by a viewer's number. Times [ns] are the caller's clock.

    The first viewer of all gets it as it comes. After that nobody gets it without having asked for it.
    """

    def __init__(self) -> None:
        self.driver = 0
        self._viewers: set[int] = set()
        self._asked_ns: dict[int, int] = {}
        self._turned_down_ns: dict[int, int] = {}
        self._was_held = self._is_quiet = False
        self._heard_ns = 0

    @property
    def asked_by(self) -> int:
        """Who has waited longest for the driver's answer; 0 when nobody waits."""
        return next(iter(self._asked_ns), 0)

    def asks(self, viewer: int) -> bool:
        """Whether a viewer waits for the driver's answer."""
        return viewer in self._asked_ns

    @property
    def others(self) -> list[int]:
        """Who is here and does not drive, in the order in which they came."""
        return sorted(self._viewers - {self.driver})

    def come(self, viewer: int, now_ns: int) -> ControlChange | None:
        """A viewer is here."""
        self._viewers.add(viewer)
        return None if self._was_held else self._pass(viewer, "began", now_ns)

    def leave(self, viewer: int, now_ns: int) -> ControlChange | None:
        """A viewer is gone; its control is free, and nobody gets it by that."""
        self._viewers.discard(viewer)
        self._asked_ns.pop(viewer, None)
        self._turned_down_ns.pop(viewer, None)
        return self._pass(0, "left", now_ns) if viewer == self.driver else None

    def hear(self, viewer: int, now_ns: int) -> None:
        """A viewer said something, whatever it was."""
        if viewer == self.driver:
            self._heard_ns, self._is_quiet = now_ns, False

    def take(self, viewer: int, now_ns: int) -> ControlChange | None:
        """Take control that nobody has.

        Raises:
            ControlError: Somebody drives.
        """
        if viewer == self.driver:
            return None
        if self.driver:
            raise ControlError(f"Viewer {self.driver} drives", mend="ask for control")
        return self._pass(viewer, "taken", now_ns)

    def ask(self, viewer: int, now_ns: int) -> ControlChange | None:
        """Ask the driver for control; taken at once when nobody has it.

        Raises:
            ControlError: The driver has said no a moment ago.
        """
        if viewer == self.driver or not self.driver:
            return self.take(viewer, now_ns)
        if now_ns - self._turned_down_ns.get(viewer, -ASK_NS) < ASK_NS:
            raise ControlError("The driver keeps control", mend="ask again in a few seconds")
        self._asked_ns.setdefault(viewer, now_ns)
        return None

    def give(self, viewer: int, to: int, now_ns: int) -> ControlChange:
        """Hand control to a viewer; `to` 0 is who asked first.

        Raises:
            ControlError: It is not theirs to give, or nobody is there to get it.
        """
        to = to or self.asked_by
        if viewer != self.driver:
            raise ControlError("Only who drives can give control")
        if to == viewer or to not in self._viewers:
            raise ControlError("Nobody is there to give control to")
        return self._pass(to, "given", now_ns)

    def keep(self, viewer: int, now_ns: int) -> int:
        """Turn down who asked first; tells who that was, 0 for nobody.

        Raises:
            ControlError: It is not theirs to keep.
        """
        if viewer != self.driver:
            raise ControlError("Only who drives can keep control")
        asker = self.asked_by
        if asker:
            del self._asked_ns[asker]
            self._turned_down_ns[asker] = now_ns
        return asker

    def release(self, viewer: int, now_ns: int) -> ControlChange | None:
        """Let go of control."""
        return self._pass(0, "released", now_ns) if viewer == self.driver else None

    def take_back(self, viewer: int, now_ns: int, *, may: bool) -> ControlChange | None:
        """Take control whoever has it. `may`: by an administrator, or where everybody may while the arm rests.

        Raises:
            ControlError: They may not.
        """
        if viewer == self.driver or not self.driver:
            return self.take(viewer, now_ns)
        if not may:
            raise ControlError("Control can be taken back only by an administrator", mend="ask for control")
        return self._pass(viewer, "taken back", now_ns)

    def look(self, now_ns: int, *, is_engaged: bool) -> ControlNews:
        """What has run out: a silent driver, questions without an answer."""
        if self.driver and now_ns - self._heard_ns >= SILENCE_NS:
            return ControlNews(change=self._pass(0, "timed out", now_ns))
        late = tuple(viewer for viewer, asked_ns in self._asked_ns.items() if now_ns - asked_ns >= ASK_NS)
        if late and not is_engaged:
            return ControlNews(change=self._pass(late[0], "timed out", now_ns))
        for viewer in late:
            del self._asked_ns[viewer]
        is_quiet = bool(self.driver) and not self._is_quiet and now_ns - self._heard_ns >= QUIET_NS
        self._is_quiet = self._is_quiet or is_quiet
        return ControlNews(lapsed=late, is_quiet=is_quiet)

    def _pass(self, driver: int, why: Why, now_ns: int) -> ControlChange:
        """Control changes; what was asked of the one before is asked no more."""
        change = ControlChange(driver=driver, before=self.driver, why=why)
        self.driver, self._was_held = driver, True
        self._heard_ns, self._is_quiet = now_ns, False
        self._asked_ns.clear()
        return change
