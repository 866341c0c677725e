"""What a slot of a lesson was worth, from what is measured then.

The metric is eq. 16 of the paper with its weights, over the errors e that are known at the slot's end:

    metric = -(1 e_control [m] + 0.1 [m/rad] e_control [rad] + 1 e_display [m] + 0.1 [m/rad] e_display [rad])

e_control: the arm's tool in its newest measured state, against the hand at that state's instant. e_display: the tool in
the picture that is on the screen, against the newest sample of the hand. What is learned from adds the drawing error d,
the distance of that measured tool from where the dot was at that state's instant, and is brought to the order of 1:

    reward = max((metric - 0.5 d) / 0.02 m, -10)

Both are of the slot in which they were measured. The action that brought them about lies about an Age of Loop back: a
discount of 0.95 a slot reaches that far.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teletwin.geometry import Array, rotation_angle
from teletwin.session.metrics import SessionMetrics

PAPER_WEIGHTS = (1.0, 0.1, 1.0, 0.1)
"""Arm's position [1/m] and orientation [1/rad], the picture's position and orientation."""
DRAWING_WEIGHT = 0.5
"""Weight of the drawing error [1/m]."""
SCALE_M = 0.02
"""What the reward is divided by."""
LEAST = -10.0
STALE_NS = 200_000_000
"""An arm state or a picture older than this says nothing of this slot [ns]."""


def slot_metric(errors: Sequence[Any]) -> Any:
    """Eq. 16 of the four errors, each a number or an array: control [m], [rad], display [m], [rad]."""
    return -sum(weight * error for weight, error in zip(PAPER_WEIGHTS, errors, strict=True))


def slot_reward(metric: Any, drawing_m: Any) -> Any:
    """What is learned from, of numbers or arrays; NaN stays NaN."""
    return np.maximum((metric - DRAWING_WEIGHT * drawing_m) / SCALE_M, LEAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotErrors:
    """Errors known at the end of a slot."""

    control_m: float
    control_rad: float
    display_m: float
    display_rad: float
    drawing_m: float
    """The arm's tool from the dot."""

    @property
    def metric(self) -> float:
        """Eq. 16."""
        return slot_metric((self.control_m, self.control_rad, self.display_m, self.display_rad))

    @property
    def reward(self) -> float:
        """What is learned from; NaN stays NaN."""
        return float(slot_reward(self.metric, self.drawing_m))


class SlotJudge:
    """Reads the errors of a slot off what the session measures.

    Args:
        metrics: The session's hand and its picture on the screen.
        tool_pose: Tool pose (7,) of joints (6,).
        dot: Where the dot is (3,) [m] at a time of the operator's clock [ns].
    """

    def __init__(
        self, metrics: SessionMetrics, *, tool_pose: Callable[[Array], Array], dot: Callable[[int], Array]
    ) -> None:
        self._metrics, self._tool_pose, self._dot = metrics, tool_pose, dot
        self._states: deque[tuple[int, Array]] = deque(maxlen=16)

    def measured(self, t_ns: int, q: Array) -> None:
        """Note the arm's joints (6,) of t_ns [ns]; a state that is not newer is none."""
        if not self._states or t_ns > self._states[-1][0]:
            self._states.append((t_ns, q))

    def judge(self, now_ns: int) -> SlotErrors | None:
        """The errors known at now_ns; None where one of them is not."""
        metrics, picture = self._metrics, self._metrics.display.on_screen
        if picture is None or now_ns - metrics.display.since_ns > STALE_NS or not len(metrics.hand):
            return None
        state = self._newest_state(metrics.hand.newest_t_ns)
        hand_then = metrics.hand.at(state[0]) if state is not None else None
        if state is None or hand_then is None or now_ns - state[0] > STALE_NS:
            return None
        tool, hand = self._tool_pose(state[1]), metrics.hand.newest_pose
        errors = SlotErrors(
            control_m=math.dist(hand_then[:3], tool[:3]),
            control_rad=float(rotation_angle(hand_then[3:], tool[3:])),
            display_m=math.dist(hand[:3], picture.shown_pose[:3]),
            display_rad=float(rotation_angle(hand[3:], picture.shown_pose[3:])),
            drawing_m=math.dist(tool[:3], self._dot(state[0])),
        )
        return errors if math.isfinite(errors.reward) else None

    def _newest_state(self, t_ns: int) -> tuple[int, Array] | None:
        """The newest state that is no newer than the hand's newest sample: at both the hand is known."""
        return next((state for state in reversed(self._states) if state[0] <= t_ns), None)
