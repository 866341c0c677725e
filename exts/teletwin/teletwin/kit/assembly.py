"""Puts a session together: kernels, functions, links, local roles, stage, events; undone whole when a part fails."""

from __future__ import annotations

import asyncio
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
from teletwin.kit import events
from teletwin.kit.borrowed import rest_viewport
from teletwin.kit.build import build_functions, compile_kernels, open_udp
from teletwin.kit.guard import Guard
from teletwin.kit.hand_input import open_hand_input
from teletwin.kit.host import has_window
from teletwin.kit.learner import Learner
from teletwin.kit.local import LocalRoles
from teletwin.kit.prebundle import Prebundle
from teletwin.kit.robot_asset import choose_robot
from teletwin.kit.run import Run
from teletwin.kit.run_loop import own_clock
from teletwin.kit.scene import SceneCfg, build_scene, default_stage
from teletwin.kit.session_cfg import has_secret, role_cfgs
from teletwin.kit.settings import KitCfg
from teletwin.link import Link
from teletwin.session.lesson_cfg import OfferedLesson
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


class Assembly:
    """Builds runs.

    Args:
        surroundings: Where clock, links and threads come from.
        packages: What Kit's Python lacks.
        report: Told what the user should know.
        end: Told what a callback of Kit's raised; the session is over.
        over: Told, on Kit's thread, that the person has quit the lesson.
        stage_changed: Told 'opened' and 'closing'.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        packages: Prebundle,
        report: Callable[[Exception | str], None],
        end: Callable[[Exception], None],
        over: Callable[[], None],
        stage_changed: Callable[[str], None],
    ) -> None:
        self._around, self._packages = surroundings, packages
        self._report, self._end, self._over, self._stage_changed = report, end, over, stage_changed

    async def build(self, cfg: KitCfg, *, is_lesson: bool = False) -> Run:
        """Everything that a session needs, undone as a whole when a part fails."""
        around = self._around
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            executor = around.executor()
            stack.callback(executor.shutdown, wait=False)
            await self._import_packages(cfg, executor)
            cfgs = role_cfgs(cfg, await self._learner(cfg, executor, stack) if is_lesson else None)
            session = cfgs["twin"].session
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
                report=self._report,
                stack=stack,
            )
            own_clock(max(cfg.update_rate_hz, cfg.rate_hz), stack)  # a turn gives one picture at most
            if not has_window(cfg.viewport):
                rest_viewport(stack)
            self._listen(run, stack)
            if local is not None:
                self._open_hand(cfg, local, functions.world, stack)
            run.keep(stack.pop_all())
        if local is not None:
            local.start()
        return run

    async def _import_packages(self, cfg: KitCfg, executor: Executor) -> None:
        """What came into the folder since the last look counts; what does not work is told before anything is built."""
        self._packages.open()
        asked = {"mcap": bool(cfg.record_path), "cryptography": has_secret(cfg)}
        also = [name for name, is_asked in asked.items() if is_asked]
        problem = await asyncio.get_running_loop().run_in_executor(executor, self._packages.require, cfg.role, also)
        if problem is not None:
            self._report(problem)

    async def _learner(self, cfg: KitCfg, executor: Executor, stack: contextlib.ExitStack) -> OfferedLesson:
        """The lesson that a learner beside Kit offers; the learner finishes when the session has ended."""
        if cfg.role != "local":
            raise ConfigError("the operator is elsewhere", given=f"role {cfg.role}", mend="lessons are for role local")
        loop = asyncio.get_running_loop()

        def finished(words: str) -> None:
            with contextlib.suppress(RuntimeError):  # Kit is gone
                loop.call_soon_threadsafe(self._report, words)

        options = f"--forecaster {cfg.forecaster} {cfg.lesson_options}"
        learner = Learner(cfg.lesson_trainer, options, on_finished=finished)
        stack.callback(learner.close)
        return await loop.run_in_executor(executor, learner.wait_ready)

    async def _local(
        self, cfg: KitCfg, cfgs: dict[str, RoleCfg], executor: Executor, stack: contextlib.ExitStack
    ) -> Any:
        """Operator and simulated arm, when Kit plays them too."""
        if cfg.role != "local":
            return None
        loop = asyncio.get_running_loop()
        page_loop = loop if cfg.page_in_kit_loop else None

        def over() -> None:
            loop.call_soon_threadsafe(self._over)

        def build() -> LocalRoles:
            return self._around.local(cfgs, page_loop=page_loop, on_fault=self._report, on_over=over)

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
                cfg.hand_input, tell=local.put, on_update=events.on_update, world=world, clock=self._around.clock
            )
            stack.enter_context(hand)
        except TeletwinError as error:
            self._report(error)

    async def _scene(self, cfg: KitCfg) -> tuple[str, ...]:
        """Author the stage, or take it as it is, at rest; return the movable objects' paths."""
        omni.timeline.get_timeline_interface().stop()  # what plays already would not tell when its physics is ready
        if not cfg.author_scene:
            await omni.kit.app.get_app().next_update_async()
            return ()
        robot = await choose_robot(cfg.robot_usd)
        if robot.warning:
            self._report(robot.warning)
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
        safely, host = self._safely, run.host
        subscriptions: tuple[Callable[[], Guard], ...] = (
            lambda: events.on_update(safely(host.update)),
            lambda: events.on_new_frame(safely(host.new_frame)),
            lambda: events.on_physics_ready(safely(run.attach)),
            lambda: events.on_physics_step(safely(host.physics_step)),
            lambda: events.on_timeline(safely(host.timeline_changed)),
            lambda: events.on_stage(self._stage_changed),
        )
        for subscribe in subscriptions:  # one by one: should the next fail, this one is let go
            stack.callback(subscribe().close)

    def _safely(self, call: Callable[..., None]) -> Callable[..., None]:
        """The same call; what it raises ends the session with a message, and Kit goes on."""

        def safe(*arguments: Any) -> None:
            try:
                call(*arguments)
            except Exception as error:
                self._end(error)

        return safe
