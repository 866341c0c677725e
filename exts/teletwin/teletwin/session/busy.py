"""A computer that was too busy for the virtual arm's session: said, and gone on from without a person's act.

Only where nothing real moves: the arm is the virtual one, and its roles run on this very computer. There a silence that
came of waiting for a core is nobody's silence. With a robot, or where no wait for a core explains it, an outage asks
for a person's act as always.
"""

from __future__ import annotations

from collections.abc import Callable

from teletwin.clock import NS_PER_S
from teletwin.session.intent import DriverIntent
from teletwin.session.starvation import Starvation

_ROLES = frozenset({"arm", "twin"})
_EXPLAINS_NS = 3 * NS_PER_S
"""A wait for a core so long before or after an outage explains it."""
_TELL_NS = 30 * NS_PER_S
_BUSY = "this computer is busy"


class BusyComputer:
    """Watches the roles beside this one; asks to engage again after an outage that was the computer's own.

    Args:
        starvation: Tells which roles got no core.
        intent: What the person who drives asks for.
        is_virtual: Whether the arm is this session's virtual one.
        warn: Shown on the page.
        say: One line for the terminal.
    """

    def __init__(
        self,
        starvation: Starvation,
        intent: DriverIntent,
        *,
        is_virtual: bool,
        warn: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._starvation, self._intent, self._is_virtual = starvation, intent, is_virtual
        self._warn, self._say = warn, say
        self._silenced_ns = -1
        self._told_ns = -_TELL_NS
        self.resumed_count = 0
        """Outages after which nobody had to press Engage."""

    def watch(self, now_ns: int) -> None:
        """Look, and go on where that is allowed; once a slot."""
        if self._starvation.look(now_ns):
            self._tell(now_ns)
        if not self._intent.is_silenced:
            self._silenced_ns = -1
            return
        if self._silenced_ns < 0:
            self._silenced_ns = now_ns
        if self._explains(now_ns):
            self.resumed_count += 1
            self._intent.resume(_BUSY)

    def _explains(self, now_ns: int) -> bool:
        """Whether the outage was this computer's, and nothing real hangs on it."""
        starvation = self._starvation
        if not self._is_virtual or not starvation.roles >= _ROLES or starvation.starved_ns < 0:
            return False
        return now_ns - self._silenced_ns < _EXPLAINS_NS and self._silenced_ns - starvation.starved_ns < _EXPLAINS_NS

    def _tell(self, now_ns: int) -> None:
        text = f"{_BUSY}: the {self._starvation.starved_role} waited long for a core; close other programs"
        self._warn(text)
        if now_ns - self._told_ns >= _TELL_NS:
            self._told_ns = now_ns
            self._say(text)

    def results(self) -> dict[str, object]:
        """For the report."""
        return {"starved_s": dict(self._starvation.starved_s), "resumed_count": self.resumed_count}
