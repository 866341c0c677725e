"""What the application around the extension is: its version, its window, its folders, its log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import carb
import carb.settings
import omni.kit.app

from teletwin.errors import MissingPartError

OLDEST, NEWEST = (5, 1), (6, 0)
"""Whose public sources every call was checked against; what came later is admitted with a warning."""
_ALLOWED = f"Isaac Sim {OLDEST[0]}.{OLDEST[1]} or later"
_CHECKED = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"


def isaac_version() -> tuple[int, int] | None:
    """Major and minor number of this Isaac Sim; None where it does not say.

    Raises:
        MissingPartError: This is another Kit application, or an Isaac Sim older than the first that will do.
    """
    try:
        from isaacsim.core.version import get_version
    except ImportError:
        if _any_enabled(("omni.isaac.version",)):  # as it was called before 4.5
            raise _too_old("4.2 or older") from None
        raise MissingPartError("this Kit application is not Isaac Sim", allowed=_ALLOWED) from None
    text = str(get_version()[0])
    found = re.match(r"(\d+)\.(\d+)", text)
    if not found:
        return None
    version = int(found[1]), int(found[2])
    if version < OLDEST:
        raise _too_old(text)
    return version


def _too_old(given: str) -> MissingPartError:
    return MissingPartError("this Isaac Sim is too old", given=given, allowed=_ALLOWED, mend="install a newer one")


def version_warning() -> str:
    """What to tell of an Isaac Sim that teletwin was not checked against; empty where it was.

    Raises:
        MissingPartError: As `isaac_version`.
    """
    version = isaac_version()
    if version is None:
        return f"this Isaac Sim does not tell its version; teletwin was checked against {_CHECKED}"
    if version <= NEWEST:
        return ""
    return f"Isaac Sim {version[0]}.{version[1]} is newer than what teletwin was checked against, {_CHECKED}"


_WINDOWED = ("omni.kit.uiapp", "omni.kit.mainwindow")
"""Either of these means windows; Isaac Sim's standalone applications name the second."""
_STREAMING = ("omni.kit.livestream.core", "omni.kit.livestream.app", "omni.services.livestream.nvcf")
"""Without a window of their own these show Kit's to somebody else."""


def extension_path(ext_id: str) -> Path:
    """The extension's folder."""
    manager: Any = omni.kit.app.get_app().get_extension_manager()
    return Path(manager.get_extension_path(ext_id))


def has_window(wish: str) -> bool:
    """Whether somebody sees windows: 'on', 'off', or 'auto' by whether Kit shows or streams one and has omni.ui."""
    if wish != "auto":
        return wish == "on"
    is_shown = carb.settings.get_settings().get("/app/window/enabled") is not False
    return (is_shown or _any_enabled(_STREAMING)) and _any_enabled(_WINDOWED)


def _any_enabled(names: tuple[str, ...]) -> bool:
    manager: Any = omni.kit.app.get_app().get_extension_manager()
    return any(manager.is_extension_enabled(name) for name in names)


def tell(text: str, *, level: str = "info") -> None:
    """One line in Kit's log: info, warn or error."""
    {"info": carb.log_info, "warn": carb.log_warn, "error": carb.log_error}[level](f"[teletwin] {text}")
