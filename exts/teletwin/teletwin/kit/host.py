"""What the application around the extension is: its version, its window, its folders, its log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import carb
import carb.settings
import omni.kit.app

from teletwin.errors import MissingPartError

SUPPORTED = ((5, 1), (6, 0))


def isaac_version() -> tuple[int, int]:
    """Major and minor number of this Isaac Sim.

    Raises:
        MissingPartError: This is another Kit application, or a version that was never looked at.
    """
    allowed = " and ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    try:
        from isaacsim.core.version import get_version
    except ImportError:
        raise MissingPartError("this Kit application is not Isaac Sim", allowed=f"Isaac Sim {allowed}") from None
    text = str(get_version()[0])
    found = re.match(r"(\d+)\.(\d+)", text)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version not in SUPPORTED:
        raise MissingPartError("this version of Isaac Sim is not supported", given=text, allowed=allowed)
    return version


def extension_path(ext_id: str) -> Path:
    """The extension's folder."""
    manager: Any = omni.kit.app.get_app().get_extension_manager()
    return Path(manager.get_extension_path(ext_id))


def has_window(wish: str) -> bool:
    """Whether to build the window: 'on', 'off', or 'auto' by whether Kit shows one and has omni.ui."""
    if wish != "auto":
        return wish == "on"
    if carb.settings.get_settings().get("/app/window/enabled") is False:
        return False
    return bool(omni.kit.app.get_app().get_extension_manager().is_extension_enabled("omni.kit.uiapp"))


def tell(text: str, *, level: str = "info") -> None:
    """One line in Kit's log: info, warn or error."""
    {"info": carb.log_info, "warn": carb.log_warn, "error": carb.log_error}[level](f"[teletwin] {text}")
