"""The twin's control function driven once more by what the twin's log says that it received, tick by tick.

The log stands in the order of the twin's own work: what was received in a tick, then the command that came of
it. Times of poses and joints on the twin's clock are the messages' publish times, so nothing has to be
estimated again, and a log from the session's start gives the same commands, whatever network it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable

from teletwin.bounded import Allowance
from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError, RecordingError
from teletwin.messages import ArmState, ForecastPacket, InForce, JointCommand, Mode, Note, Stop
from teletwin.recording import LoggedMessage, SessionRecording
from teletwin.safety import Watchdog
from teletwin.session.build import build_control
from teletwin.session.replay.difference import CommandDifference
from teletwin.session.replay.recorded import recorded_settings
from teletwin.twin.control import ControlFunction

_PACKET, _STATE = "/twin/from_operator/ForecastPacket", "/twin/from_arm/ArmState"
_HEARD = (_PACKET, _STATE, "/twin/from_operator/Note", "/twin/from_operator/Stop", "/twin/from_arm/InForce")
_COMMAND = "/twin/JointCommand"
_HEARD_BYTES, _ONE_TICK = 600, "what the twin's log says of one tick"


def replay_control(twin: SessionRecording, *, progress: Callable[[float], None] = lambda _: None) -> CommandDifference:
    """Drive a new control function by the twin's log, on the log's own clock, and compare its commands.

    Raises:
        RecordingError: The log holds no commands, or not its settings.
    """
    messages = twin.messages.in_file_order()
    commands = messages.chosen(lambda topic, *_: topic == _COMMAND)
    if not commands:
        raise RecordingError("the log holds no commands of the twin", given=twin.path)
    control = build_control(recorded_settings(twin))
    replay, difference = _Ticks(control), CommandDifference(recorded_count=len(commands))
    first_ns = commands[0].t_log_ns
    for each in messages:
        if each.topic != _COMMAND:
            replay.hear(each)
            continue
        command = replay.tick(each.t_log_ns)
        if command is not None:
            difference.replayed_count += 1
            difference.add(each.message(), command, t_s=(each.t_log_ns - first_ns) / NS_PER_S)
        progress(difference.replayed_count / len(commands))
    return difference


class _Ticks:
    """What the twin's loop does around the control function, without a link."""

    def __init__(self, control: ControlFunction) -> None:
        self._control = control
        self._arm_heard = Watchdog(int(1e9 * control.silence_s), tick_ns=int(1e9 * control.period_s))
        self._waiting: list[LoggedMessage] = []
        self._period_ns, self._is_first = int(1e9 * control.period_s), True
        self._allowance = Allowance(_ONE_TICK)

    def hear(self, logged: LoggedMessage) -> None:
        """Keep what was received for the tick that it belongs to."""
        if logged.topic in _HEARD:
            self._allowance.take(len(logged.data) + _HEARD_BYTES)
            self._waiting.append(logged)

    def tick(self, now_ns: int) -> JointCommand | None:
        """One tick at now_ns [ns]."""
        if self._is_first:  # what was received before came in ticks that commanded nothing
            self._is_first = False
            earlier = [each for each in self._waiting if now_ns - each.t_log_ns > self._period_ns]
            for logged in earlier:
                self._take(logged, now_ns)
            self._waiting = self._waiting[len(earlier) :]
        self._control.pass_time(now_ns, arm_silence_ns=self._arm_heard.pass_time(now_ns))
        for logged in self._waiting:
            self._take(logged, now_ns)
        self._waiting.clear()
        self._allowance = Allowance(_ONE_TICK)
        return self._control.step(now_ns, hears_arm=self._arm_heard.is_calm(now_ns))

    def _take(self, logged: LoggedMessage, now_ns: int) -> None:
        message = logged.message()
        if isinstance(message, ForecastPacket):
            if "act" not in logged.values:  # from before presses had numbers
                message = dataclasses.replace(message, act=int(message.mode is Mode.ENGAGED))
            self._control.accept(message, pose_t_ns=logged.t_publish_ns, now_ns=now_ns)
        elif isinstance(message, ArmState):
            self._control.accept_state(message, t_ns=logged.t_publish_ns)
            self._arm_heard.hear(now_ns)
        elif isinstance(message, Stop):
            self._control.stop()
        elif isinstance(message, InForce):
            self._control.enabling.is_needed |= message.needs_enabling
        elif isinstance(message, Note) and message.kind == "limits":
            with contextlib.suppress(ConfigError):  # refused then as now
                self._control.ask_limits(message.values)
