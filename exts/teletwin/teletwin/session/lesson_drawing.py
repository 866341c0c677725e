"""The drawing of a lesson: where curve and dot are, when the dot runs, and how well it is followed."""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.hand.clutch import ClutchCfg
from teletwin.hand.drawing_task import DrawingTask, DrawingTaskCfg, task_middle
from teletwin.hand.recording import still_hand
from teletwin.hand.source import HandSwitch
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.session.build import hand_to_base
from teletwin.view.camera import Camera

State = Literal["ready", "running", "paused", "over"]
SCORE_S = 10
"""The score is the mean over this long; the trend compares it with as long before [s]."""
_ROUND_POINTS = 257


def lesson_task(cfg: DrawingTaskCfg) -> DrawingTask:
    """The task in the picture's plane, UR base frame."""
    camera = Camera()
    plane = np.stack([camera.right, camera.up], axis=1)
    return DrawingTask(cfg, middle=task_middle(tool_pose_in_ur_base(HOME_Q)), plane=plane)


def lesson_hand(task: DrawingTask) -> HandSwitch:
    """A hand that rests where the dot begins until a person takes it; it moves as the picture shows it."""
    pose = np.concatenate([task.target(0.0), tool_pose_in_ur_base(HOME_Q)[3:]])
    w, x, y, z = hand_to_base().tolist()
    return HandSwitch(still_hand(pose), home_pose=pose, clutch=ClutchCfg(hand_to_base=(w, x, y, z)), loop=False)


class Score:
    """Mean distance of the arm's tool from the dot, second by second of drawing."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, float, int]] = deque(maxlen=2 * SCORE_S + 1)
        self._total = (0.0, 0)

    def add(self, t_s: float, distance_m: float) -> None:
        """Note a distance [m] at t_s [s] of the task's own time, which never goes back."""
        second, total, count = int(t_s), 0.0, 0
        if self._seconds and self._seconds[-1][0] == second:
            _, total, count = self._seconds.pop()
        self._seconds.append((second, total + distance_m, count + 1))
        self._total = (self._total[0] + distance_m, self._total[1] + 1)

    @property
    def whole_m(self) -> float | None:
        """Mean over everything [m]; None before the first."""
        total, count = self._total
        return total / count if count else None

    @property
    def mean_m(self) -> float | None:
        """Mean over the last SCORE_S seconds of drawing [m]."""
        return self._mean(0)

    @property
    def trend_m(self) -> float | None:
        """How much that is more than over the SCORE_S seconds before [m]; negative is better."""
        now, before = self._mean(0), self._mean(SCORE_S)
        return None if now is None or before is None else now - before

    def _mean(self, ago: int) -> float | None:
        if not self._seconds:
            return None
        last = self._seconds[-1][0] - ago
        chosen = [(total, count) for second, total, count in self._seconds if last - SCORE_S < second <= last]
        count = sum(each for _, each in chosen)
        return sum(total for total, _ in chosen) / count if count else None


class Drawing:
    """A task against the operator's clock: ready, running after a countdown, paused, over."""

    def __init__(self, task: DrawingTask, *, countdown_s: float) -> None:
        self.task = task
        self.score = Score()
        self.state: State = "ready"
        self._countdown_ns = round(countdown_s * NS_PER_S)
        self._kept_s = 0.0
        self._go_ns = 0

    def start(self, now_ns: int) -> None:
        """Let the dot run on from where it stands, after the countdown."""
        if self.state in ("ready", "paused"):
            self.state, self._go_ns = "running", now_ns + self._countdown_ns

    def pause(self, now_ns: int) -> None:
        """Stop the dot where it is."""
        if self.state == "running":
            self._kept_s = self.time_s(now_ns)
            self.state = "paused"

    def end(self) -> None:
        """The person has had enough."""
        self.state = "over"

    def time_s(self, t_ns: int) -> float:
        """The task's time [s] at t_ns."""
        return self._kept_s + (max(t_ns - self._go_ns, 0) * 1e-9 if self.state == "running" else 0.0)

    def dot(self, t_ns: int) -> Array:
        """Where the dot is at t_ns (3,) [m]."""
        return self.task.target(self.time_s(t_ns))

    def is_moving(self, t_ns: int) -> bool:
        """Whether the dot runs."""
        return self.state == "running" and t_ns >= self._go_ns

    def shape(self) -> dict[str, object]:
        """The curve for the page: places in picture heights from the picture's middle, x right, y down, and times."""
        times, points = self.task.round(_ROUND_POINTS)
        places = Camera().project(points, 1, 1) - 0.5
        return {"times_s": times.round(5).tolist(), "places": places.round(6).tolist()}

    def row(self) -> dict[str, object]:
        """What the page shows of it now: the dot is at kept_s + max(t - go_ns, 0) while it runs, else at kept_s."""
        mean_m, trend_m = self.score.mean_m, self.score.trend_m
        return {
            "state": self.state,
            "kept_s": self._kept_s,
            "go_ns": self._go_ns,
            "score_mm": None if mean_m is None else 1e3 * mean_m,
            "trend_mm": None if trend_m is None else 1e3 * trend_m,
        }
