"""The virtual UR3e controller's process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from teletwin.arm.virtual_ur.controller import ControllerCfg
from teletwin.arm.virtual_ur.server import VirtualUr, VirtualUrCfg
from teletwin.session.realtime import ARM_PRIORITY, punctual
from teletwin.session.role_cfg import RoleCfg


def run(cfg: RoleCfg, *, stop: threading.Event, on_ready: Callable[[str], None]) -> None:
    """Run until stop."""
    with punctual(priority=ARM_PRIORITY):  # as a controller of its own would be: it is never what waits
        controller = VirtualUr(
            VirtualUrCfg(host=cfg.controller_host, controller=ControllerCfg(scene=cfg.session.scene))
        )
        on_ready("")
        controller.run(stop)
