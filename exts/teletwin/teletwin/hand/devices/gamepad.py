"""A gamepad at the operator's host by SDL (pygame-ce); the same sticks and buttons as in the page."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from teletwin.errors import MissingPartError
from teletwin.hand.devices import Deflection, DeviceLostError

_SDL = {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    "SDL_VIDEODRIVER": "dummy",  # events come without a screen
    "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",  # and without a window that has the focus
    "SDL_NO_SIGNAL_HANDLERS": "1",  # Ctrl-C stays ours
}
_FULL = 32767.0


class Gamepad:
    """The first gamepad that SDL knows the layout of."""

    name = "gamepad"

    def __init__(self) -> None:
        self._game: Any = None
        self._pad: Any = None

    def open(self) -> None:
        """Find it; see HandDevice."""
        for key, value in _SDL.items():
            os.environ.setdefault(key, value)
        try:
            self._game, controller = import_module("pygame"), import_module("pygame._sdl2.controller")
        except ImportError as error:
            mend = "pip install 'teletwin[hands]'"
            raise MissingPartError("a gamepad needs pygame-ce", given=error, mend=mend) from error
        self._game.display.init()
        controller.init()
        self._game.event.pump()
        for index in range(controller.get_count()):
            if controller.is_controller(index):
                self._pad = controller.Controller(index)
                return
        raise DeviceLostError("no gamepad is found", mend="plug it in; SDL must know its layout (standard ones are)")

    def read(self, now_ns: int) -> Deflection:
        """Left stick: right and up; triggers: towards the person and away; right stick and shoulders: turns."""
        game, pad = self._game, self._pad
        for _ in game.event.get():  # SDL updates the pad while it is asked; nothing else is wanted of the events
            pass
        if not pad.attached():
            raise DeviceLostError("it was unplugged")

        def axis(name: str) -> float:
            return pad.get_axis(getattr(game, f"CONTROLLER_AXIS_{name}")) / _FULL

        def button(name: str) -> float:
            return float(pad.get_button(getattr(game, f"CONTROLLER_BUTTON_{name}")))

        depth = axis("TRIGGERLEFT") - axis("TRIGGERRIGHT")
        roll = button("LEFTSHOULDER") - button("RIGHTSHOULDER")
        return Deflection(move=(axis("LEFTX"), -axis("LEFTY"), depth), turn=(axis("RIGHTY"), axis("RIGHTX"), roll))

    def close(self) -> None:
        """Let it go."""
        pad, self._pad = self._pad, None
        if pad is not None:
            pad.quit()
