"""Control among the page's viewers: carries out what they ask for and tells everybody who drives, and why."""

from __future__ import annotations

from collections.abc import Callable

from teletwin.clock import Clock
from teletwin.safety import RateLimits
from teletwin.view.control import ControlChange, ControlError, PointOfControl
from teletwin.view.server_entry import Access
from teletwin.view.server_messages import Values, pack_text
from teletwin.view.server_viewers import Viewer, Viewers

ACTS_HZ, ACTS_BURST = 2.0, 10.0
"""How often one viewer may act on control: each change holds the arm and is told to everybody."""
LOOK_S = 0.25
"""How often the silence of a driver and unanswered questions are looked at."""


class Driving:
    """The point of control, with the viewers that hold it. Everything runs on the server's loop.

    `tell(kind, values, viewer)` passes events on; `is_engaged` asks the host whether the arm follows now. With
    `is_open` every viewer may take control back while the arm is not engaged.
    """

    def __init__(
        self,
        viewers: Viewers,
        *,
        clock: Clock,
        tell: Callable[[str, Values, int], None],
        is_engaged: Callable[[], bool],
        is_open: bool,
    ) -> None:
        self._viewers, self._clock, self._tell = viewers, clock, tell
        self._is_engaged, self._is_open = is_engaged, is_open
        self._control = PointOfControl()
        self._access: dict[int, Access] = {}
        self._acts = RateLimits(rate_hz=ACTS_HZ, burst=ACTS_BURST)
        self._last: ControlChange | None = None

    def come(self, viewer: Viewer, access: Access) -> None:
        """A viewer is here and learns who drives."""
        self._access[viewer.number] = access
        change = self._control.come(viewer.number, self._clock.now_ns()) if access.may_drive else None
        self._follow(change, viewer.number)
        self._tell("viewers", {"count": len(self._viewers)}, viewer.number)

    def leave(self, viewer: Viewer) -> None:
        """A viewer is gone."""
        self._access.pop(viewer.number, None)
        self._follow(self._control.leave(viewer.number, self._clock.now_ns()), viewer.number)
        self._tell("viewers", {"count": len(self._viewers)}, viewer.number)

    def hear(self, viewer: Viewer) -> None:
        """A sign of life."""
        self._control.hear(viewer.number, self._clock.now_ns())

    def owner(self, claimed: int, access: Access) -> int:
        """The viewer number that a socket of this access may speak for; 0 when it is another's."""
        return claimed if self._access.get(claimed, None) == access else 0

    def act(self, viewer: Viewer, act: str, to: int) -> None:
        """What a viewer wants of control; who may not is told why."""
        if not self._acts.allows(viewer.number, self._clock.now_ns()):
            return
        try:
            change = self._carry_out(viewer.number, act, to)
        except ControlError as error:
            viewer.offer_text(pack_text("refused", {"text": str(error)}))
            return
        self._follow(change, viewer.number)

    def look(self) -> None:
        """What time has brought about."""
        news = self._control.look(self._clock.now_ns(), is_engaged=self._is_engaged())
        if news.is_quiet:
            self._tell("quiet", {}, self._control.driver)
        for number in news.lapsed:
            self._say(number, "No answer, and the arm is engaged: ask again")
        if news.change is not None or news.lapsed:
            self._follow(news.change, news.change.before if news.change is not None else 0)

    def _carry_out(self, number: int, act: str, to: int) -> ControlChange | None:
        control, now_ns = self._control, self._clock.now_ns()
        if not self._access.get(number, Access()).may_drive:
            raise ControlError("This link is for watching, and for Stop", mend="ask for the page's own link")
        match act:
            case "take":
                return control.take(number, now_ns)
            case "ask":
                return control.ask(number, now_ns)
            case "give":
                return control.give(number, to, now_ns)
            case "release":
                return control.release(number, now_ns)
            case "take_back":
                return control.take_back(number, now_ns, may=self._may_take_back(number))
        self._say(control.keep(number, now_ns), "The driver keeps control")
        return None

    def _may_take_back(self, number: int) -> bool:
        access = self._access.get(number, Access())
        return access.is_admin or (self._is_open and not self._is_engaged())

    def may_share(self, number: int) -> bool:
        """Whether a viewer may give a link to watch away: who drives, and an administrator."""
        return number == self._control.driver or self._access.get(number, Access()).is_admin

    def _follow(self, change: ControlChange | None, viewer: int) -> None:
        """Let the pictures' credit follow a change, pass it on, and tell everybody how things stand."""
        if change is not None:
            self._last = change
            self._viewers.let_drive(change.driver)
            values: Values = {"driver": change.driver, "before": change.before, "why": change.why}
            self._tell("control", values, viewer)
        for one in self._viewers:
            one.offer_standing(self._standing(one.number))

    def _standing(self, number: int) -> str:
        """How control stands, for one viewer."""
        driver, access, last = self._control.driver, self._access.get(number, Access()), self._last
        standing = {
            "driver": driver,
            "before": last.before if last is not None else 0,
            "you": driver == number,
            "free": not driver,
            "asked_by": self._control.asked_by,
            "asking": self._control.asks(number),
            "why": last.why if last is not None else "",
            "others": self._control.others,
            "may_take_back": access.may_drive and (access.is_admin or self._is_open),
            "may_drive": access.may_drive,
            "may_share": self.may_share(number),
            "is_admin": access.is_admin,
        }
        return pack_text("control", standing)

    def _say(self, number: int, text: str) -> None:
        viewer = self._viewers.find(number)
        if viewer is not None:
            viewer.offer_text(pack_text("refused", {"text": text}))
