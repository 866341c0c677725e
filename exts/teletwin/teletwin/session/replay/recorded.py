"""What a log tells of its session: the settings, the hand as it was sampled, and what the person asked for."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterable

import numpy as np

from teletwin.bounded import Allowance
from teletwin.errors import RecordingError
from teletwin.messages import Mode, PoseSample
from teletwin.recording import LoggedMessage, MessageTable, SessionRecording
from teletwin.recording.encoding import settings_from_metadata
from teletwin.session.config import SessionCfg


def recorded_settings(log: SessionRecording) -> SessionCfg:
    """The settings that a session was run with.

    Raises:
        RecordingError: The log does not tell them, or they cannot be used any more.
    """
    if "configuration" not in log.metadata:
        raise RecordingError("the log does not tell its session's settings", given=log.path)
    return settings_from_metadata(SessionCfg, log.metadata["configuration"])


_SAMPLE_BYTES = 500
"""A sample as an object."""


class RecordedHand:
    """The samples of a log, given out as they came: a `hand.HandSource`.

    Args:
        samples: The PoseSamples of the operator's log.
        from_first: Move all times so that the first sample comes with the first poll, on whatever clock.
    """

    def __init__(self, samples: Iterable[LoggedMessage], *, from_first: bool = False) -> None:
        allowance, taken_ns = Allowance("the recorded hand"), array("q")
        self._samples: list[PoseSample] = []
        for each in samples:
            allowance.take(_SAMPLE_BYTES)
            taken_ns.append(each.t_publish_ns)
            self._samples.append(each.message())
        order = np.argsort(
            taken_ns, kind="stable"
        )  # one that came late stands in the log before a rest it proved wrong
        self._samples = [self._samples[k] for k in order]
        self._taken_ns = np.asarray(taken_ns)[order]
        self._from_first, self._shift_ns, self._next = from_first, 0, 0

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples that had been taken in by now_ns, those of earlier calls left out."""
        if self._from_first and len(self._taken_ns):
            self._from_first, self._shift_ns = False, now_ns - int(self._taken_ns[0])
        end = int(np.searchsorted(self._taken_ns, now_ns - self._shift_ns, side="right"))
        given, self._next = self._samples[self._next : end], max(end, self._next)
        return [_moved(sample, self._shift_ns) for sample in given]


class RecordedWishes:
    """What the person asked for in the slot of an instant [ns], by the packets that the slots sent.

    Args:
        packets: The ForecastPacket records of the operator's log, in the order of their times.
        first_ns: The log's instant to which the first call belongs [ns], on whatever clock; None keeps the log's clock.
    """

    def __init__(self, packets: MessageTable, *, first_ns: int | None = None) -> None:
        self._t_ns = packets.log_times_ns()
        self._first_ns, self._shift_ns = first_ns, 0
        self._modes = [Mode(each.values["mode"]) for each in packets]

    def __call__(self, now_ns: int) -> Mode:
        """The mode of the packet that was sent next; of the last one after that; engaged where nothing tells."""
        if self._first_ns is not None:
            self._shift_ns, self._first_ns = now_ns - self._first_ns, None
        if not self._modes:
            return Mode.ENGAGED
        return self._modes[min(int(np.searchsorted(self._t_ns, now_ns - self._shift_ns)), len(self._modes) - 1)]


def _moved(sample: PoseSample, shift_ns: int) -> PoseSample:
    return dataclasses.replace(sample, t_ns=sample.t_ns + shift_ns)
