"""What a page needs to draw the scene by itself: meshes as files, and numbers that are the renderer's own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from teletwin.assets import asset_path
from teletwin.palette import tint
from teletwin.robot.ur3e import HOME_Q, load_ur3e, tool_pose_in_ur_base
from teletwin.view import stage
from teletwin.view.camera import Camera
from teletwin.view.drawn_meshes import pack_meshes
from teletwin.view.light import Light
from teletwin.view.link_frames import BASE_TURN
from teletwin.view.shaders import MAX_FRAMES
from teletwin.view.solids import ARM, GHOST, OBJECTS, TARGET, SceneObject, object_solids

MEASURED_TINT = tint("real")
"""Of the translucent arm as it was measured."""
WITHOUT_TINT = tint("without")
"""Of the arm as it would stand without a forecast."""
GHOST_PUSH_M = 0.006
"""So far a translucent arm stands back from the eye, so that it hides in the twin."""
SHADOW_PIXELS = 768
SHADOW_SPREAD = 1.6 / SHADOW_PIXELS


@dataclass(frozen=True, kw_only=True)
class DrawnScene:
    """The numbers, told to each page as it comes, and the files that they name."""

    values: dict[str, object]
    files: dict[str, bytes]
    """By the name in their address, which has their hash: what was fetched once never changes."""


def drawn_scene(objects: Sequence[SceneObject]) -> DrawnScene:
    """The scene with these movable objects, in the order of their poses."""
    arm = asset_path("robots", "ur3e", "meshes", "drawn.bin").read_bytes()
    files = {_name("arm", arm): arm}
    things = pack_meshes([object_solids(objects)])
    files[_name("objects", things)] = things
    light, camera = Light(), Camera()
    values: dict[str, object] = {
        "meshes": [f"drawn/{name}" for name in files],
        "max_frames": MAX_FRAMES,
        "frames": {"arm": ARM, "ghost": GHOST, "target": TARGET, "objects": OBJECTS},
        "chain": _chain(),
        "light": {"direction": light.direction, "clip": light.clip_from_base().ravel()},
        "shadow": {"pixels": SHADOW_PIXELS, "spread": SHADOW_SPREAD},
        "stage": {
            "centre": stage.TABLE_CENTRE,
            "half": stage.TABLE_HALF_SIZE,
            "floor_z": stage.FLOOR_Z_M,
            "rays": stage.RAYS,
        },
        "camera": {field.name: getattr(camera, field.name) for field in fields(camera)},
        "tool": tool_pose_in_ur_base(HOME_Q)[:3],
        "ghosts": {"measured": MEASURED_TINT, "without": WITHOUT_TINT, "push_m": GHOST_PUSH_M},
    }
    return DrawnScene(values=values, files=files)


def _chain() -> dict[str, object]:
    """The moving part of the arm as numbers, for the forward kinematics of `link_frames`."""
    chain = load_ur3e().chain
    count = chain.joint_count
    return {
        "parents": list(chain.parents),
        "order": list(chain.order),
        "translations": chain.translations,
        "rotations": np.reshape(chain.rotations, (count, 9)),
        "axes": chain.axes,
        "turn": BASE_TURN,
    }


def _name(kind: str, data: bytes) -> str:
    return f"{kind}-{hashlib.sha256(data).hexdigest()[:16]}.bin"
