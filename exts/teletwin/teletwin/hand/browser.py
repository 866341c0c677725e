"""A person's hand as the page reports it."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.clock import NS_PER_MS
from teletwin.geometry import Array, is_valid_pose
from teletwin.hand.clutch import Clutch
from teletwin.messages import PoseSample

REST_AFTER_NS = 25 * NS_PER_MS
"""A page that moves reports at 60 Hz or faster; silent for longer, the hand rests where it was [ns]."""
REST_STEP_NS = 8 * NS_PER_MS
"""Below a slot of 10 ms, so that every slot of a resting hand gets its sample [ns]."""
SILENT_NS = 200 * NS_PER_MS
"""A hand with its clutch closed that says nothing for so long has let go of the tool [ns]."""
_QUEUE_MAX = 1024
_HANDS_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HandInput:
    """One input of the page."""

    seq: int
    """Number of the input; increases."""
    t_ns: int
    """When the page sampled it, operator's clock."""
    pose: Array
    """(7,) the accumulated hand pose in the hand's own frame: x right, y up, z towards the viewer."""
    clutch: bool
    """Whether the clutch is closed."""
    device: str = "mouse"
    viewer: int = 0
    """Number of the page's connection; another one starts over, with its own numbers and its own hand."""


class BrowserHand:
    """Maps inputs through the clutch: one sample per input, and one at least every 10 ms while the hand rests.

    Between inputs that are on their way nothing is made up: a repeated pose in a moving hand would look like
    a stop to the forecaster.
    """

    def __init__(self, clutch: Clutch) -> None:
        self.clutch = clutch
        self.invalid_count = 0
        self.stale_count = 0
        self._seq = self._viewer = 0
        self._newest_ns = self._heard_ns = 0
        self._closed: dict[int, bool] = {}
        self._started = False
        self._samples: list[PoseSample] = []

    def put(self, hand_input: HandInput) -> bool:
        """Take an input; one that is old or not a pose is counted and changes nothing (False)."""
        if not is_valid_pose(hand_input.pose):
            self.invalid_count += 1
            return False
        if self._keeps(hand_input):
            self.stale_count += 1
            return False
        if hand_input.viewer != self._viewer:
            self._viewer = hand_input.viewer
            self.restart()
        self._heard_ns = hand_input.t_ns
        if hand_input.seq <= self._seq:
            self.stale_count += 1
            return False
        self._seq = hand_input.seq
        t_ns = max(hand_input.t_ns, self._newest_ns + 1) if self._started else hand_input.t_ns
        self._add(t_ns, self.clutch.update(hand_input.pose, closed=hand_input.clutch))
        return True

    def _keeps(self, other: HandInput) -> bool:
        """Whether the hand that moves the tool keeps it: until it lets go or falls silent, or another takes hold."""
        before, self._closed = self._closed, {**self._closed, other.viewer: other.clutch}
        if other.viewer == self._viewer:
            self._closed = {self._viewer: other.clutch} if len(self._closed) > _HANDS_MAX else self._closed
            return False
        takes_hold = other.clutch and not before.get(other.viewer, False)
        is_silent = abs(other.t_ns - self._heard_ns) > SILENT_NS
        return before.get(self._viewer, False) and not (takes_hold or is_silent)

    def restart(self) -> None:
        """A page connected anew: its numbers and its hand start over, the tool stays where it is."""
        self._seq = 0
        self.clutch.recentre(self.clutch.tool_pose)

    def recentre(self, tool_pose: Array) -> None:
        """Put the tool at this pose (7,); the hand is re-indexed at its next input."""
        self.clutch.recentre(tool_pose)

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples since the last call, oldest first."""
        if not self._started or now_ns - self._newest_ns >= self._rest_gap_ns():
            self._add(now_ns, self.clutch.tool_pose)
            self._resting = True
        samples, self._samples = self._samples, []
        return samples

    def _rest_gap_ns(self) -> int:
        return REST_STEP_NS if self._resting else REST_AFTER_NS

    def _add(self, t_ns: int, pose: Array) -> None:
        self._started, self._resting = True, False
        self._newest_ns = t_ns
        self._samples.append(PoseSample(t_ns=t_ns, pose=pose, input_seq=self._seq))
        del self._samples[:-_QUEUE_MAX]
