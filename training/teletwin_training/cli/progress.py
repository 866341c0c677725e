"""A training on the terminal: a bar with speed and time left, and a line for every stage that is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

ERRORS = ("arm position", "arm orientation", "picture position", "picture orientation")


class RichWatcher:
    """A `step_recorded.Watcher`."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns: list[Any] = [
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        ]
        columns += [TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[text]}")]
        self._console = console
        self._progress = Progress(*columns, console=console, transient=True)
        self._task: Any = None
        self._stops = False

    def __enter__(self) -> RichWatcher:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def stop(self) -> None:
        """End as soon as an epoch is over."""
        self._stops = True
        self._console.print("ending after this epoch; Ctrl-C again ends at once")

    def stops(self) -> bool:
        """Whether the person wants to end."""
        return self._stops

    def begin(self, stage: str, total: int) -> None:
        """A new bar."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(stage, total=max(total, 1), text="")

    def advance(self, done: int, text: str = "") -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, text=text)

    def stage_over(self, stage: str, total: float, ratios: Sequence[float]) -> None:
        """Say what the stage has reached beside the rule."""
        parts = ", ".join(f"{name} {ratio:.3f}" for name, ratio in zip(ERRORS, ratios, strict=True))
        self._console.print(f"{stage:<13} {total:.4f} of the rule's error ({parts})", highlight=False, soft_wrap=True)
