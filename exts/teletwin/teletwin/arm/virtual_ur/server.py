"""The real-time loop of the virtual controller."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from teletwin.arm.dynamics import CYCLE_NS
from teletwin.arm.virtual_ur.connections import Connections
from teletwin.arm.virtual_ur.controller import Controller, ControllerCfg
from teletwin.clock import Clock, SystemClock, Ticker

_CATCH_UP_MAX = 250
"""Cycles made up for at once after the process did not run; the rest of the time is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualUrCfg:
    """Where a virtual UR3e listens (30004, 29999, 30001 ... 30003), and what it is."""

    host: str = "127.0.0.1"
    """An address of this machine; several controllers take 127.0.0.1, 127.0.0.2, ...; ::1 is one too."""
    controller: ControllerCfg = field(default_factory=ControllerCfg)


class VirtualUr:
    """A virtual UR3e controller on its real ports. Run it in a process of its own: it keeps 500 Hz."""

    def __init__(self, cfg: VirtualUrCfg | None = None, *, clock: Clock | None = None) -> None:
        cfg = cfg or VirtualUrCfg()
        self._clock = clock or SystemClock()
        self.controller = Controller(cfg.controller)
        self.connections = Connections(self.controller, cfg.host)
        self.late_count = 0
        """Cycles that were made up for."""
        self.lost_cycle_count = 0
        """Cycles that were given up."""

    def run(self, stop: threading.Event) -> None:
        """Cycle at 500 Hz until `stop` is set."""
        ticker = Ticker(self._clock, period_ns=CYCLE_NS)
        try:
            while not stop.is_set():
                _, late_ns = ticker.wait()
                self.tick(1 + late_ns // CYCLE_NS)
        finally:
            self.connections.close()

    def tick(self, cycles_due: int = 1) -> None:
        """Make up for the cycles due with the inputs of their time, report each, then receive for the next cycle."""
        count = min(cycles_due, _CATCH_UP_MAX)
        self.late_count += count - 1
        self.lost_cycle_count += cycles_due - count
        if count > 1:
            self.connections.poll()
            self.controller.forgive(count - 1)
        for left in range(count, 0, -1):
            self.connections.store_inputs(left)
            self.controller.cycle()
            self.connections.send(self.controller.cycle_count)
        self.connections.poll()
