"""Scripts and extensions of Isaac Sim 4 ask for `omni.isaac.core` and its kin: one clear line where they are not.

5.1 has them as deprecated extensions, enabled in its usual applications; 6.0 has none. Nothing is put in their place:
who asks gets Python's own ModuleNotFoundError, and the window and Kit's log say what stands for the name now.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from teletwin.errors import TeletwinError
from teletwin.kit import host
from teletwin.kit.guard import Guard

_PREFIX = "omni.isaac"
STANDS_FOR = {
    "cloner": "isaacsim.core.cloner",
    "core": "isaacsim.core.api, .prims and .utils (deprecated from 6.0 on), or isaacsim.core.experimental.prims",
    "dynamic_control": "isaacsim.core.experimental.prims",
    "franka": "isaacsim.robot.manipulators.examples",
    "kit": "isaacsim, which has SimulationApp",
    "lula": "isaacsim.robot_motion.lula",
    "manipulators": "isaacsim.robot.manipulators",
    "motion_generation": "isaacsim.robot_motion.motion_generation",
    "nucleus": "isaacsim.storage.native",
    "range_sensor": "isaacsim.sensors.physx",
    "ros2_bridge": "isaacsim.ros2.bridge",
    "sensor": "isaacsim.sensors.camera, .physics, .physx and .rtx",
    "ui": "isaacsim.gui.components",
    "universal_robots": "isaacsim.robot.manipulators.examples",
    "utils": "isaacsim.core.utils",
    "version": "isaacsim.core.version",
    "wheeled_robots": "isaacsim.robot.wheeled_robots",
}
"""What NVIDIA names as the successor of each `omni.isaac.<name>`."""


def tell_old_names(report: Callable[[str], None]) -> Guard:
    """Tell what stands for a name of `omni.isaac.*` that nobody else finds, once each, until the guard is closed."""
    finder = _LastFinder(report)
    sys.meta_path.append(finder)
    return Guard(release=lambda: sys.meta_path.remove(finder))


class _LastFinder(importlib.abc.MetaPathFinder):
    """Asked after all others; finds nothing, so that what looks whether a module is there learns the truth."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report, self._told = report, set[str]()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None; says why for what lies in `omni.isaac`."""
        if (fullname == _PREFIX or fullname.startswith(f"{_PREFIX}.")) and fullname not in self._told:
            self._told.add(fullname)
            self._report(_refusal(fullname))
        return None


def _refusal(name: str) -> str:
    part = name.removeprefix(_PREFIX).removeprefix(".").partition(".")[0]
    now = STANDS_FOR.get(part, "isaacsim.*: omni.isaac.core is now isaacsim.core.api, .prims and .utils")
    return f"{name} was asked for and is not there; {_where(part)}; what stands for it now: {now}; see docs/isaac.md"


def _where(part: str) -> str:
    try:
        major, minor = host.isaac_version()
    except TeletwinError:
        return "Isaac Sim 5.1 is the last that has omni.isaac.*"
    if major < 6:
        return f"Isaac Sim {major}.{minor} has it as an extension: enable {_PREFIX}.{part or 'core'}"
    return f"Isaac Sim {major}.{minor} has no omni.isaac.* any more"
