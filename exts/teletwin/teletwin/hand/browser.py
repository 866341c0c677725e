"""A person's hand as the page reports it."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.clock import NS_PER_MS
from teletwin.geometry import Array, is_valid_pose
from teletwin.hand.cadence import REST_LATEST_NS, SILENCE_LATEST_NS, Cadence
from teletwin.hand.clutch import Clutch
from teletwin.messages import PoseSample

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
    """When the hand was there, operator's clock: the time of the event, not of the message."""
    pose: Array
    """(7,) the accumulated hand pose in the hand's own frame: x right, y up, z towards the viewer."""
    clutch: bool
    """Whether the clutch is closed."""
    device: str = "mouse"
    viewer: int = 0
    """Number of the page's connection; another one starts over, with its own numbers and its own hand."""
    before: tuple[tuple[int, Array], ...] = ()
    """Times [ns] and poses on its way here since the last input, oldest first: several events that came as one."""
    grain_m: float = 0.0
    """Step in which the position is known, such as a pixel [m]; 0 where it is as fine as can be."""
    reports_rest: bool = False
    """Whether the device goes on reporting while the hand rests: its silence is then no rest."""


class BrowserHand:
    """Maps inputs through the clutch: one sample for each place, and one in every slot while the hand rests.

    While it is on its way nothing is made up: a repeated pose in a moving hand would look like a stop to the
    forecaster. It rests when it has been silent for longer than between two motions, and when the clutch is open.
    """

    def __init__(self, clutch: Clutch) -> None:
        self.clutch = clutch
        self.invalid_count = 0
        self.stale_count = 0
        self._seq = self._viewer = 0
        self._moved_ns = self._newest_ns = self._heard_ns = 0
        self._closed: dict[int, bool] = {}
        self._cadence = Cadence()
        self._pose: Array | None = None
        self._grain_m = 0.0
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
        self._seq, self._grain_m = hand_input.seq, hand_input.grain_m
        self._cadence.latest_ns = SILENCE_LATEST_NS if hand_input.reports_rest else REST_LATEST_NS
        for t_ns, pose in (*hand_input.before, (hand_input.t_ns, hand_input.pose)):
            if is_valid_pose(pose):
                self._follow(t_ns, self.clutch.update(pose, closed=hand_input.clutch))
        return True

    def _follow(self, t_ns: int, pose: Array) -> None:
        """The tool's pose at an instant: a motion, or a word that there was none."""
        if self._pose is not None and (pose == self._pose).all():
            self._cadence.quiet(t_ns)
            return
        t_ns = t_ns if self._pose is None else max(t_ns, self._moved_ns + 1)
        self._cadence.moved(t_ns)
        self._moved_ns = t_ns
        self._add(t_ns, pose)

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
        self._cadence.another()
        self.clutch.recentre(self.clutch.tool_pose)

    def recentre(self, tool_pose: Array) -> None:
        """Put the tool at this pose (7,); the hand is re-indexed at its next input."""
        self.clutch.recentre(tool_pose)

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples since the last call, oldest first."""
        rests_ns = self._cadence.rests_at(now_ns, is_free=not self.clutch.closed)
        if self._pose is None:
            self._add(now_ns, self.clutch.tool_pose, is_rest=True)
        elif rests_ns is not None and rests_ns - self._newest_ns >= REST_STEP_NS:
            self._add(rests_ns, self.clutch.tool_pose, is_rest=True)
        samples, self._samples = self._samples, []
        return samples

    def _add(self, t_ns: int, pose: Array, *, is_rest: bool = False) -> None:
        self._newest_ns, self._pose = t_ns, pose
        told = {"input_seq": self._seq, "grain_m": self._grain_m}
        self._samples.append(PoseSample(t_ns=t_ns, pose=pose, is_rest=is_rest, **told))
        del self._samples[:-_QUEUE_MAX]
