"""Which USD of the UR3e stands in the scene: a given one, Isaac Sim's own, else the one that comes with teletwin."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.assets import asset_path

ISAAC_UR3E = "/Isaac/Robots/UniversalRobots/ur3e/ur3e.usd"


@dataclass(frozen=True, kw_only=True)
class RobotAsset:
    """A USD to reference."""

    url: str
    warning: str = ""
    """What the user should know about the choice; empty when it is the expected one."""


async def choose_robot(wish: str) -> RobotAsset:
    """The robot by wish: "teletwin" for ours, a path or URL for that one, empty for Isaac's with ours in reserve."""
    if wish and wish != "teletwin":
        return RobotAsset(url=wish)
    ours = str(asset_path("robots", "ur3e", "ur3e.usda"))
    if wish == "teletwin":
        return RobotAsset(url=ours)
    from isaacsim.storage.native import get_assets_root_path_async

    try:
        root = await get_assets_root_path_async()
    except RuntimeError as error:
        root, why = None, str(error).splitlines()[0] if str(error) else "not reachable"
    else:
        why = "not set"
    if not root:
        text = f"no Isaac Sim asset root ({why}); the UR3e that comes with teletwin stands in the scene instead"
        return RobotAsset(url=ours, warning=text)
    return RobotAsset(url=f"{root}{ISAAC_UR3E}")
