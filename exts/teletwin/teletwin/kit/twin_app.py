"""What the extension does, with or without a window: start, stop, engage, hold, record."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import omni.kit.app
import omni.timeline

from teletwin.clock import Clock, SystemClock
from teletwin.errors import ConfigError, TeletwinError
from teletwin.kit import events, host
from teletwin.kit.build import build_functions, compile_kernels, open_udp
from teletwin.kit.guard import Guard
from teletwin.kit.hand_input import open_hand_input
from teletwin.kit.local import LocalRoles
from teletwin.kit.numbers import NAMES
from teletwin.kit.robot_asset import choose_robot
from teletwin.kit.run import Run
from teletwin.kit.scene import SceneCfg, build_scene, default_stage
from teletwin.kit.session_cfg import role_cfgs
from teletwin.kit.settings import COMMANDS, KitCfg, Settings
from teletwin.link import Link
from teletwin.messages import Mode
from teletwin.session.role_cfg import RoleCfg
from teletwin.sim import World

OpenLinks = Callable[[dict[str, RoleCfg], Clock, contextlib.ExitStack], tuple[Link, Link]]
_SETTLE_UPDATES = 3
"""Turns of Kit's loop in which a referenced asset comes into the stage before the timeline plays."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the twin takes from outside; tests give a virtual clock, links in memory, no threads."""

    clock: Clock = field(default_factory=SystemClock)
    open_links: OpenLinks = open_udp
    executor: Callable[[], Executor] = lambda: ThreadPoolExecutor(2, thread_name_prefix="teletwin")
    local: Callable[..., LocalRoles] = LocalRoles


