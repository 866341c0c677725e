"""The dashboard of the virtual controller: one line in, one line out.

Two commands exist on the virtual controller only: "inject protective stop" and "inject emergency stop"
(taken back by "release emergency stop").
"""

from __future__ import annotations

from teletwin.arm.virtual_ur.controller import Controller, Runtime
from teletwin.arm.virtual_ur.wire import CONTROLLER_VERSION

GREETING = b"Connected: Universal Robots Dashboard Server\n"
_FIXED = {
    "PolyscopeVersion": "URSoftware " + ".".join(str(part) for part in CONTROLLER_VERSION) + " (virtual)",
    "get serial number": "20240000000",
    "get robot model": "UR3",
    "is in remote control": "true",
    "robotmode": "Robotmode: RUNNING",
    "get loaded program": "No program loaded",
    "close popup": "closing popup",
    "close safety popup": "closing safety popup",
    "power on": "Powering on",
    "brake release": "Brake releasing",
    "quit": "Disconnected",
}
_UNLOCK_REFUSED = "Cannot unlock protective stop until 5s after occurrence. Always inspect cause of protective stop"


class Dashboard:
    """Answers the lines that ur_rtde and people send to port 29999."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def answer(self, line: str) -> str:
        """Do what a line says and return the answer, without line end."""
        fixed = _FIXED.get(line)
        if fixed is not None:
            return fixed
        if line.startswith(("popup ", "addToLog ")):
            return "showing popup" if line.startswith("popup") else "Added log message"
        return self._act(line) or self._tell(line) or f"could not understand: '{line}'"

    def _tell(self, line: str) -> str:
        controller = self._controller
        if line == "running":
            return f"Program running: {str(controller.runtime == Runtime.PLAYING).lower()}"
        if line == "programState":
            return f"{controller.runtime.name} rtde_control.urp"
        if line == "safetymode":
            return f"Safetymode: {controller.safety.name}"
        if line == "safetystatus":
            return f"Safetystatus: {controller.safety.name}"
        return ""

    def _act(self, line: str) -> str:
        controller = self._controller
        if line == "stop":
            controller.stop_program()
            return "Stopped"
        if line == "pause":
            controller.pause_program()
            return "Pausing program"
        if line == "play":
            return "Starting program" if controller.play_program() else "Failed to execute: play"
        if line == "unlock protective stop":
            released = controller.safety.unlock_protective_stop(controller.now_s)
            return "Protective stop releasing" if released else _UNLOCK_REFUSED
        return self._inject(line)

    def _inject(self, line: str) -> str:
        controller = self._controller
        if line == "inject protective stop":
            controller.stop_protectively()
            return "Protective stop injected"
        if line == "inject emergency stop":
            controller.stop_by_emergency()
            return "Emergency stop injected"
        if line in ("release emergency stop", "restart safety"):
            controller.safety.release_emergency_stop()
            return "Restarting safety"
        return ""
