#!/usr/bin/env python3
"""The twin in Isaac Sim without its desktop: start Isaac Sim, enable the teletwin extension, go on until told to stop.

To be run by Isaac Sim's own Python (5.1 or later), from anywhere:

    <isaac-sim>/python.sh scripts/isaac_twin.py --headless --role twin --operator 192.0.2.7 --arm 192.0.2.9
    <isaac-sim>/python.sh scripts/isaac_twin.py --headless --envs 256 --steps 1000

With --envs it starts no twin but clones that many arms, drives them along sines and prints how many arm steps it
makes in a second: what a training run can expect. Options that are not known here go to Kit, for example
`--/exts/teletwin/rate_hz=60`; every setting of the extension stands in exts/teletwin/config/extension.toml.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

EXTENSIONS = Path(__file__).resolve().parents[1] / "exts"
ZERO_DELAY = "isaacsim.exp.base.zero_delay.kit"
LIVESTREAMS = ("omni.services.livestream.nvcf", "omni.kit.livestream.app")
"""Of 5.1 and of 6.0."""
FORWARDED = (
    *("role", "bind", "operator", "arm", "session_name", "session_secret_file", "page_token_file"),
    *("motion_policy", "record_path"),
)
"""Options that are settings of the extension under the same name."""
SECRET = re.compile(r"token|secret|password|passphrase", re.IGNORECASE)
IN_FILE = re.compile(r"[_-]file$", re.IGNORECASE)


def read_options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and what is for Kit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--headless", action="store_true", help="no window; the picture goes to the operator's page")
    parser.add_argument("--livestream", action="store_true", help="let Isaac Sim stream its own viewport by WebRTC too")
    parser.add_argument("--experience", default=ZERO_DELAY, help="Kit file in Isaac Sim's apps folder, or a path")
    parser.add_argument("--role", default="twin", choices=("twin", "local"), help="local: the whole loop in Isaac Sim")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--operator", default="127.0.0.1", help="host of the operator role, or 'learn'")
    parser.add_argument("--arm", default="127.0.0.1", help="host of the arm role, or 'learn'")
    parser.add_argument("--session-name", default="", help="public name of the session, the same for all its roles")
    parser.add_argument(
        "--session-secret-file",
        default="",
        help="file with the session's secret (mode 600); else TELETWIN_SESSION_SECRET; required beyond loopback",
    )
    parser.add_argument(
        "--page-token-file",
        default="",
        help="file with the token of the page's link (mode 600, role local); else TELETWIN_PAGE_TOKEN",
    )
    parser.add_argument("--motion-policy", default="rmpflow", choices=("rmpflow", "lula", "cumotion"))
    parser.add_argument("--record-path", default="", help="record every message to this MCAP file")
    parser.add_argument("--duration", type=float, default=0.0, help="end after this long [s]; 0 goes on until Ctrl-C")
    parser.add_argument("--envs", type=int, default=0, help="clone this many arms and measure, start no twin")
    parser.add_argument("--steps", type=int, default=500, help="control steps of 10 ms with --envs")
    parser.add_argument("--device", default="cuda", help="where PhysX runs with --envs: cpu, cuda, cuda:N")
    options, for_kit = parser.parse_known_args(arguments)
    if options.envs < 0 or options.steps < 1 or options.duration < 0.0:
        parser.error("--envs and --duration are 0 or more, --steps 1 or more")
    if secrets := secret_options(for_kit):
        parser.error(
            f"a command line is no place for a secret (every user of this machine can read it): {', '.join(secrets)};"
            " take --session-secret-file, --page-token-file, TELETWIN_SESSION_SECRET or TELETWIN_PAGE_TOKEN"
        )
    return options, for_kit


def secret_options(for_kit: list[str]) -> list[str]:
    """Names of the options that hand a secret itself on to Kit, which prints its command line."""
    names = [each.partition("=")[0] for each in for_kit if each.startswith("-")]
    return [name for name in names if SECRET.search(name) and not IN_FILE.search(name)]


def launch_config(options: argparse.Namespace, for_kit: list[str]) -> dict[str, Any]:
    """What SimulationApp is told; keys that every version knows."""
    settings = {name: getattr(options, name) for name in FORWARDED if getattr(options, name)}
    is_unseen = not options.livestream and (options.headless or bool(options.envs))
    if options.headless and not options.livestream:
        settings["window"] = "off"
    if options.livestream:
        settings["viewport"] = "on"  # it is what is streamed
    twin = ["--enable", "teletwin"] if not options.envs else []
    told = [f"--/exts/teletwin/{name}={value}" for name, value in settings.items()] if twin else []
    start = ["--/exts/teletwin/autostart=true"] if twin else []
    return {
        "headless": options.headless or options.livestream or bool(options.envs),
        "hide_ui": False if options.livestream else None,  # None: hidden where there is no window
        "disable_viewport_updates": is_unseen,
        "extra_args": ["--ext-folder", str(EXTENSIONS), *twin, *start, *told, *for_kit],
    }


def experience_file(name: str) -> str:
    """The Kit file: a path as it stands, else one of Isaac Sim's own; empty lets SimulationApp choose."""
    if os.path.sep in name:
        return name
    path = Path(os.environ.get("EXP_PATH", "")) / name
    return str(path) if path.is_file() else ""


