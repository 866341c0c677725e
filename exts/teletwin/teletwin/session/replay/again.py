"""A session that ran on the virtual clock, run again from its recorded hand: the same commands, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

from teletwin.bounded import parse_json
from teletwin.clock import NS_PER_S
from teletwin.errors import RecordingError
from teletwin.messages import JointCommand, Message, PoseSample
from teletwin.recording import MessageTable, SessionRecording
from teletwin.session.replay.difference import CommandDifference
from teletwin.session.replay.recorded import RecordedHand, RecordedWishes, recorded_settings
from teletwin.session.virtual import VirtualSession


def is_virtual(log: SessionRecording) -> bool:
    """Whether a log was written by a session on the virtual clock."""
    return "virtual" in log.metadata


def replay_virtual(
    operator: SessionRecording, twin: SessionRecording, *, progress: Callable[[float], None] = lambda _: None
) -> CommandDifference:
    """Run the session again and compare what the twin commanded.

    Args:
        operator: The operator's log, on its own clock.
        twin: The twin's log, on its own clock.
        progress: Told the share that is done.

    Raises:
        RecordingError: The log is not of a virtual session, or holds no commands.
    """
    if not is_virtual(operator):
        raise RecordingError("this is not the log of a session on the virtual clock", given=operator.path)
    recorded = twin.on_topic("/twin/JointCommand")
    if not recorded:
        raise RecordingError("the log holds no commands of the twin", given=twin.path)
    difference, run = CommandDifference(recorded_count=len(recorded)), _Rerun(operator)
    run.through(recorded, difference, progress)
    return difference


class _Rerun:
    """The session from its log, with every command it makes."""

    def __init__(self, log: SessionRecording) -> None:
        facts = log.metadata["virtual"]
        self._commands: list[JointCommand] = []
        self.virtual = VirtualSession(
            recorded_settings(log),
            hand=RecordedHand(log.on_topic("/operator/PoseSample")),
            asked=RecordedWishes(log.on_topic("/operator/ForecastPacket")),
            clock_offsets_ms=parse_json(facts["clock_offsets_ms"].encode()),
            clock_drifts_ppm=parse_json(facts["clock_drifts_ppm"].encode()),
            renders=parse_json(facts["renders"].encode()),
            log={"twin": self._note},
        )

    def _note(self, role: str, message: Message | PoseSample, _: int, __: int) -> None:
        if role == "twin" and isinstance(message, JointCommand):
            self._commands.append(message)

    def through(self, recorded: MessageTable, difference: CommandDifference, progress: Callable[[float], None]) -> None:
        """Run to the last recorded command and compare each."""
        first_ns, twin_clock = recorded[0].t_log_ns, self.virtual.clocks["twin"]
        while twin_clock.now_ns() <= recorded[-1].t_log_ns:
            self.virtual.run(0.1)
            ready = min(len(self._commands), len(recorded))
            for k in range(difference.replayed_count, ready):
                t_s = (recorded[k].t_log_ns - first_ns) / NS_PER_S
                difference.add(recorded[k].message(), self._commands[k], t_s=t_s)
            difference.replayed_count = ready
            progress(ready / len(recorded))
