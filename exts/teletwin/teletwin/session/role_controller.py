"""The virtual UR3e controller's process."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

from teletwin.arm.virtual_ur.controller import ControllerCfg
from teletwin.arm.virtual_ur.server import VirtualUr, VirtualUrCfg
from teletwin.session.role_cfg import RoleCfg


def run(cfg: RoleCfg, *, stop: threading.Event, on_ready: Callable[[str], None]) -> None:
    """Run until stop."""
    controller = VirtualUr(VirtualUrCfg(host=cfg.controller_host, controller=ControllerCfg(scene=cfg.session.scene)))
    gc.freeze()
    on_ready("")
    controller.run(stop)
