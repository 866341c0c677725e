"""What the operator's side is told of a lesson: a person draws, and a policy learns from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from teletwin.errors import ConfigError
from teletwin.hand.drawing_task import DrawingTaskCfg


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonCfg:
    """A drawing task, and where its learner listens; the session's policy is the learned one that it begins with."""

    channel: str
    """Path of the learner's local socket."""
    task: DrawingTaskCfg = field(default_factory=DrawingTaskCfg)
    countdown_s: float = 3.0
    """From Start to the dot's first step [s]."""
    spread: float = 0.08
    """Standard deviation of the noise on actions until the learner says another."""
    seed: int = 0
    """Of the noise."""

    def __post_init__(self) -> None:
        """Refuse what no session can do."""
        if not 0.0 <= self.countdown_s <= 30.0 or not 0.0 <= self.spread <= 1.0 or self.seed < 0:
            raise ConfigError(
                "a lesson cannot be given so",
                given=f"a countdown of {self.countdown_s} s, a spread of {self.spread}, seed {self.seed}",
                allowed="0 ... 30 s, a spread of 0 ... 1, a seed of 0 or more",
            )
