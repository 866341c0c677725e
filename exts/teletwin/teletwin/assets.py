"""Where the robot descriptions, meshes, scenes and policies lie, in a checkout or an installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

from teletwin.errors import ConfigError


def asset_path(*parts: str) -> Path:
    """Path of an asset by its parts, for example "robots", "ur3e", "ur3e.urdf".

    Raises:
        ConfigError: The file is not there.
    """
    here = Path(__file__).resolve()
    roots = [here.parent / "assets", here.parents[3] / "assets"]
    if "TELETWIN_ASSETS" in os.environ:
        roots.insert(0, Path(os.environ["TELETWIN_ASSETS"]))
    for root in roots:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ConfigError(
        "an asset is missing",
        given="/".join(parts),
        allowed=f"a file below {roots[-1]}",
        mend="use a complete checkout or wheel, or set TELETWIN_ASSETS to the assets folder",
    )


SCENES = {"table": ("scenes", "table.xml"), "bare": ("robots", "ur3e", "ur3e.xml")}
"""Scenes by name: with a table and things to push, and the arm alone."""


def scene_path(scene: str) -> Path:
    """The MJCF file of a scene, by its name or its path.

    Raises:
        ConfigError: There is no such scene.
    """
    path = asset_path(*SCENES[scene]) if scene in SCENES else Path(scene)
    if not path.is_file():
        raise ConfigError("the scene is not there", given=scene, allowed=f"{', '.join(SCENES)} or an MJCF file")
    return path
