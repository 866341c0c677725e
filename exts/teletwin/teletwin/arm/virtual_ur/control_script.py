"""What the program that ur_rtde uploads does, emulated: its command loop, not its text.

The program reads a command number from input integer register 0 and arguments from the input double
registers, acts, and answers in output integer register 0: 1 ready, 2 done. Commands that stream (servoJ,
speedJ) leave it at ready; the others hold it until they are done, then until the host clears the command.

Where a client numbers its set-points (servoJ's speed, which servoj does not use, goes up by a thousandth each), this
program does more than ur_rtde's: it bridges gaps in their stream (`arm.bridge`) and tells in output integer register
BRIDGE_REGISTER while it drops set-points. ur_rtde's own program repeats the last one instead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import IntEnum

import numpy as np

from teletwin.arm.dynamics import CYCLE_S
from teletwin.arm.motion import JointMotion, MotionMode
from teletwin.arm.set_point_number import BRIDGE_REGISTER, periods_between
from teletwin.arm.virtual_ur.variables import Memory

_log = logging.getLogger(__name__)
_READY, _DONE = 1, 2
_STOPL_RADIUS_M = 0.3
"""Turns the tool deceleration of stopL into one of the joints."""


class Command(IntEnum):
    """Command numbers of ur_rtde that are emulated."""

    NONE = 0
    MOVE_J = 1
    SPEED_J = 9
    SERVO_J = 11
    SPEED_STOP = 15
    SERVO_STOP = 16
    SET_PAYLOAD = 17
    GET_STEP_TIME = 26
    PROTECTIVE_STOP = 31
    STOP_L = 33
    STOP_J = 34
    SET_WATCHDOG = 35
    KICK_WATCHDOG = 99
    STOP_SCRIPT = 255


_STREAMED = (Command.SERVO_J, Command.SPEED_J, Command.GET_STEP_TIME, Command.KICK_WATCHDOG)


class ControlScript:
    """One run of the uploaded program."""

    def __init__(
        self, inputs: Memory, outputs: Memory, motion: JointMotion, *, stop_protectively: Callable[[], None]
    ) -> None:
        self._inputs, self._outputs, self._motion = inputs, outputs, motion
        self._stop_protectively = stop_protectively
        self._finished: Callable[[], bool] | None = None
        self._handled = False
        self._operation = 0
        self._number: float | None = None
        self._is_numbered = False
        self.running = True
        self.error = ""
        self.watchdog_s = 0.0
        """Longest silence of the client that is allowed [s]; 0: any."""
        self._progress(running=False)

    def step(self) -> None:
        """One cycle of the program."""
        self._act()
        self._outputs.set(f"output_int_register_{BRIDGE_REGISTER}", int(self._motion.is_bridging))

    def _act(self) -> None:
        if self._finished is not None:
            if not self._finished():
                return
            self._finished = None
            self._say(_DONE)
            self._progress(running=False)
            return
        command = int(self._inputs.get("input_int_register_0")[0])
        if command in _STREAMED:
            self._stream(command)
            self._say(_READY)
        elif command == Command.NONE:
            self._handled = False
            self._say(_READY)
        elif not self._handled:
            self._handled = True
            self._start(command)

    def _stream(self, command: int) -> None:
        if command == Command.SERVO_J:
            self._servo()
        elif command == Command.SPEED_J:
            qd, acceleration = self._six(), self._double(6)
            if np.isfinite(qd).all():
                self._motion.speed(qd, acceleration=acceleration, duration_s=0.0)
        elif command == Command.GET_STEP_TIME:
            self._outputs.set("output_double_register_0", CYCLE_S)

    def _servo(self) -> None:
        q, number, period_s = self._six(), self._double(6), self._double(8)
        lookahead_s, gain = self._double(9), self._double(10)
        if not (np.isfinite(q).all() and 0.03 <= lookahead_s <= 0.2 and 100.0 <= gain <= 2000.0):
            self._fail("servoj was given values that it does not take")
            return
        steps = self._periods(number)
        if steps is None:
            return
        self._motion.servo(q, lookahead_s=lookahead_s, gain=gain, steps=steps, period_s=period_s)

    def _periods(self, number: float) -> int | None:
        """Periods since the last set-point by its number; 0 where there are no numbers, None when it is not new."""
        steps = periods_between(self._number, number)
        begins = self._motion.mode != MotionMode.SERVO
        self._is_numbered = not begins and (self._is_numbered or steps > 0)
        self._number = number
        if begins or not self._is_numbered:
            return 0
        return steps or None

    def _start(self, command: int) -> None:
        if command == Command.MOVE_J:
            self._move()
        elif command in (Command.SPEED_STOP, Command.SERVO_STOP, Command.STOP_J):
            self._brake(self._double(0), asynchronous=command == Command.STOP_J and self._asynchronous())
        elif command == Command.STOP_L:
            self._brake(self._double(0) / _STOPL_RADIUS_M, asynchronous=self._asynchronous())
        elif command == Command.STOP_SCRIPT:
            self.running = False
        elif command == Command.PROTECTIVE_STOP:
            self._say(_DONE)
            self._stop_protectively()
        elif command == Command.SET_WATCHDOG:
            self.watchdog_s = 1.0 / max(self._double(0), 0.1)
            self._say(_DONE)
        elif command == Command.SET_PAYLOAD:
            self._outputs.set("payload", self._double(0))
            self._outputs.set("payload_cog", self._double(1), self._double(2), self._double(3))
            self._say(_DONE)
        else:
            self._fail(f"command {command} is not emulated by the virtual controller")

    def _move(self) -> None:
        q, speed, acceleration = self._six(), self._double(6), self._double(7)
        if not np.isfinite([*q, speed, acceleration]).all():
            self._fail("movej was given values that are not finite")
            return
        self._motion.move(q, speed=speed, acceleration=acceleration)
        self._wait(lambda: self._motion.mode != MotionMode.MOVE, asynchronous=self._asynchronous())

    def _brake(self, deceleration: float, *, asynchronous: bool) -> None:
        self._motion.stop(deceleration=deceleration)
        self._wait(lambda: self._motion.at_rest, asynchronous=asynchronous)

    def _wait(self, finished: Callable[[], bool], *, asynchronous: bool) -> None:
        self._progress(running=True)
        if asynchronous:
            self._say(_DONE)
        else:
            self._finished = finished

    def finish_asynchronous(self) -> None:
        """Tell the client when a movement that it does not wait for has ended."""
        if self._finished is None and self._moving and self._motion.at_rest:
            self._progress(running=False)

    def _progress(self, *, running: bool) -> None:
        """Output integer register 2: bits 24 ... 30 number of the operation, bit 15 whether it runs."""
        self._operation = (self._operation + running) % 128
        self._moving = running
        self._outputs.set("output_int_register_2", self._operation << 24 | running << 15)

    def _fail(self, why: str) -> None:
        _log.warning("the control program ends: %s", why)
        self.error = why
        self.running = False

    def _say(self, value: int) -> None:
        self._outputs.set("output_int_register_0", value)

    def _asynchronous(self) -> bool:
        return self._inputs.get("input_int_register_1")[0] == 1

    def _double(self, number: int) -> float:
        return self._inputs.get(f"input_double_register_{number}")[0]

    def _six(self) -> np.ndarray:
        return np.array([self._double(number) for number in range(6)])
