"""Looks for the packages that a session's choices take, before anything starts."""

from __future__ import annotations

from importlib.util import find_spec

from teletwin.arm import ARMS, arm_of
from teletwin.errors import MissingPartError
from teletwin.hand.devices import DEVICES, device_of
from teletwin.link import LINKS
from teletwin.session.config import SessionCfg


def check_parts(session: SessionCfg) -> None:
    """Refuse a session that needs what is not installed.

    Raises:
        MissingPartError: Says what, and how to install it.
    """
    _require(LINKS[session.link], option=f"--link {session.link}", extra="dds")
    name, _ = arm_of(session.robot)
    _require(ARMS[name], option=f"--robot {session.robot}", extra="ros2")
    device = device_of(session.hand)
    if device is not None:
        package, extra = DEVICES[device[0]]
        _require(package, option=f"--hand {session.hand}", extra=extra)


def _require(package: str, *, option: str, extra: str) -> None:
    if package and find_spec(package) is None:
        raise MissingPartError(
            f"{option} needs {package}, which is not installed", mend=f"pip install 'teletwin[{extra}]'"
        )
