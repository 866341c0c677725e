"""The page's desk around a loop that tests put together."""

from __future__ import annotations

from typing import Any

from teletwin.messages import ViewSettings
from teletwin.session.config import HorizonCfg
from teletwin.session.desk import PageDesk


def made_desk(loop: Any, *, horizon: HorizonCfg | None = None, set_view: Any = lambda _: None) -> PageDesk:
    """A desk that tells nobody anything but `set_view`."""
    return PageDesk(
        loop,
        None,  # pyright: ignore[reportArgumentType] - no hand
        horizon=horizon or HorizonCfg(),
        paper_mode=False,
        slot_s=0.01,
        view=ViewSettings(),
        notify=lambda _: None,
        set_view=set_view,
        record=lambda _: None,
    )