def start_app(options: argparse.Namespace, for_kit: list[str]) -> Any:
    """Isaac Sim, started; ends the script with one line when this Python is not Isaac Sim's."""
    try:
        isaacsim = import_module("isaacsim")
    except ImportError:
        sys.exit(
            "isaac_twin: this Python has no Isaac Sim; run it by Isaac Sim's own:"
            f" <isaac-sim>/python.sh {Path(__file__).resolve()}, see docs/isaac.md"
        )
    app = isaacsim.SimulationApp(launch_config(options, for_kit), experience_file(options.experience))
    if options.livestream:
        enable_livestream()
    return app


def enable_livestream() -> None:
    """Isaac Sim's own stream, whichever of the two this version has; it knows no password."""
    manager: Any = import_module("omni.kit.app").get_app().get_extension_manager()
    if not any(manager.set_extension_enabled_immediate(name, True) for name in LIVESTREAMS):
        sys.stderr.write("isaac_twin: this Isaac Sim has no livestream extension; going on without\n")


def run_twin(app: Any, duration_s: float) -> None:
    """Update the application until it is closed, interrupted, or the time is over; the extension does the rest."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: asked.append(received))
    end = time.monotonic() + duration_s if duration_s else float("inf")
    while app.is_running() and not app.is_exiting() and not asked and time.monotonic() < end:
        app.update()


def run_clones(count: int, steps: int, device: str) -> dict[str, float]:
    """Drive cloned arms along sines; return what was measured."""
    sys.path.insert(0, str(EXTENSIONS / "teletwin"))
    np: Any = import_module("numpy")
    cloned: Any = import_module("teletwin.kit.cloned")
    arms = cloned.build_cloned_arms(cloned.ClonedArmsCfg(count=count, device=device))
    home = arms.q.copy()
    phase = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)[:, None]
    error, start = 0.0, time.perf_counter()
    for step in range(steps):
        wanted = home + 0.2 * (np.sin(0.02 * step + phase) - np.sin(phase))
        arms.step(wanted, 0.01)
        error = max(error, float(np.abs(arms.q - wanted).max()))
    took_s = time.perf_counter() - start
    return {
        "arms": count,
        "seconds": took_s,
        "arm_steps_per_s": count * steps / took_s,
        "times_real_time": 0.01 * steps / took_s,
        "largest_error_rad": error,
    }


def main(arguments: list[str] | None = None) -> int:
    """Start, run, close."""
    options, for_kit = read_options(sys.argv[1:] if arguments is None else arguments)
    app = start_app(options, for_kit)
    try:
        if options.envs:
            measured = run_clones(options.envs, options.steps, options.device)
            print("  ".join(f"{name} {value:.4g}" for name, value in measured.items()), flush=True)
        else:
            run_twin(app, options.duration)
    finally:
        app.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
