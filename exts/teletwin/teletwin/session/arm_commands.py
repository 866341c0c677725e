"""The twin's commands as they come to the arm's host: which of them count, and whose act they carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from teletwin.arm.command_age import CommandAge
from teletwin.clock import NS_PER_MS
from teletwin.link import Received
from teletwin.messages import JointCommand, Mode, Stop
from teletwin.robot.ur3e import JointLimits
from teletwin.safety import EnablingInput, RestartInterlock, Watchdog

_APART_NS = 2_000_000_000
"""A command for a time this far off is refused: one of the far future would make all later ones look old."""
_STALL_NS = 40 * NS_PER_MS
"""Longer without a newer pose of the operator, and somebody on the way stood still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsCfg:
    """What this host asks of commands."""

    silence_s: float
    """Without one for so long the arm is brought to rest [s]."""
    restart_after_ms: float
    """After a longer silence motion needs a fresh act [ms]."""
    command_age_max_s: float
    """How much older than usual the pose behind one may be [s]."""
    needs_enabling: bool
    """Motion only while the enabling input is held."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A command that counts."""

    command: JointCommand
    hold_ns: int
    """When it holds, on this clock [ns]."""
    arrived_ns: int
    begins: bool
    """The first that engages: what was commanded before is where a twin on hold stood itself."""


class CommandIntake:
    """Judges commands; watches that they and the heartbeats in them keep coming."""

    def __init__(self, cfg: CommandsCfg, *, offset_ns: Callable[[], int], tick_ns: int) -> None:
        self._offset_ns = offset_ns
        self._twin_heard = Watchdog(int(1e9 * cfg.silence_s), tick_ns=tick_ns)
        restart_after_ns = int(cfg.restart_after_ms * NS_PER_MS)
        self.interlock = RestartInterlock(restart_after_ns=restart_after_ns, started="the arm's host was started")
        self.enabling = EnablingInput(is_needed=cfg.needs_enabling, tick_ns=tick_ns)
        self._command_age = CommandAge(over_s=cfg.command_age_max_s)
        self._most_rad = float(JointLimits().upper.max())
        self.newest: JointCommand | None = None
        self.age_ms = 0.0
        self.stopped_act = 0
        """Act of the newest Stop; 0: none."""
        self._pose_t_ns = self._pose_ns = 0
        self.invalid_count = self.stall_count = self.aged_count = 0

    @property
    def asked(self) -> Mode:
        """What the newest command asks for."""
        return Mode.OFF if self.newest is None else self.newest.mode

    @property
    def act(self) -> int:
        """The act that it names."""
        return 0 if self.newest is None else self.newest.act

    def pass_time(self, now_ns: int) -> None:
        """Notice outages; once a tick, before what has arrived is read."""
        self.interlock.notice_silence(self._twin_heard.pass_time(now_ns), "the twin")
        self.interlock.notice_silence(self.enabling.pass_time(now_ns), "the enabling input")

    def hears_twin(self, now_ns: int) -> bool:
        """Whether commands keep coming."""
        return self._twin_heard.is_calm(now_ns)

    def take(self, item: Received, now_ns: int, *, is_servoing: bool) -> Taken | None:
        """A command, its hold time moved to this clock; None where it is counted and refused."""
        command, before = item.message, self.asked
        assert isinstance(command, JointCommand)
        hold_ns = command.t_ns - self._offset_ns()
        if not self._is_usable(command) or abs(hold_ns - now_ns) > _APART_NS:
            self.invalid_count += 1
            return None
        if command.mode is Mode.ENGAGED and not self._is_young(command, item.t_arrived_ns, is_servoing):
            self.aged_count += 1
            return None
        begins = command.mode is Mode.ENGAGED and self.newest is not None and before is not Mode.ENGAGED
        self.newest = command
        self._twin_heard.hear(now_ns)
        self.interlock.hear(command.act)
        self.enabling.hear(command.enable_seq, now_ns)
        self.age_ms = (item.t_arrived_ns - item.t_sent_ns) / NS_PER_MS
        return Taken(command, hold_ns, item.t_arrived_ns, begins)

    def stop(self, stop: Stop) -> None:
        """A person's Stop, which goes before every command that was sent earlier."""
        self.stopped_act = stop.act
        self.interlock.spend("Stop was pressed")
        if self.newest is not None:
            self.newest = replace(self.newest, mode=Mode.OFF)

    def _is_usable(self, command: JointCommand) -> bool:
        """Joints within reach; the codec has refused what is not finite, and the limiter has the last word."""
        # Plain floats: a third of numpy's time on so few numbers.
        joints = command.q.tolist() + command.q_shadows.ravel().tolist()
        return max(map(abs, joints)) <= self._most_rad

    def _is_young(self, command: JointCommand, arrived_ns: int, is_servoing: bool) -> bool:
        """Whether the pose behind a command is of now; a pause of newer poses is counted."""
        if command.pose_t_ns != self._pose_t_ns:
            if is_servoing and self._pose_t_ns and arrived_ns - self._pose_ns > _STALL_NS:
                self.stall_count += 1
            self._pose_t_ns, self._pose_ns = command.pose_t_ns, arrived_ns
        return self._command_age.is_young(command.pose_t_ns, arrived_ns)
