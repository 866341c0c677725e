"""A lesson on the operator's side: a person draws, each slot is judged and told, and newer policies take over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.source import HandSwitch
from teletwin.horizon.action import action_count
from teletwin.horizon.learned import LearnedPolicy
from teletwin.link import Link
from teletwin.messages import Mode
from teletwin.session.exploration import BoundedNoise
from teletwin.session.lesson_cfg import LessonCfg
from teletwin.session.lesson_channel import LearnerLink, NewPolicy, Row
from teletwin.session.lesson_drawing import Drawing
from teletwin.session.lesson_reward import SlotErrors, SlotJudge
from teletwin.session.operator import OperatorLoop


class Lesson:
    """Stands around the operator's slots: `before_slot` judges the one that ends, `after_slot` notes the one begun.

    Slots count while the dot runs, the arm follows settled and without a fault, and the person holds the tool. One
    that does not count leaves a gap in the rows' numbers, at which the learner begins anew.
    """

    def __init__(
        self,
        cfg: LessonCfg,
        *,
        loop: OperatorLoop,
        hand: HandSwitch,
        link: Link,
        drawing: Drawing,
        learner: LearnerLink,
        tool_pose: Callable[[Array], Array],
        slot_s: float = 0.01,
    ) -> None:
        if not isinstance(loop.policy, LearnedPolicy):
            raise ConfigError("a lesson needs a learned policy to begin with", given=type(loop.policy).__name__)
        self._loop, self._hand, self._link = loop, hand, link
        self.drawing, self.learner = drawing, learner
        self.policy: LearnedPolicy = loop.policy
        spread = np.full(action_count(self.policy.policy.action), cfg.spread)
        self.noise = BoundedNoise(spread, rng=np.random.default_rng([17, cfg.seed]), slot_s=slot_s)
        self.policy.explore = self.noise
        self._judge = SlotJudge(loop.metrics, tool_pose=tool_pose, dot=drawing.dot)
        self._begun: tuple[int, Array, Array] | None = None
        self._metric_sum, self._metric_count = 0.0, 0
        self.number = 0
        """Number of the policy that acts; 0 is the first."""
        self.swap_count = 0
        self.ends_ns = 0
        """When the session ends [ns]; 0: when somebody says so."""

    @property
    def is_over(self) -> bool:
        """Whether the person has quit."""
        return self.drawing.state == "over"

    def hear(self, word: str, t_ns: int) -> None:
        """A person's word: start, pause, quit; or `leave`: nobody is there."""
        if word == "start":
            self.drawing.start(t_ns)
            self._loop.press(Mode.ENGAGED, who="lesson")
        elif word in ("pause", "quit") or self.drawing.state == "running":
            self.drawing.pause(t_ns)
            self._loop.press(Mode.HOLD, who="lesson")
        if word == "quit":
            self.drawing.end()

    def before_slot(self, now_ns: int) -> None:
        """Judge the slot that ends, tell the learner, and let a newer policy take over."""
        if self._loop.state.mode is not Mode.ENGAGED:
            self.drawing.pause(now_ns)  # a fault, or a button of the arm
        status = self._loop.state.status
        if status is not None:
            self._judge.measured(status.arm.t_ns - self._link.offset_ns("twin"), status.arm.q)
        counts = self._counts(now_ns)
        errors = self._judge.judge(now_ns) if counts else None
        if errors is not None:
            self.drawing.score.add(self.drawing.time_s(now_ns), errors.drawing_m)
            self._tell(errors)
        self._begun = None
        newer = self.learner.take()
        if newer is not None:
            self._swap(newer)
        if self.learner.fault:
            self._loop.state.warn(f"{self.learner.fault}: nothing more is learned")
        self.noise.is_on = counts

    def after_slot(self) -> None:
        """Note what the slot that begins has seen and does."""
        seen, done = self.policy.last_observation, self.policy.last_action
        if self.noise.is_on and self._loop.policy is self.policy and seen is not None and done is not None:
            self._begun = self._loop.state.slot, seen, done

    def _counts(self, now_ns: int) -> bool:
        loop, status = self._loop, self._loop.state.status
        follows = status is not None and status.arm.mode is Mode.ENGAGED and not status.arm.fault
        holds = self._hand.source == "person" and self._hand.browser.clutch.closed
        return follows and holds and loop.metrics.is_settled(now_ns) and self.drawing.is_moving(now_ns)

    def _tell(self, errors: SlotErrors) -> None:
        """Send the slot that was begun with what it was worth."""
        if self._begun is None:
            return
        slot, seen, done = self._begun
        self._metric_sum += errors.metric
        self._metric_count += 1
        row = Row(
            slot=slot,
            policy=self.number,
            reward=errors.reward,
            metric=errors.metric,
            drawing_m=errors.drawing_m,
            observation=seen,
            action=done,
        )
        self.learner.send(row)

    def _swap(self, newer: NewPolicy) -> None:
        """Another policy from this slot on; one that does not fit changes nothing."""
        if newer.spread.shape != self.noise.spread.shape or not (newer.spread >= 0.0).all():
            self.learner.refused_count += 1
            return
        try:
            self.policy.swap(newer.policy)
        except ConfigError as error:
            self.learner.refused_count += 1
            self._loop.state.warn(str(error))
            return
        self.noise.spread, self.number = newer.spread, newer.number
        self.swap_count += 1

    def row(self, now_ns: int) -> dict[str, object]:
        """What the page shows of the lesson."""
        left_s = max(self.ends_ns - now_ns, 0) / NS_PER_S if self.ends_ns else None
        learner = self.learner.learner | {"policy": self.number, "rows": self.learner.sent_count}
        return {**self.drawing.row(), "left_s": left_s, "learner": learner}

    def results(self) -> dict[str, object]:
        """What the lesson came to, for the report."""
        score = self.drawing.score
        mean_m = score.whole_m
        return {
            "row_count": self.learner.sent_count,
            "dropped_count": self.learner.dropped_count,
            "refused_count": self.learner.refused_count,
            "swap_count": self.swap_count,
            "policy_id": self.number,
            "drawing_error_mm": None if mean_m is None else 1e3 * mean_m,
            "drawing_error_last_mm": None if score.mean_m is None else 1e3 * score.mean_m,
            "metric_m": self._metric_sum / self._metric_count if self._metric_count else None,
        }
