"""One session in Kit, from Start to Stop."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from teletwin.clock import Clock
from teletwin.errors import ConfigError
from teletwin.kit.build import Functions, open_picture
from teletwin.kit.frame_time import simulation_time_s
from teletwin.kit.numbers import NAMES
from teletwin.kit.settings import KitCfg
from teletwin.kit.twin_host import HostParts, TwinHost
from teletwin.kit.world import simulated_prims
from teletwin.link import Link
from teletwin.messages import STREAMED_CODEC, Mode, Note
from teletwin.session.in_force import in_force_of
from teletwin.session.log import Recorder, obey_record
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.wiring import apply_link_note


class Run:
    """The twin's host, its recorder, and the local operator and arm where Kit plays them."""

    def __init__(
        self,
        cfg: KitCfg,
        role: RoleCfg,
        *,
        functions: Functions,
        links: tuple[Link, Link],
        clock: Clock,
        executor: Executor,
        local: Any,
        objects: tuple[str, ...],
        report: Callable[[str], None],
        stack: contextlib.ExitStack,
    ) -> None:
        self._cfg, self._local, self._objects = cfg, local, objects
        self._links = {"twin": links[0], "renderer": links[1]}
        self._world, self._control, self._clock = functions.world, functions.control, clock
        self._stack = contextlib.ExitStack()
        self._recorder = stack.enter_context(Recorder(role, clock))
        settings = dataclasses.replace(role.session.picture(), codec=STREAMED_CODEC)
        self._picture, warning = open_picture(cfg, settings, stack)
        if warning:
            report(warning)
        self.host = TwinHost(
            HostParts(
                clock=clock,
                twin_link=links[0],
                renderer_link=links[1],
                control=functions.control,
                rendering=functions.rendering,
                world=functions.world,
                picture=self._picture,
                settings=settings,
                allocation=role.session.allocation,
                physics_rate_hz=cfg.physics_rate_hz,
                simulation_time_s=simulation_time_s,
                executor=executor,
                log=self._recorder,
                in_force=in_force_of("twin", role.session),
                on_note=self._obey,
                on_fault=report,
            )
        )

    def keep(self, stack: contextlib.ExitStack) -> None:
        """Take over what must be undone at the end."""
        self._stack = stack

    def attach(self) -> None:
        """Physics is ready: take the arm and the objects of the stage.

        Raises:
            RobotError: There is no articulation at the robot's path, or it is not a UR3e.
        """
        self._world.attach(*simulated_prims(self._cfg.robot_path, self._objects))

    def engage(self, mode: Mode) -> None:
        """Engage or hold."""
        self.host.held = mode is not Mode.ENGAGED
        if self._local is not None:
            self._local.set_mode(mode)

    def record(self, on: bool) -> None:
        """Start or end the recording, in role 'local' of every role."""
        if self._local is not None:
            self._local.record(on)
        elif on:
            self._recorder.start(self._recorder.fresh_path())
        else:
            self._recorder.end()

    def lesson(self, word: str) -> None:
        """A button of the lesson: start (or go on), pause, quit.

        Raises:
            ConfigError: This session is no lesson.
        """
        if self._local is None:
            raise ConfigError("the operator is elsewhere", mend="lessons are for role local")
        self._local.lesson(word)

    def retune(self, cfg: KitCfg) -> None:
        """Another forecaster, policy or horizon."""
        if self._local is not None:
            self._local.retune(cfg)

    def numbers(self) -> dict[str, object]:
        """Live numbers by name, see `numbers.NAMES`; the operator's own where Kit plays it."""
        host, now_ns = self.host, self._clock.now_ns()
        numbers, arm = host.numbers, host.numbers.arm
        values: dict[str, object] = {
            "aol_ms": numbers.aol_ms,
            "command_age_ms": arm.command_age_ms if arm is not None else None,
            "horizon_control_ms": 1e3 * self._control.horizon_s,
            "horizon_render_ms": 1e3 * host.horizon_render_s,
            "frame_rate_hz": numbers.rate_hz("frames", now_ns),
            "physics_rate_hz": numbers.rate_hz("physics", now_ns),
            "time_ratio": host.time_ratio,
            "uplink_age_ms": numbers.uplink_age_ms,
            "encode_ms": host.pictures.encode_ms,
        }
        row = self._local.row if self._local is not None else {}
        return values | {name: row[name] for name in NAMES if row.get(name)}  # 0 pictures a second: nobody looks

    def about(self) -> dict[str, object]:
        """Whether the twin holds, what is recorded, where the page is, which encoder works."""
        fault = self._recorder.fault
        return {
            "held": self.host.held,
            "recording": bool(self._recorder.path),
            "page": self._local.url if self._local is not None else "",
            "encoder": self._picture.encoder_name,
            "lesson": self._local.row.get("lesson") if self._local is not None else None,
            **({"recording_fault": fault} if fault else {}),
        }

    def close(self) -> None:
        """Undo everything, newest first."""
        self._world.detach()
        self._stack.close()

    def _obey(self, role: str, note: Note) -> None:
        """Do what the operator asks of every role."""
        if note.kind == "link":
            apply_link_note(self._links[role], role, note)  # type: ignore[arg-type]
        elif note.kind == "record" and role == "twin":
            obey_record(self._recorder, note)
