"""The virtual controller without its sockets: physics, safety, the program, and what it reports."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from teletwin.arm.dynamics import CYCLE_S, UrDynamics
from teletwin.arm.set_point_number import BRIDGE_REGISTER, WATCHDOG_ENDED
from teletwin.arm.simulated import START_Q
from teletwin.arm.stop_plan import OWN_STOP_RAD_S2
from teletwin.arm.virtual_ur.control_script import ControlScript
from teletwin.arm.virtual_ur.reports import Reports
from teletwin.arm.virtual_ur.safety import UNLOCK_WAIT_S, Safety
from teletwin.arm.virtual_ur.variables import INPUT_TYPES, OUTPUT_TYPES, Memory
from teletwin.errors import ConfigError

_log = logging.getLogger(__name__)
_PROGRAM_MARK = "RTDE Control Script"


class Runtime(IntEnum):
    """Values of `runtime_state`."""

    STOPPED = 1
    PLAYING = 2
    PAUSED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerCfg:
    """A virtual UR3e."""

    q_start: tuple[float, ...] = START_Q
    unlock_wait_s: float = UNLOCK_WAIT_S
    """How long a protective stop cannot be unlocked [s]."""
    scene: str = "table"
    """What it collides with: "table", "bare" or the path of an MJCF file."""

    def __post_init__(self) -> None:
        if len(self.q_start) != 6 or not np.isfinite(self.q_start).all():
            raise ConfigError("q_start cannot be used", given=self.q_start, allowed="six finite joint positions")
        if not 0.0 <= self.unlock_wait_s <= 60.0:
            raise ConfigError("unlock_wait_s cannot be used", given=self.unlock_wait_s, allowed="0 to 60 s")


class Controller:
    """One UR3e controller, a cycle of 2 ms at a time.

    When set-points of servoj stop coming it holds the last one, as ur_rtde's program does on a robot, or brakes, where
    they bear numbers (`control_script`). The client's watchdog (setWatchdog) ends the program when input register 0
    stays silent for too long, not counting cycles that are made up for. Whatever ends or pauses the program, the
    reference then comes to rest within 36 rad/s^2 and 10 000 rad/s^3 (`stop_plan`): this controller's own stop, an
    assumption about a real one's.
    """

    def __init__(self, cfg: ControllerCfg | None = None) -> None:
        cfg = cfg or ControllerCfg()
        self.inputs, self.outputs = Memory(INPUT_TYPES), Memory(OUTPUT_TYPES)
        self.dynamics = UrDynamics(scene=cfg.scene)
        self.dynamics.reset(np.array(cfg.q_start))
        self.safety = Safety(unlock_wait_s=cfg.unlock_wait_s)
        self.runtime = Runtime.STOPPED
        self.script: ControlScript | None = None
        self._reports = Reports(self.outputs, self.dynamics)
        self._heard_cycle = 0
        self.report()

    @property
    def cycle_count(self) -> int:
        """Cycles since the start."""
        return self.dynamics.step_count

    @property
    def now_s(self) -> float:
        """The controller's own time [s]."""
        return self.dynamics.step_count * CYCLE_S

    def cycle(self) -> None:
        """One cycle: the program acts on the inputs, the arm moves, the reports are renewed."""
        script = self.script
        if script is not None and self.runtime == Runtime.PLAYING:
            script.step()
            script.finish_asynchronous()
            self._watch(script)
        self.dynamics.step()
        self.report()

    def heard(self) -> None:
        """A client wrote inputs."""
        self._heard_cycle = self.cycle_count

    def forgive(self, cycles: int) -> None:
        """So many of the cycles to come are made up for: this process did not run, and nobody was silent in them."""
        self._heard_cycle += cycles

    def run_program(self, text: str) -> bool:
        """Start an uploaded program; False, and nothing runs, when it is not ur_rtde's."""
        self.stop_program()
        if _PROGRAM_MARK not in text:
            _log.warning("an uploaded program is not ur_rtde's control program and is not run")
            return False
        if not self.safety.normal:
            return False
        self.script = ControlScript(
            self.inputs, self.outputs, self.dynamics.motion, stop_protectively=self.stop_protectively
        )
        self.runtime = Runtime.PLAYING
        self.heard()
        return True

    def stop_program(self) -> None:
        """End the program and bring the arm to rest."""
        self.script = None
        self.runtime = Runtime.STOPPED
        self.outputs.set("output_int_register_0", 0)
        self.outputs.set(f"output_int_register_{BRIDGE_REGISTER}", 0)
        self.dynamics.motion.stop(deceleration=OWN_STOP_RAD_S2)

    def pause_program(self) -> None:
        """Pause the program and bring the arm to rest."""
        if self.runtime == Runtime.PLAYING:
            self.runtime = Runtime.PAUSED
        self.dynamics.motion.stop(deceleration=OWN_STOP_RAD_S2)

    def play_program(self) -> bool:
        """Go on with a paused program; False when there is none or the safety system says no."""
        if self.script is None or not self.safety.normal:
            return False
        self.runtime = Runtime.PLAYING
        self.heard()
        return True

    def stop_protectively(self) -> None:
        """Trigger a protective stop."""
        self.safety.protective_stop(self.now_s)
        self.pause_program()

    def stop_by_emergency(self) -> None:
        """Press the emergency button: the program ends."""
        self.safety.emergency_stop(self.now_s)
        self.stop_program()

    def _watch(self, script: ControlScript) -> None:
        silent_s = (self.cycle_count - self._heard_cycle) * CYCLE_S
        if 0.0 < script.watchdog_s < silent_s:
            _log.warning("the client was silent for %.0f ms: the watchdog ends the program", 1e3 * silent_s)
            self.stop_program()
            self.outputs.set(f"output_int_register_{BRIDGE_REGISTER}", WATCHDOG_ENDED)
        elif not script.running:
            self.stop_program()

    def report(self) -> None:
        """Renew the output variables."""
        self._reports.renew(runtime=self.runtime, safety=self.safety)
