"""Reads a device in a thread of its own and gives its motion as inputs of a hand; a lost device opens the clutch."""

from __future__ import annotations

import logging
import threading
from collections import deque

from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.errors import TeletwinError
from teletwin.geometry import IDENTITY_POSE, Array, is_valid_pose
from teletwin.hand.browser import HandInput
from teletwin.hand.devices import Deflection, DeviceCfg, DeviceLostError, HandDevice, Placement
from teletwin.hand.devices.jog import Jog

_PERIOD_NS = 8 * NS_PER_MS
_RETRY_NS = 1 * NS_PER_S
_KEPT = 256
_VIEWER = -3
_FIRST_S = 15.0


class DeviceFeed:
    """One device between `__enter__` and `__exit__`; its thread calls `step`, which tests may do themselves."""

    def __init__(self, device: HandDevice, clock: Clock, cfg: DeviceCfg | None = None) -> None:
        self._device, self._clock, self._jog = device, clock, Jog(cfg or DeviceCfg())
        self._inputs: deque[HandInput] = deque(maxlen=_KEPT)
        self._pose: Array = IDENTITY_POSE
        self._is_open = self._is_closed = False
        self._seq = self._retry_ns = 0
        self.enable_seq = 0
        """Number of the newest reading in which a person holds the device; 0 while nobody does."""
        self.warning = ""
        """What a person must know of the device; empty when all is well."""
        self._first: TeletwinError | None = None
        self._met, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"hand-{device.name}", daemon=True)

    def __enter__(self) -> DeviceFeed:
        """Open the device.

        Raises:
            DeviceLostError: It is not there.
            MissingPartError: Its library is not installed.
        """
        self._thread.start()
        if not self._met.wait(_FIRST_S):
            self._first = DeviceLostError(f"the {self._device.name} does not answer", mend="is it plugged in?")
        if self._first is not None:
            self._stop.set()
            raise self._first
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def inputs(self) -> list[HandInput]:
        """Inputs since the last call, oldest first."""
        taken = []
        while self._inputs:
            taken.append(self._inputs.popleft())
        return taken

    def open(self) -> None:
        """Open the device the first time; see `__enter__`."""
        self._device.open()
        self._is_open = True

    def step(self, now_ns: int) -> None:
        """Read the device once, or look for it again once a second."""
        if not self._is_open and not self._found(now_ns):
            return
        try:
            reading = self._device.read(now_ns)
        except Exception as error:  # a library's own, of any kind
            self._lose(error, now_ns)
            return
        if isinstance(reading, Deflection):
            self._push(reading, now_ns)
        elif isinstance(reading, Placement) and is_valid_pose(reading.pose):
            self._say(reading.pose, closed=reading.closed, t_ns=reading.t_ns, reports_rest=True)

    def _found(self, now_ns: int) -> bool:
        if now_ns < self._retry_ns:
            return False
        self._retry_ns = now_ns + _RETRY_NS
        try:
            self.open()
        except Exception:  # the warning stands already
            return False
        self.warning = ""
        return True

    def _lose(self, error: Exception, now_ns: int) -> None:
        """Hold: the clutch opens, the tool stays where it is."""
        why = str(error) or type(error).__name__
        self.warning = f"the {self._device.name} is gone and the hand rests ({why}): plug it in again"
        logging.getLogger(__name__).warning(self.warning)
        self._is_open, self._retry_ns = False, now_ns + _RETRY_NS
        self._jog.rest()
        try:
            self._device.close()
        except Exception as late:  # what is gone need not close well
            logging.getLogger(__name__).debug("closing the %s: %s", self._device.name, late)
        self._say(self._pose, closed=False, t_ns=now_ns)

    def _push(self, deflection: Deflection, now_ns: int) -> None:
        is_pushed = self._jog.push(deflection, now_ns)
        if is_pushed or self._is_closed:
            self._say(self._jog.pose, closed=is_pushed, t_ns=now_ns)

    def _say(self, pose: Array, *, closed: bool, t_ns: int, reports_rest: bool = False) -> None:
        self._seq += 1
        self._pose, self._is_closed = pose, closed
        self.enable_seq = self._seq if closed else 0
        name = self._device.name
        self._inputs.append(
            HandInput(
                seq=self._seq,
                t_ns=t_ns,
                pose=pose,
                clutch=closed,
                device=name,
                viewer=_VIEWER,
                reports_rest=reports_rest,
            )
        )

    def _run(self) -> None:
        try:
            self.open()
        except TeletwinError as error:
            self._first = error
        except Exception as error:
            self._first = DeviceLostError(f"the {self._device.name} cannot be opened", given=error)
        self._met.set()
        due_ns = self._clock.now_ns()
        while not self._stop.is_set():
            self.step(self._clock.now_ns())
            due_ns = max(due_ns + _PERIOD_NS, self._clock.now_ns())
            self._clock.sleep_until(due_ns)
        if self._is_open:
            self._device.close()
