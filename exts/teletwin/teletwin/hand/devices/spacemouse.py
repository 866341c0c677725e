"""A 3Dconnexion SpaceMouse by pyspacemouse: pushes move the hand, twists turn it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from teletwin.clock import NS_PER_MS
from teletwin.errors import MissingPartError
from teletwin.hand.devices import Deflection, DeviceLostError

_LOOK = "plug it in, apt-get install libhidapi-hidraw0, and allow this user to read it (docs/hands.md)"
_SILENT_NS = 200 * NS_PER_MS
"""While it is pushed it reports all the time; its battery empty or out of reach, it would stay pushed for ever."""
_RELEASED = Deflection(move=(0.0, 0.0, 0.0), turn=(0.0, 0.0, 0.0))
_READS = 8
"""Reports come faster than the loop turns: several are taken a turn, so that none is old."""


class SpaceMouse:
    """The first SpaceMouse that is found."""

    name = "SpaceMouse"

    def __init__(self) -> None:
        self._device: Any = None
        self._stamp: float = -1.0
        self._reported_ns = 0

    def open(self) -> None:
        """Find it; see HandDevice."""
        try:
            library = import_module("pyspacemouse")
        except (ImportError, OSError, AttributeError) as error:  # the last two: the system's hidapi is missing
            mend = "pip install 'teletwin[hands]' and apt-get install libhidapi-hidraw0"
            raise MissingPartError("the SpaceMouse needs pyspacemouse and hidapi", given=error, mend=mend) from error
        try:
            # Right-handed: x right, y away from the person, z up, turns about the same axes.
            self._device = library.open(axis_convention=library.AxisConvention.HID_Z_UP)
        except Exception as error:
            raise DeviceLostError("no SpaceMouse is found", given=error, mend=_LOOK) from error

    def read(self, now_ns: int) -> Deflection:
        """Its deflection in the hand's axes."""
        state = None
        for _ in range(_READS):
            state = self._device.read()
        assert state is not None
        if state.t != self._stamp:
            self._stamp, self._reported_ns = state.t, now_ns
        elif now_ns - self._reported_ns > _SILENT_NS:
            return _RELEASED
        return Deflection(move=(state.x, state.z, -state.y), turn=(state.roll, state.yaw, -state.pitch))

    def close(self) -> None:
        """Let it go."""
        device, self._device = self._device, None
        if device is not None:
            device.close()
