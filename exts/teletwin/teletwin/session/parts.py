"""Looks for the packages and files that a session's choices take, before anything starts."""

from __future__ import annotations

from importlib.util import find_spec

from teletwin.arm import ARMS
from teletwin.assets import SCENES, scene_path
from teletwin.errors import MissingPartError
from teletwin.hand.devices import DEVICES, device_of
from teletwin.link import LINKS
from teletwin.robot.obstacles import load_obstacles
from teletwin.session.config import SessionCfg
from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg


def check_parts(session: SessionCfg) -> None:
    """Refuse a session that needs what is not installed.

    Raises:
        MissingPartError: Says what, and how to install it.
        RobotError: The scene holds no arm that can be driven here, or an obstacle of an unknown kind.
        TooLargeError: The scene would take more memory than a file may.
    """
    _require(LINKS[session.link], option=f"--link {session.link}", extra="dds")
    _require(ARMS[session.arm_name], option=f"--robot {session.robot}", extra="ros2")
    device = device_of(session.hand)
    if device is not None:
        package, extra = DEVICES[device[0]]
        _require(package, option=f"--hand {session.hand}", extra=extra)
    if session.scene not in SCENES:
        MujocoWorld(MujocoWorldCfg(scene=session.scene))
        load_obstacles(scene_path(session.scene))


def _require(package: str, *, option: str, extra: str) -> None:
    if package and find_spec(package) is None:
        raise MissingPartError(
            f"{option} needs {package}, which is not installed", mend=f"pip install 'teletwin[{extra}]'"
        )
