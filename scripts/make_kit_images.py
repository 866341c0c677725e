"""Draw the extension's icon and preview image (exts/teletwin/data) with teletwin's own renderer."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.sim.mujoco_world import MujocoWorld
from teletwin.view import SceneState
from teletwin.view.camera import Camera
from teletwin.view.renderer import Renderer, SceneObject

DATA = Path(__file__).resolve().parents[1] / "exts" / "teletwin" / "data"
ICON_PX = 256
PREVIEW_PX = (1280, 720)
OVERSAMPLING = 2
_SIZES = {"box": 3, "cylinder": 2, "sphere": 1}


def main() -> None:
    """Write both files."""
    DATA.mkdir(exist_ok=True)
    scene = _scene()
    width, height = PREVIEW_PX
    write_png(DATA / "preview.png", _draw(scene, width, height, Camera(), with_objects=True))
    near = Camera(eye=(-1.0, -0.62, 0.5), look_at=(-0.2, -0.05, 0.19), vertical_fov_deg=30.0)
    icon = _draw(scene, ICON_PX, ICON_PX, near, with_objects=False)
    write_png(DATA / "icon.png", np.dstack([icon, _rounded(ICON_PX)]))


def _scene() -> SceneState:
    """The twin ahead of the arm that follows it, with the lines that they draw."""
    t = np.linspace(0.0, 2.6, 120)[:, None]
    home = tool_pose_in_ur_base(HOME_Q)[:3]
    line = home + np.hstack([0.05 * np.sin(2.2 * t), 0.09 * np.sin(4.4 * t), 0.03 * np.cos(1.5 * t)])
    q = HOME_Q + np.array([0.16, 0.05, -0.06, 0.02, 0.0, 0.2])
    return SceneState(
        q=q,
        q_ghost=HOME_Q,
        object_poses=MujocoWorld().object_poses,
        target=tool_pose_in_ur_base(q),
        forecast=None,
        trace=line,
        ghost_trace=line[:90] + np.array([0.0, 0.0, -0.006]),
    )


def _draw(scene: SceneState, width: int, height: int, camera: Camera, *, with_objects: bool) -> np.ndarray:
    """RGB (height, width, 3) uint8, drawn larger and averaged."""
    world = MujocoWorld().objects if with_objects else ()
    objects = [SceneObject(kind=o.kind, size=o.size[: _SIZES[o.kind]], colour=o.colour) for o in world]
    poses: Array = scene.object_poses if with_objects else np.zeros((0, 7))
    shown = SceneState(
        q=scene.q,
        q_ghost=scene.q_ghost,
        object_poses=poses,
        target=scene.target if with_objects else None,
        forecast=None,
        trace=scene.trace,
        ghost_trace=scene.ghost_trace,
    )
    k = OVERSAMPLING
    with Renderer(k * width, k * height, shadow=True, objects=objects, camera=camera) as renderer:
        large = renderer.render(shown).astype(np.float64)
    return large.reshape(height, k, width, k, 3).mean(axis=(1, 3)).round().astype(np.uint8)


def _rounded(size: int) -> np.ndarray:
    """Alpha (size, size) uint8 of a square with round corners."""
    radius = 0.16 * size
    at = np.abs(np.arange(size) + 0.5 - 0.5 * size) - (0.5 * size - radius)
    outside = np.hypot(np.maximum(at[:, None], 0.0), np.maximum(at[None], 0.0)) - radius
    return (255.0 * np.clip(0.5 - outside, 0.0, 1.0)).round().astype(np.uint8)


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write uint8 pixels (height, width, 3 or 4) as a PNG file."""
    height, width, channels = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    filtered = np.zeros((height, 1 + width * channels), dtype=np.uint8)
    rows = picture.reshape(height, -1).astype(np.int16)
    filtered[:, 0] = 2  # each row as its difference to the one above
    filtered[:, 1:] = np.diff(rows, axis=0, prepend=np.zeros((1, width * channels), dtype=np.int16)).astype(np.uint8)
    body = zlib.compress(filtered.tobytes(), 9)
    parts = [_chunk(b"IHDR", header), _chunk(b"IDAT", body), _chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    main()
