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
