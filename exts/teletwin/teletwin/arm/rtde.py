"""A UR arm through RTDE: the virtual controller or a real UR3e, driven by the ur_rtde library."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from teletwin.arm import NO_PROGRAM, WATCHDOG_S, MeasuredJoints
from teletwin.arm.rtde_connection import RtdeConnection, connect
from teletwin.arm.servo_law import ServoLawCfg
from teletwin.arm.set_point_number import BRIDGE_REGISTER, WATCHDOG_ENDED, SetPointTimes, speed_of
from teletwin.arm.stop_plan import OWN_STOP_RAD_S2
from teletwin.arm.ur_dashboard import ask_dashboard
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from teletwin.errors import ConfigError, RobotError
from teletwin.geometry import Array
from teletwin.safety import CONTROLLER_LOST_MS, RECOVERY_MS

_SAFETY_FAULTS = (
    (1 << 5 | 1 << 6 | 1 << 7, "emergency stop: release the button, then clear"),
    (1 << 8, "safety violation: see the teach pendant, then clear"),
    (1 << 9, "fault of the safety system: see the teach pendant, then clear"),
    (1 << 4, "safeguard stop: free the safeguarded space, then clear"),
    (1 << 2, "protective stop: find its cause, then clear"),
)
_log = logging.getLogger(__name__)
_LOST = "connection to the robot lost: see that it is on and reachable, then clear"
_NO_WATCHDOG = "the controller does not take a watchdog: see that ur-rtde's control program runs, then clear"
_PLAYING = 2
_PROGRAM_TIMEOUT_S = 3.0
_SILENT_NS = int(CONTROLLER_LOST_MS * NS_PER_MS)
"""A controller that reports nothing for so long is lost, whatever its sockets say: a pulled cable closes none."""
_LOOK_MOST_NS = 50 * NS_PER_MS
"""Longer between two looks it is this host that stood still, and the reports may only wait to be taken."""
_LOOK_AGAIN_NS = 4 * NS_PER_MS
_WATCH_PERIOD_S = 0.5
_KICK_NS = 10 * NS_PER_MS
"""After so long without a set-point the watchdog is kicked for its own sake."""
_BEGIN_LOOKS = 100
"""After so many looks the caller is past its start, which may keep it longer than the watchdog bears."""
_RECOVERY_NS = int(RECOVERY_MS * NS_PER_MS)
_AGAIN_NS = 200 * NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class RtdeArmCfg:
    """Where the arm is and how it servos."""

    host: str = "127.0.0.1"
    lookahead_s: float = 0.03
    """servoj's lookahead_time, 0.03 ... 0.2 s."""
    gain: float = 1200.0
    """servoj's gain, 100 ... 2000."""
    rate_hz: float = 500.0
    """How often set-points are sent; 500 on e-Series."""
    stop_deceleration: float = OWN_STOP_RAD_S2
    """Of servoStop [rad/s^2]. The arm's role brakes by set-points before it: this counts where that was cut off."""
    watchdog_s: float = WATCHDOG_S
    """Silence of this client after which the controller ends the program [s]."""
    recovers: bool = False
    """The controller is a virtual one on this very computer: where it or this client did not run, nothing is latched,
    and the connection or its program is made anew by itself. Never for a robot."""

    def __post_init__(self) -> None:
        ServoLawCfg(lookahead_s=self.lookahead_s, gain=self.gain)
        if not self.host.strip():
            raise ConfigError("the robot's address is empty", allowed="a host name or an IP address")
        if not 50.0 <= self.rate_hz <= 500.0:
            raise ConfigError("rate_hz cannot be used", given=self.rate_hz, allowed="50 to 500 Hz")
        if not 0.1 <= self.stop_deceleration <= 40.0:
            raise ConfigError("stop_deceleration cannot be used", given=self.stop_deceleration, allowed="0.1 to 40")
        if not 0.02 <= self.watchdog_s <= 10.0:
            raise ConfigError("watchdog_s cannot be used", given=self.watchdog_s, allowed="0.02 to 10 s")


