"""The recorded hand until a person takes over, and back again; never a jump."""

from __future__ import annotations

import dataclasses
from typing import Literal, Protocol

from teletwin.clock import NS_PER_S
from teletwin.geometry import Array, interpolate_pose
from teletwin.hand.browser import BrowserHand, HandInput
from teletwin.hand.clutch import Clutch, ClutchCfg
from teletwin.hand.recording import HandRecording
from teletwin.hand.replay import ReplayHand
from teletwin.messages import PoseSample

HandName = Literal["recording", "person"]


class InputFeed(Protocol):
    """A device beside the page that a person moves the hand with."""

    warning: str
    """What a person must know of it; empty when all is well."""
    enable_seq: int
    """Number of the newest reading in which a person holds it; 0 while nobody does."""

    def inputs(self) -> list[HandInput]:
        """Inputs since the last call, oldest first."""
        ...


class HandSwitch:
    """Plays the recording; the first time that the page's clutch closes, the person has the tool.

    The person starts from where the recorded hand was at that moment. `replay` gives the tool back over a
    smooth blend. The recording plays on meanwhile, unseen. A `feed` counts as the page does.
    """

    def __init__(
        self,
        recording: HandRecording,
        *,
        home_pose: Array,
        start_ns: int | None = None,
        clutch: ClutchCfg | None = None,
        loop: bool = True,
        blend_s: float = 1.5,
    ) -> None:
        """Args: the recording; home_pose, the tool's pose (7,) at the arm's home; when the recording starts [ns]."""
        self._replay = ReplayHand(recording, loop=loop, start_ns=start_ns)
        self._browser = BrowserHand(Clutch(clutch, tool_pose=home_pose))
        self.feed: InputFeed | None = None
        """A device on this host, if there is one."""
        self._home = home_pose
        self._blend_ns = round(blend_s * NS_PER_S)
        self._person = False
        self._armed = True
        self._tool: Array | None = None
        self._newest_ns = self._measured_ns = -(2**62)
        self._blend_from: Array | None = None
        self._blend_start_ns = 0

    @property
    def source(self) -> HandName:
        """Who moves the tool."""
        return "person" if self._person else "recording"

    @property
    def warning(self) -> str:
        """What a person must know of the device; empty when all is well."""
        return self.feed.warning if self.feed is not None else ""

    @property
    def browser(self) -> BrowserHand:
        """The person's hand, with its counts."""
        return self._browser

    def put(self, hand_input: HandInput) -> bool:
        """Take an input of the page; False when it was refused and counted."""
        if not self._person and hand_input.clutch and self._armed and self._tool is not None:
            self._person, self._blend_from = True, None
            self._browser.recentre(self._tool)
        self._armed = self._armed or not hand_input.clutch
        return self._browser.put(hand_input)

    def replay(self, now_ns: int) -> None:
        """Give the tool back to the recording; the clutch must open once before a person takes over again."""
        if self._person:
            self._person, self._armed = False, not self._browser.clutch.closed
            self._blend_from, self._blend_start_ns = self._tool, now_ns

    def recentre(self) -> None:
        """Bring the person's tool to its home pose, over the same blend; without a person nothing happens."""
        if self._person:
            self._browser.recentre(self._home)
            self._blend_from, self._blend_start_ns = self._tool, self._newest_ns

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples of whoever moves the tool, oldest first, times increasing across the change."""
        for hand_input in self.feed.inputs() if self.feed is not None else ():
            self.put(hand_input)
        recorded, typed = self._replay.poll(now_ns), self._browser.poll(now_ns)
        samples = [sample for sample in (typed if self._person else recorded) if self._is_news(sample)]
        if self._blend_from is not None:
            samples = [self._blended(sample) for sample in samples]
        if samples:
            self._tool = samples[-1].pose
        return samples

    def _is_news(self, sample: PoseSample) -> bool:
        """Whether it comes after what was told; a rest that was only concluded counts for less than a report."""
        if sample.t_ns <= (self._newest_ns if sample.is_rest else self._measured_ns):
            return False
        self._newest_ns = sample.t_ns
        if not sample.is_rest:
            self._measured_ns = sample.t_ns
        return True

    def _blended(self, sample: PoseSample) -> PoseSample:
        """The sample on the way from where the tool was left."""
        start = self._blend_from
        s = (sample.t_ns - self._blend_start_ns) / self._blend_ns if self._blend_ns else 1.0
        if start is None or s >= 1.0:
            self._blend_from = None
            return sample
        s = max(s, 0.0)
        pose = interpolate_pose(start, sample.pose, s * s * s * (10.0 - 15.0 * s + 6.0 * s * s))
        return dataclasses.replace(sample, pose=pose)
