"""What the extension does, with or without a window: start, stop, engage, hold, record."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable

import omni.timeline

from teletwin.errors import ConfigError, TeletwinError
from teletwin.kit import host
from teletwin.kit.assembly import Assembly, Surroundings
from teletwin.kit.numbers import NAMES
from teletwin.kit.old_names import tell_old_names
from teletwin.kit.prebundle import Prebundle
from teletwin.kit.run import Run
from teletwin.kit.settings import COMMANDS, Settings
from teletwin.messages import Mode


class TwinApp:
    """The extension's one object; every public method returns at once and reports instead of raising."""

    def __init__(self, surroundings: Surroundings | None, packages: Prebundle) -> None:
        self.packages = packages
        """What Kit's Python lacks; closed with the app."""
        self._assembly = Assembly(
            surroundings or Surroundings(),
            packages=packages,
            report=self.report,
            end=self._end,
            over=self._over,
            stage_changed=self._stage_changed,
        )
        self.settings = Settings()
        self.state = "stopped"
        """stopped, starting (compiling kernels, loading the robot) or running."""
        self.warnings: collections.deque[str] = collections.deque(maxlen=20)
        self.run: Run | None = None
        self._task: asyncio.Future[None] | None = None
        self._guards = [self.settings.watch("command", self._obey_setting)]
        self._guards += [self.settings.watch(name, self._retune) for name in _LIVE]
        self._guards.append(tell_old_names(self.report))

    # What a person, a script or a setting asks for.

    def start(self) -> None:
        """Build the scene if wanted, connect, and play; nothing when it runs already."""
        self._begin(is_lesson=False)

    def lesson(self) -> None:
        """Start a session in which a policy learns from whoever draws; in one that runs, let the dot run (on)."""
        if self.state == "running":
            self._with_run(lambda run: run.lesson("start"))
        self._begin(is_lesson=True)

    def pause_lesson(self) -> None:
        """Let the dot stand still and the arm hold; nothing is learned meanwhile."""
        self._with_run(lambda run: run.lesson("pause"))

    def quit_lesson(self) -> None:
        """End the lesson and its session; what was learned is kept."""
        self._with_run(lambda run: run.lesson("quit"))

    def stop(self) -> None:
        """Disconnect and stop the timeline; the arm's own silence rule has held it before."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
        run, self.run = self.run, None
        if run is not None:
            run.close()
            omni.timeline.get_timeline_interface().stop()
        self.state = "stopped"

    def engage(self) -> None:
        """Let the arm follow: lift the twin's hold; in role 'local' engage the operator too."""
        self._with_run(lambda run: run.engage(Mode.ENGAGED))

    def hold(self) -> None:
        """Bring the arm to rest and keep it there, whatever the operator asks."""
        self._with_run(lambda run: run.engage(Mode.HOLD))

    def record(self, on: bool = True) -> None:
        """Start or end the recording (MCAP)."""
        problem = self.packages.lacking("mcap") if on and self.run is not None else None
        if problem is not None:
            self.report(problem)
        else:
            self._with_run(lambda run: run.record(on))

    def status(self) -> dict[str, object]:
        """State, mode, page address, warnings, and the live numbers by name; None where unknown."""
        run = self.run
        known = run.numbers() if run is not None else {}
        about = run.about() if run is not None else dict(_IDLE)
        return {
            "state": self.state,
            "warnings": list(self.warnings),
            **about,
            **{name: known.get(name) for name in NAMES},
        }

    def report(self, problem: TeletwinError | Exception | str, *, level: str = "warn") -> None:
        """One line in the window and in Kit's log."""
        problem = self.packages.explained(problem) if isinstance(problem, Exception) else problem
        known = isinstance(problem, TeletwinError | str)
        text = str(problem) if known else f"{type(problem).__name__}: {problem}"
        self.warnings.append(text)
        host.tell(text, level=level)

    def close(self) -> None:
        """Leave nothing behind."""
        self.stop()
        for guard in self._guards:
            guard.close()
        self._guards.clear()
        self.packages.close()

    # How it is done.

    def _begin(self, *, is_lesson: bool) -> None:
        if self.state == "stopped":
            self.state = "starting"
            self._task = asyncio.ensure_future(self._start(is_lesson=is_lesson))

    async def _start(self, *, is_lesson: bool) -> None:
        try:
            cfg = self.settings.read()
            self._warn_of_version()
            self.run = await self._assembly.build(cfg, is_lesson=is_lesson)
            self.state = "running"
            omni.timeline.get_timeline_interface().play()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._task = None
            self.stop()
            self.report(error, level="error")

    def _warn_of_version(self) -> None:
        """Once: what was admitted without having been checked."""
        warning = host.version_warning()
        if warning and warning not in self.warnings:
            self.report(warning)

    def _end(self, error: Exception) -> None:
        """Something raised in a callback of Kit's."""
        self.stop()
        self.report(error, level="error")

    def _over(self) -> None:
        """The person has quit the lesson."""
        if self.run is not None:
            self.stop()
            self.report("the lesson is over; what was learned is being written", level="info")

    def _stage_changed(self, change: str) -> None:
        if change == "closing" and self.run is not None:
            self.report("the stage was closed; the session has ended")
            self.stop()

    def _with_run(self, work: Callable[[Run], None]) -> None:
        if self.run is None:
            self.report("nothing runs yet: press Start")
            return
        try:
            work(self.run)
        except Exception as error:
            self.report(error)

    def _obey_setting(self) -> None:
        """A command written to `/exts/teletwin/command`; the setting is emptied again."""
        command = str(self.settings.get("command"))
        if not command:
            return
        self.settings.set("command", "")
        try:
            self.do(command)
        except ConfigError as error:
            self.report(error)

    def do(self, command: str) -> None:
        """A command by name, one of `settings.COMMANDS`.

        Raises:
            ConfigError: There is no such command.
        """
        actions: dict[str, Callable[[], None]] = {
            "start": self.start,
            "stop": self.stop,
            "engage": self.engage,
            "hold": self.hold,
            "record": self.record,
            "end_record": lambda: self.record(False),
            "lesson": self.lesson,
            "pause_lesson": self.pause_lesson,
            "quit_lesson": self.quit_lesson,
        }
        if command not in actions:
            raise ConfigError("no command has this name", given=command, allowed=", ".join(COMMANDS))
        actions[command]()

    def _retune(self) -> None:
        """A forecaster, policy or horizon was chosen while a session runs."""
        if self.run is not None:
            self._with_run(lambda run: run.retune(self.settings.read()))


_IDLE = {"held": False, "recording": False, "page": "", "encoder": "", "lesson": None}
_LIVE = ("forecaster", "horizon_policy", "horizon_control_ms", "horizon_render_ms")
"""Settings that a running session takes at once; the others count from the next start."""
