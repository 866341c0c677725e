"""From what a page said of a hand to an input of it."""

from __future__ import annotations

from teletwin.hand.browser import HandInput
from teletwin.view.server_messages import PageEvent


def hand_input(event: PageEvent) -> HandInput:
    """The input in an event of the kind `input`."""
    values = event.values
    return HandInput(
        seq=values["seq"],
        t_ns=event.t_ns,
        pose=values["hand"],
        clutch=values["clutch"],
        device=values["device"],
        viewer=event.viewer,
        before=tuple(values.get("before", ())),
        grain_m=values.get("grain_m", 0.0),
        reports_rest=values["device"] in _GO_ON,
    )


_GO_ON = frozenset({"xr", "openxr", "ros2"})
"""Devices that report where a hand is while it rests, too."""
