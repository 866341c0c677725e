"""`python -m teletwin.arm.virtual_ur`: a virtual UR3e controller until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading

from teletwin.arm.virtual_ur.controller import ControllerCfg
from teletwin.arm.virtual_ur.safety import UNLOCK_WAIT_S
from teletwin.arm.virtual_ur.server import VirtualUr, VirtualUrCfg
from teletwin.errors import TeletwinError


def main(argv: list[str] | None = None) -> int:
    """Run the controller; return the exit status."""
    parser = argparse.ArgumentParser(prog="virtual_ur", description="A virtual UR3e controller that speaks RTDE.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--unlock-wait-s", type=float, default=UNLOCK_WAIT_S, help="as on a robot: %(default)s s")
    parser.add_argument("--scene", default="table", help="'table', 'bare' or an MJCF file (default: %(default)s)")
    options = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        controller = ControllerCfg(unlock_wait_s=options.unlock_wait_s, scene=options.scene)
        cfg = VirtualUrCfg(host=options.host, controller=controller)
        server = VirtualUr(cfg)
    except TeletwinError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    gc.freeze()
    sys.stdout.write(f"virtual UR3e listens on {options.host}\n")
    sys.stdout.flush()
    server.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
