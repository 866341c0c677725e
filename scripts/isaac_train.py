#!/usr/bin/env python3
"""Training in a headless Isaac Sim: as many arms as there are environments, cloned and simulated by PhysX.

To be run by Isaac Sim's own Python (5.1 or 6.0), from anywhere:

    <isaac-sim>/python.sh scripts/isaac_train.py --physics-device cuda --out runs/isaac

Options that are not known here are those of `teletwin train horizon`, except that what begins with `--/` goes to Kit.
docs/isaac.md tells what must be installed once.
"""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (ROOT / "exts" / "teletwin", ROOT / "training")
PREBUNDLED = (ROOT / "training" / "pip_prebundle", ROOT / "exts" / "teletwin" / "pip_prebundle")
"""What Isaac Sim's Python lacks; behind its own packages, so that none of those is replaced."""


def read_options(arguments: list[str]) -> tuple[argparse.Namespace, list[str], list[str]]:
    """The options, what is for the training, and what is for Kit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--experience", default="", help="Kit file; empty lets SimulationApp choose")
    parser.add_argument("--physics-device", default="cuda", help="where PhysX runs: cpu, cuda, cuda:N")
    parser.add_argument("--robot-usd", default="", help="path or URL of another UR3e; empty takes teletwin's own")
    options, rest = parser.parse_known_args(arguments)
    for_kit = [each for each in rest if each.startswith("--/")]
    return options, [each for each in rest if each not in for_kit], for_kit


def start_app(options: argparse.Namespace, for_kit: list[str]) -> Any:
    """Isaac Sim, started without a window; ends the script with one line when this Python is not Isaac Sim's."""
    try:
        isaacsim = import_module("isaacsim")
    except ImportError:
        sys.exit(
            "isaac_train: this Python has no Isaac Sim; run it by Isaac Sim's own:"
            f" <isaac-sim>/python.sh {Path(__file__).resolve()}, see docs/isaac.md"
        )
    told, sys.argv[1:] = sys.argv[1:], []  # SimulationApp would hand the training's options on to Kit
    try:
        config = {"headless": True, "hide_ui": True, "extra_args": for_kit}
        app = isaacsim.SimulationApp(config, options.experience)
    finally:
        sys.argv[1:] = told
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Ctrl-C ends the training, which keeps what it learned
    return app


def train(options: argparse.Namespace, arguments: list[str]) -> int:
    """Train with arms cloned in the open stage; returns the exit status."""
    sys.path[:0] = [str(path) for path in PACKAGES]
    sys.path += [str(path) for path in PREBUNDLED if path.is_dir()]
    cloned: Any = import_module("teletwin.kit.cloned")
    errors: Any = import_module("teletwin.errors")

    def world(count: int) -> Any:
        cfg = cloned.ClonedArmsCfg(count=count, device=options.physics_device, robot_usd=options.robot_usd)
        return cloned.build_cloned_arms(cfg)

    try:
        return import_module("teletwin_training.cli.in_isaac").train_in_isaac(world, arguments)
    except errors.SaidError:
        return 2
    except errors.TeletwinError as error:
        print(f"isaac_train: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"isaac_train: {error.name} is not installed here; docs/isaac.md tells how", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


def main(arguments: list[str] | None = None) -> int:
    """Start, train, close."""
    options, for_training, for_kit = read_options(sys.argv[1:] if arguments is None else arguments)
    app = start_app(options, for_kit)
    try:
        status = train(options, for_training)
        sys.stdout.flush()
    finally:
        app.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
