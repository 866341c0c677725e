"""Looks for the packages that a session's choices take, before anything starts."""

from __future__ import annotations

from importlib.util import find_spec

from teletwin.errors import MissingPartError
from teletwin.link import LINKS
from teletwin.session.config import SessionCfg


def check_parts(session: SessionCfg) -> None:
    """Refuse a session that needs what is not installed.

    Raises:
        MissingPartError: Says what, and how to install it.
    """
    _require(LINKS[session.link], option=f"--link {session.link}", extra="dds")


def _require(package: str, *, option: str, extra: str) -> None:
    if package and find_spec(package) is None:
        raise MissingPartError(
            f"{option} needs {package}, which is not installed", mend=f"pip install 'teletwin[{extra}]'"
        )
