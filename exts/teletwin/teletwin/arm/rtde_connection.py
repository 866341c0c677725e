"""Both interfaces of ur_rtde to one controller, made and ended without noise."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import Any

from teletwin.arm.set_point_number import BRIDGE_REGISTER
from teletwin.errors import MissingPartError, RobotError
from teletwin.listening import host_and_port

RTDE_PORT = 30004
_VARIABLES = [
    "timestamp",
    "actual_q",
    "actual_qd",
    "runtime_state",
    "robot_status_bits",
    "safety_status_bits",
    f"output_int_register_{BRIDGE_REGISTER}",
]
_PROBE_TIMEOUT_S = 1.0
_KNOCK_TIMEOUT_S = 0.02
"""Loopback refuses at once."""
_PROGRAM_TIMEOUT_S = 3.0
_END_S = 0.7
"""Longest wait for each part of the end: it takes ur_rtde 0.5 s, or for ever when the controller has gone."""
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RtdeConnection:
    """ur_rtde's two interfaces."""

    host: str
    control: Any
    receive: Any

    @property
    def alive(self) -> bool:
        """Whether both are connected."""
        return self.receive.isConnected() and self.control.isConnected()

    @property
    def is_refused(self) -> bool:
        """Whether nobody listens there any more; who merely does not run still does, on the same computer."""
        try:
            socket.create_connection((self.host, RTDE_PORT), timeout=_KNOCK_TIMEOUT_S).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return False

    def start_program(self) -> bool:
        """Upload the control program again and wait until it runs; False when it does not."""
        with _quiet():
            if not self.control.reuploadScript():
                return False
        end_s = time.monotonic() + _PROGRAM_TIMEOUT_S
        while time.monotonic() < end_s:
            if self.control.isProgramRunning() and not self.receive.getSafetyStatusBits() & ~0b11:
                return True
            time.sleep(0.02)
        return False

    def renewed(self) -> RtdeConnection | None:
        """Another connection after a loss, its control program started; None when the robot does not answer.

        Not by ur_rtde's `reconnect`: a thread of its own tries the same at a loss, and both at once end the process.
        """
        try:
            _probe(self.host)
            with _quiet():
                _within(_END_S, *(part.disconnect for part in self._parts if part.isConnected()))
            self._keep()
            return connect(self.host)
        except (RobotError, RuntimeError):
            return None

    def guard(self, silence_s: float) -> bool:
        """Let the controller end the program when this client is silent for so long [s]; False when it refuses.

        To be said again to every program: the watchdog goes with it.
        """
        answers: list[bool] = []
        _within(_END_S, lambda: answers.append(self.control.setWatchdog(1.0 / silence_s)))
        return answers == [True]

    def close(self) -> None:
        """End the program and disconnect both at once, half a second each in ur_rtde; give up on what hangs."""
        with _quiet():
            if self.control.isConnected() and self._reports():
                _within(_END_S, self.control.stopScript)
            _within(_END_S, *(part.disconnect for part in self._parts))
        self._keep()

    @property
    def _parts(self) -> tuple[Any, Any]:
        return self.control, self.receive

    def _keep(self) -> None:
        """Keep both for good: destructors would disconnect once more, half a second each, and free but memory."""
        for part in self._parts:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(part))

    def _reports(self) -> bool:
        """Whether the controller still tells the time: ur_rtde would wait minutes for one whose line is only open."""
        before = self.receive.getTimestamp()
        end_s = time.monotonic() + _LOOK_S
        while self.receive.getTimestamp() == before:
            if time.monotonic() > end_s:
                return False
            time.sleep(0.002)
        return True


def _within(limit_s: float, *calls: Callable[[], object]) -> None:
    """Make the calls beside each other and wait for them, limit_s [s] at most."""
    ends = [Thread(target=_attempt, args=(call,), daemon=True) for call in calls]
    for end in ends:
        end.start()
    end_s = time.monotonic() + limit_s
    for end in ends:
        end.join(max(end_s - time.monotonic(), 0.0))


def _attempt(call: Callable[[], object]) -> None:
    try:
        call()
    except RuntimeError:
        return  # what fails on the way out is of no use any more


def connect(host: str) -> RtdeConnection:
    """Connect to a controller and start the control program on it.

    Raises:
        RobotError: Nothing answers there, or it refuses.
        MissingPartError: ur_rtde is not installed.
    """
    _probe(host)  # ur_rtde waits for an answer with the interpreter locked: ask by a plain socket first
    try:
        control, receive = import_module("rtde_control"), import_module("rtde_receive")
    except ImportError as error:
        raise MissingPartError("ur_rtde cannot be imported", given=error, mend="pip install ur-rtde") from error
    try:
        with _quiet():
            reader = receive.RTDEReceiveInterface(host, -1.0, _VARIABLES)
            return RtdeConnection(host=host, control=control.RTDEControlInterface(host), receive=reader)
    except (RuntimeError, ValueError) as error:
        what = f"the robot refuses: {str(error).splitlines()[0]}"
        raise RobotError(what, given=host, mend="is it in remote control, and no other client connected?") from error


def _probe(host: str) -> None:
    try:
        socket.create_connection((host, RTDE_PORT), timeout=_PROBE_TIMEOUT_S).close()
    except OSError as error:
        raise RobotError(
            f"no robot answers: {error}",
            given=host_and_port(host, RTDE_PORT),
            mend="start `python -m teletwin.arm.virtual_ur`, or give the address of a UR that is on",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what ur_rtde's C++ writes to the terminal away from it, for a moment and for the whole process."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    silent = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for number in (*kept, silent):
            os.close(number)
