"""The twin's parts from the settings; what compiles kernels runs off Kit's main thread."""

from __future__ import annotations

import contextlib
import dataclasses
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import Clock
from teletwin.errors import TeletwinError
from teletwin.kit.camera import CameraSource, Rendered
from teletwin.kit.motion import STOCK_POLICIES, build_motion_policy
from teletwin.kit.picture import KitPicture, Pictures
from teletwin.kit.settings import KitCfg
from teletwin.kit.world import IsaacWorld
from teletwin.link import Link
from teletwin.messages import NO_PREDICTION, ViewSettings
from teletwin.session.build import build_control, build_path, build_rendering_in, fast_tool_pose
from teletwin.session.config import SessionCfg
from teletwin.session.renderer import StartedFrame
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.wiring import open_link
from teletwin.twin.control import ControlFunction
from teletwin.twin.rendering import RenderingFunction


@dataclass(frozen=True, kw_only=True)
class Functions:
    """The two functions of the twin and the world of the second."""

    control: ControlFunction
    rendering: RenderingFunction
    world: IsaacWorld


def compile_kernels(session: SessionCfg) -> None:
    """Build one path and drop it: the kernels are then in the cache. Minutes at the very first time."""
    build_path(session, "control", shadow=NO_PREDICTION)
    fast_tool_pose()


def build_functions(session: SessionCfg, motion_policy: str) -> Functions:
    """Control and rendering function with motion policies of their own.

    Isaac's policies take no velocity of the target, so their paths plan for the stock lag.

    Raises:
        MissingPartError: This Isaac Sim lacks the motion policy.
    """
    world = IsaacWorld()
    if motion_policy in STOCK_POLICIES:
        session = dataclasses.replace(session, paper_mode=True)

    def policy() -> Any:
        return build_motion_policy(motion_policy)

    rendering = build_rendering_in(world, session, policy=policy, tick_s=1.0 / session.control_rate_hz)
    return Functions(control=build_control(session, policy=policy), rendering=rendering, world=world)


class NoPicture:
    """Stands in where this machine cannot make pictures; the arm does not need them."""

    encoder_name = "none"
    compute_share = 1.0
    costs = None

    def is_ours(self, event: Any) -> bool:
        """No frame is."""
        return False

    def read(self) -> Rendered | None:
        """Nothing, so that no picture is ever begun."""
        return None

    def encode(self, pixels: NDArray[np.uint8], started: StartedFrame) -> tuple[bytes, bool]:
        """An empty picture."""
        return b"", False

    def apply(self, settings: ViewSettings) -> None:
        """Nothing to change."""

    def pressed(self, is_late: bool) -> None:
        """Nothing to drop."""

    def close(self) -> None:
        """Nothing to let go."""


def open_picture(cfg: KitCfg, settings: ViewSettings, stack: contextlib.ExitStack) -> tuple[Pictures, str]:
    """The camera's pictures and a warning; without a renderer or an encoder, none and why."""
    try:
        source = stack.enter_context(CameraSource(cfg.camera_path, settings.width, settings.height))
        picture = KitPicture(settings, source, encoder=cfg.encoder)
    except TeletwinError as error:
        return NoPicture(), f"{error}; the arm is driven without a picture"
    stack.callback(picture.close)
    return picture, ""


def open_udp(cfgs: dict[str, RoleCfg], clock: Clock, stack: contextlib.ExitStack) -> tuple[Link, Link]:
    """The links of twin and renderer.

    Raises:
        ConfigError: A port is in use, or an address is not this machine's.
    """
    return stack.enter_context(open_link(cfgs["twin"], clock)), stack.enter_context(open_link(cfgs["renderer"], clock))


class InlineExecutor(Executor):
    """Does the work at once, where it is asked for: for tests and for a virtual clock."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run fn and return its finished future."""
        from concurrent.futures import Future

        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
