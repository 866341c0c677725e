"""Compiles the kernels once, with a word on what is going on; later starts find them in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from teletwin.forecast import DEFAULT_FORECASTER, NEEDS_EXTRA, build_forecaster

_ROOMS = ("forecast", "horizon", "robot", "twin")


def warm_up(say: Callable[[str], None], *, forecaster: str = DEFAULT_FORECASTER, policy: str = "rule") -> bool:
    """Compile what the session runs unless that was done for this very code; tell whether it was needed.

    Other forecasters and policies are compiled when somebody chooses them.
    """
    stamp = _stamp(forecaster, policy)
    if stamp.exists():
        return False
    for name, work in _kernels(forecaster, policy):
        say(f"compiling {name} (first start only)")
        work()
    with contextlib.suppress(OSError):  # without the stamp the next start looks again
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
    return True


def _kernels(forecaster: str, policy: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Name and compiler of every kernel that the roles run."""
    from teletwin.robot.fast import FastKinematics
    from teletwin.robot.ur3e import load_ur3e
    from teletwin.twin.limits import CommandLimiter
    from teletwin.twin.rmpflow import RmpFlowPolicy

    yield "RMPflow", lambda: RmpFlowPolicy().warm_up()
    yield "limits", CommandLimiter
    yield "kinematics", lambda: FastKinematics(load_ur3e().chain)
    if forecaster not in NEEDS_EXTRA:
        yield f"forecaster {forecaster}", lambda: build_forecaster(forecaster)
    if policy == "learned":
        from teletwin.horizon.observation import MotionFeatures

        yield "features of the motion", lambda: MotionFeatures(hands=1)


def _stamp(forecaster: str, policy: str) -> Path:
    """A file whose name tells the code that was compiled."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(f"{version('warp-lang')} {forecaster} {policy == 'learned'}".encode())
    for room in _ROOMS:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.read_bytes())
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "teletwin" / f"kernels-{digest.hexdigest()[:16]}"