class RtdeArm:
    """An `arm.Arm` behind RTDE.

    `servo` and `state` only touch memory and one socket write, p50 tens of microseconds. What can take long
    (stopping, clearing a fault, connecting again) is done by a thread of its own; meanwhile set-points are
    counted and dropped. A fault stays until a person calls `clear_fault`: a lost connection is made again by
    itself, but the arm does not move again by itself. A virtual controller's silence on a busy computer is no fault
    (`RtdeArmCfg.recovers`): the arm is busy until it is heard again.

    The controller's watchdog is set soon after each start of the program, before any set-point. Set-points kick it, and
    while none are sent each look (`state`) does: a client that neither looks nor sends ends the program.
    """

    def __init__(self, cfg: RtdeArmCfg | None = None, *, clock: Clock | None = None) -> None:
        self._cfg = cfg or RtdeArmCfg()
        self._clock = clock or SystemClock()
        self._period_s = 1.0 / self._cfg.rate_hz
        self._link: RtdeConnection | None = None
        self._known = MeasuredJoints(t_ns=0, q=np.zeros(6), qd=np.zeros(6), fault=_LOST)
        self._fault = ""
        self._busy = self._is_bridging = False
        self._guarded = self._has_played = False
        self._recovers_since_ns: int | None = None
        self._times = SetPointTimes(period_ns=round(self._period_s * NS_PER_S))
        self._number = self._kicked_ns = self._looks = 0
        self._stamp, self._looked_ns, self._silent_ns = -1.0, 0, 0
        self._jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self.refused_count = 0
        """Set-points that were not sent: not finite, or the arm is stopped."""
        self.failed_count = 0
        """Set-points that the controller did not take."""
        self.recovered_count = 0
        """Times that a virtual controller was reached again after this computer had been too busy."""

    def __enter__(self) -> RtdeArm:
        self._link = self._connect()
        self._await_program(self._link)
        self._read(self._link)
        self._worker = threading.Thread(target=self._work, name="rtde-arm", daemon=True)
        self._worker.start()
        return self

    def _connect(self) -> RtdeConnection:
        """Connect; ur_rtde's own patience, some seconds, is too short for a virtual controller that hardly runs."""
        end_ns = self._clock.now_ns() + (_RECOVERY_NS if self._cfg.recovers else 0)
        while True:
            try:
                return connect(self._cfg.host)
            except RobotError:
                if self._clock.now_ns() >= end_ns:
                    raise
                self._clock.sleep_until(self._clock.now_ns() + _AGAIN_NS)

    def __exit__(self, *exc: object) -> None:
        self._jobs.put("close")
        if self._worker is not None:
            self._worker.join(timeout=1.5)
            self._worker = None
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def state(self) -> MeasuredJoints:
        """The newest joints that the controller reported; never blocks."""
        link = self._link
        if link is not None and link.alive:
            self._read(link)
            self._show_life(link)
        else:
            self._latch(_LOST)
            known = self._known
            self._known = MeasuredJoints(t_ns=known.t_ns, q=known.q, qd=np.zeros(6), fault=self._fault)
        return self._known

    def servo(self, q: Array) -> None:
        """Send one set-point [rad] (6,); dropped and counted while there is a fault or the arm is stopping."""
        link = self._link
        if self._fault or self._is_kept or link is None or not link.alive or not np.isfinite(q).all():
            self.refused_count += 1
            return
        if not self._guarded and not self._guard(link):
            return
        cfg, speed = self._cfg, speed_of(self._next_number())
        try:
            taken = link.control.servoJ(q.tolist(), speed, 0.5, self._period_s, cfg.lookahead_s, cfg.gain)
        except RuntimeError:  # lost between the look and the call
            taken = False
            self._latch(_LOST)
        self.failed_count += not taken

    def _next_number(self) -> int:
        """The number of a set-point that is made now: one more for each period since the last."""
        self._kicked_ns = self._clock.now_ns()
        self._number += self._times.next(self._kicked_ns)
        return self._number

    def _show_life(self, link: RtdeConnection) -> None:
        """Have the watchdog set once the looks come regularly; kick it when no set-point has done so."""
        if self._fault or self._is_kept:
            return
        self._looks += 1
        if not self._guarded:
            if self._looks >= _BEGIN_LOOKS:
                self._order("guard")
        elif self._looked_ns - self._kicked_ns > _KICK_NS:
            self._kick(link)

    def _kick(self, link: RtdeConnection) -> None:
        self._kicked_ns = self._looked_ns
        try:
            link.control.kickWatchdog()
        except RuntimeError:
            self._latch(_LOST)

    def _guard(self, link: RtdeConnection) -> bool:
        """Set the watchdog, some milliseconds; whether the controller takes it."""
        self._guarded = link.guard(self._cfg.watchdog_s)
        self._kicked_ns = self._clock.now_ns()
        if not self._guarded:
            self._latch(_NO_WATCHDOG)
        return self._guarded

    def stop(self) -> None:
        """Bring the arm to rest; returns at once, set-points are dropped until it stands."""
        self._order("stop")

    def clear_fault(self) -> None:
        """A person says that the arm may move again; returns at once, `state` tells when the fault is gone."""
        if self._fault:
            self._order("clear")

    @property
    def busy(self) -> bool:
        """True while set-points are dropped: the arm is being stopped, by whomever, or a fault is being cleared."""
        return self._is_kept or self._is_bridging

    @property
    def _is_kept(self) -> bool:
        """Whether something must end first that this client does: stopping, clearing, recovering."""
        return self._busy or self._recovers_since_ns is not None

    def _order(self, job: str) -> None:
        self._busy = True
        self._jobs.put(job)

    def _read(self, link: RtdeConnection) -> None:
        receive = link.receive
        fault = _LOST if self._is_silent(link) else _fault_of(receive, busy=self._busy)
        self._latch(fault)
        self._has_played |= not fault
        if self._recovers_since_ns is not None and not (fault or self._busy or self._silent_ns):
            self._end_recovery()
        self._is_bridging = receive.getOutputIntRegister(BRIDGE_REGISTER) == 1
        self._known = MeasuredJoints(
            t_ns=self._looked_ns - self._silent_ns,
            q=np.array(receive.getActualQ()),
            qd=np.array(receive.getActualQd()),
            fault=self._fault,
        )

    def _is_silent(self, link: RtdeConnection) -> bool:
        """Look at the controller's own time in the newest report, and whether it has stood still for long."""
        now_ns, stamp = self._clock.now_ns(), link.receive.getTimestamp()
        since_ns = min(now_ns - self._looked_ns, _LOOK_MOST_NS)
        self._silent_ns = self._silent_ns + since_ns if stamp == self._stamp else 0
        self._stamp, self._looked_ns = stamp, now_ns
        return self._silent_ns > _SILENT_NS

    def _await_program(self, link: RtdeConnection) -> None:
        """Wait for a report that is younger than the program's start: an older one says that nothing runs."""
        end_ns = self._clock.now_ns() + int(_PROGRAM_TIMEOUT_S * NS_PER_S)
        while _fault_of(link.receive, busy=False) == NO_PROGRAM and self._clock.now_ns() < end_ns:
            self._clock.sleep_until(self._clock.now_ns() + _LOOK_AGAIN_NS)

    def _latch(self, fault: str) -> None:
        if not fault or self._fault:
            return
        if not self._is_excused(fault):
            self._fault, self._recovers_since_ns = fault, None
        elif self._recovers_since_ns is None:
            self._recovers_since_ns = self._clock.now_ns()
            _log.warning("this computer is busy: the virtual controller or its client did not run; trying again")

    def _is_excused(self, fault: str) -> bool:
        """Whether it is no robot's fault but a virtual controller, or this client, that did not run for a while."""
        if not self._cfg.recovers or fault not in (_LOST, NO_PROGRAM, _NO_WATCHDOG):
            return False
        link, since_ns = self._link, self._recovers_since_ns
        if since_ns is not None:
            return self._clock.now_ns() - since_ns < _RECOVERY_NS
        if fault == NO_PROGRAM and link is not None:  # else somebody ended it
            return not self._has_played or link.receive.getOutputIntRegister(BRIDGE_REGISTER) == WATCHDOG_ENDED
        return link is not None and (link.alive or not link.is_refused)

    def _end_recovery(self) -> None:
        self._recovers_since_ns = None
        self.recovered_count += 1

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_WATCH_PERIOD_S)
            except queue.Empty:
                job = "watch"
            if job == "close":
                self._brake()
                return
            self._do(job)

    def _do(self, job: str) -> None:
        try:
            self._carry_out(job)
        except RuntimeError:  # ur_rtde throws when nobody answers; this thread must outlive that
            self._latch(_LOST)
        if job != "watch" and self._jobs.empty():
            self._busy = False

    def _carry_out(self, job: str) -> None:
        if job == "stop":
            self._brake()
        elif job == "clear":
            self._clear()
        elif job == "guard" and self._link is not None:
            self._guard(self._link)
        elif self._recovers_since_ns is not None:
            self._recover()
        elif self._link is not None and not self._link.alive:
            self._latch(_LOST)
            self._renew(self._link)  # tried again at the next watch; the fault stays until a person clears it

    def _brake(self) -> None:
        link = self._link
        # ur_rtde would wait five minutes for a controller that says nothing.
        if link is not None and link.alive and not self._fault and not self._is_silent(link):
            link.control.servoStop(self._cfg.stop_deceleration)

    def _clear(self) -> None:
        link = self._link
        if link is not None and not link.alive:
            link = self._renew(link)
        if link is None or self._is_silent(link):
            return
        ask_dashboard(self._cfg.host, "close safety popup", "unlock protective stop")
        if link.start_program():
            self._await_program(link)
            self._fault, self._guarded, self._looks = "", False, 0

    def _renew(self, lost: RtdeConnection) -> RtdeConnection | None:
        """Connect again; None when the robot does not answer."""
        link = lost.renewed()
        self._link = link or self._link
        return link

    def _recover(self) -> None:
        """Reach the virtual controller again; what fails is tried again at the next watch."""
        link = self._link
        if link is None:
            return
        if not link.alive:
            self._guarded, self._looks = False, 0  # the watchdog went with the program
            if link.is_refused:  # it has ended
                self._fault, self._recovers_since_ns = _LOST, None
                return
            link = self._renew(link)
            if link is None:
                return
        # The looks tell whether it is heard; this thread must not look in their place.
        if self._silent_ns <= _SILENT_NS and _fault_of(link.receive, busy=False) == NO_PROGRAM:
            self._guarded, self._looks = False, 0
            if link.start_program():
                self._await_program(link)


def _fault_of(receive: Any, *, busy: bool) -> str:
    """What keeps the arm from moving, in words; empty when nothing does."""
    bits = receive.getSafetyStatusBits()
    for mask, words in _SAFETY_FAULTS:
        if bits & mask:
            return words
    return "" if busy or receive.getRuntimeState() == _PLAYING else NO_PROGRAM
