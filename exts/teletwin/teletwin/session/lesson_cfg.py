"""What the operator's side is told of a lesson: a person draws, and a policy learns from it."""

from __future__ import annotations

import dataclasses
import json
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedLesson:
    """What a learner that waits for a session says on its standard output: one line, once it can learn."""

    lesson: LessonCfg
    policy_file: str
    """The learned policy that the session begins with (.npz)."""

    def to_line(self) -> str:
        """The line, without its end."""
        return f"{_OFFER} {json.dumps(dataclasses.asdict(self))}"


def offered(line: str) -> OfferedLesson | None:
    """The lesson that a line of the learner's offers; None for any other line.

    Raises:
        ConfigError: The learner is of another version.
    """
    word, _, rest = line.strip().partition(" ")
    if word != _OFFER:
        return None
    try:
        values = json.loads(rest)
        lesson = values["lesson"]
        task = DrawingTaskCfg(**lesson.pop("task"))
        return OfferedLesson(lesson=LessonCfg(task=task, **lesson), policy_file=str(values["policy_file"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = f"{type(error).__name__}: {error}"[:120]
        raise ConfigError("the learner's offer cannot be read", given=told, allowed="one of this version") from None


_OFFER = "lesson"