class TwinApp:
    """The extension's one object; every public method returns at once and reports instead of raising."""

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self.surroundings = surroundings or Surroundings()
        self.settings = Settings()
        self.state = "stopped"
        """stopped, starting (compiling kernels, loading the robot) or running."""
        self.warnings: collections.deque[str] = collections.deque(maxlen=20)
        self.run: Run | None = None
        self._task: asyncio.Future[None] | None = None
        self._guards = [self.settings.watch("command", self._obey_setting)]
        self._guards += [self.settings.watch(name, self._retune) for name in _LIVE]

    # What a person, a script or a setting asks for.

    def start(self) -> None:
        """Build the scene if wanted, connect, and play; nothing when it runs already."""
        if self.state == "stopped":
            self.state = "starting"
            self._task = asyncio.ensure_future(self._start())

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
        self._with_run(lambda run: run.record(on))

    def status(self) -> dict[str, object]:
        """State, mode, page address, warnings, and the live numbers by name; None where unknown."""
        run = self.run
        known = run.numbers() if run is not None else {}
        about = run.about() if run is not None else {"held": False, "recording": False, "page": "", "encoder": ""}
        return {
            "state": self.state,
            "warnings": list(self.warnings),
            **about,
            **{name: known.get(name) for name in NAMES},
        }

    def report(self, problem: TeletwinError | Exception | str, *, level: str = "warn") -> None:
        """One line in the window and in Kit's log."""
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

    # How it is done.

    async def _start(self) -> None:
        try:
            cfg = self.settings.read()
            host.isaac_version()
            self.run = await self._build(cfg)
            self.state = "running"
            omni.timeline.get_timeline_interface().play()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._task = None
            self.stop()
            self.report(error, level="error")

    async def _build(self, cfg: KitCfg) -> Run:
        """Everything that a session needs, undone as a whole when a part fails."""
        cfgs = role_cfgs(cfg)
        session = cfgs["twin"].session
        around = self.surroundings
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            executor = around.executor()
            stack.callback(executor.shutdown, wait=False)
            await loop.run_in_executor(executor, compile_kernels, session)
            functions = build_functions(session, cfg.motion_policy)
            links = around.open_links(cfgs, around.clock, stack)
            local = await self._local(cfg, cfgs, executor, stack)
            objects = await self._scene(cfg)
            run = Run(
                cfg,
                cfgs["twin"],
                functions=functions,
                links=links,
                clock=around.clock,
                executor=executor,
                local=local,
                objects=objects,
                report=self.report,
                stack=stack,
            )
            self._listen(run, stack)
            if local is not None:
                self._open_hand(cfg, local, functions.world, stack)
            run.keep(stack.pop_all())
        if local is not None:
            local.start()
        return run

    async def _local(
        self, cfg: KitCfg, cfgs: dict[str, RoleCfg], executor: Executor, stack: contextlib.ExitStack
    ) -> Any:
        """Operator and simulated arm, when Kit plays them too."""
        if cfg.role != "local":
            return None
        page_loop = asyncio.get_running_loop() if cfg.page_in_kit_loop else None

        def build() -> LocalRoles:
            return self.surroundings.local(cfgs, page_loop=page_loop, on_fault=self.report)

        building = executor.submit(build)
        try:
            local = await asyncio.wrap_future(building)
        except asyncio.CancelledError:  # Stop was pressed meanwhile: what is still being built ends at once
            building.add_done_callback(lambda done: done.exception() or done.result().close())
            raise
        # It waits for its threads, and they for Kit's loop: never on the main thread.
        stack.callback(lambda: threading.Thread(target=local.close, daemon=True).start())
        return local

    def _open_hand(self, cfg: KitCfg, local: Any, world: World, stack: contextlib.ExitStack) -> None:
        """A hand beside the page's, when one is wanted; without it the page's remains."""
        try:
            hand = open_hand_input(
                cfg.hand_input, tell=local.put, on_update=events.on_update, world=world, clock=self.surroundings.clock
            )
            stack.enter_context(hand)
        except TeletwinError as error:
            self.report(error)

    async def _scene(self, cfg: KitCfg) -> tuple[str, ...]:
        """Author the stage, or take it as it is, at rest; return the movable objects' paths."""
        omni.timeline.get_timeline_interface().stop()  # what plays already would not tell when its physics is ready
        if not cfg.author_scene:
            await omni.kit.app.get_app().next_update_async()
            return ()
        robot = await choose_robot(cfg.robot_usd)
        if robot.warning:
            self.report(robot.warning)
        scene = SceneCfg(
            robot_usd=robot.url,
            robot_path=cfg.robot_path,
            camera_path=cfg.camera_path,
            physics_rate_hz=cfg.physics_rate_hz,
            aspect=cfg.width / cfg.height,
        )
        objects = build_scene(default_stage(), scene)
        for _ in range(_SETTLE_UPDATES):
            await omni.kit.app.get_app().next_update_async()
        return objects

    def _listen(self, run: Run, stack: contextlib.ExitStack) -> None:
        """Kit's events to the session, each let go when it ends."""
        safely = self._safely
        guards: list[Guard] = [
            events.on_update(safely(run.host.update)),
            events.on_new_frame(safely(run.host.new_frame)),
            events.on_physics_ready(safely(run.attach)),
            events.on_physics_step(safely(run.host.physics_step)),
            events.on_timeline(safely(run.host.timeline_changed)),
            events.on_stage(self._stage_changed),
        ]
        for guard in guards:
            stack.callback(guard.close)

    def _safely(self, call: Callable[..., None]) -> Callable[..., None]:
        """The same call; what it raises ends the session with a message, and Kit goes on."""

        def safe(*arguments: Any) -> None:
            try:
                call(*arguments)
            except Exception as error:
                self.stop()
                self.report(error, level="error")

        return safe

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
        }
        if command not in actions:
            raise ConfigError("no command has this name", given=command, allowed=", ".join(COMMANDS))
        actions[command]()

    def _retune(self) -> None:
        """A forecaster, policy or horizon was chosen while a session runs."""
        if self.run is not None:
            self._with_run(lambda run: run.retune(self.settings.read()))


_LIVE = ("forecaster", "horizon_policy", "horizon_control_ms", "horizon_render_ms")
"""Settings that a running session takes at once; the others count from the next start."""
