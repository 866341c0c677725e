"""The picture of the twin: a meshed UR3e over its table, drawn without a screen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array, quat_to_matrix
from teletwin.palette import tint
from teletwin.view import SceneState
from teletwin.view.camera import Camera
from teletwin.view.drawn_scene import MEASURED_TINT
from teletwin.view.gl_context import create_context
from teletwin.view.light import Light
from teletwin.view.lines import LineStyle
from teletwin.view.link_frames import link_frames
from teletwin.view.shaders import MAX_FRAMES
from teletwin.view.solids import ARM, GHOST, OBJECTS, TARGET, SceneObject, casting_solids, ghost_solids, visible_solids

Picture = NDArray[np.uint8]

TRACE_STYLE = LineStyle(tint=tint("with"), core_px=1.3, halo_px=5.0, fade_old=0.3)
GHOST_TRACE_STYLE = LineStyle(tint=tint("real"), core_px=0.9, halo_px=3.5, opacity=0.9, fade_old=0.3)
FORECAST_STYLE = LineStyle(tint=(0.85, 0.95, 1.0), core_px=1.1, halo_px=4.0, fade_new=0.9)
_OPAQUE_BLEND = (0x0302, 0x0303)  # source alpha, one minus source alpha
_MULTIPLY_BLEND = (0x0306, 0)  # destination colour, zero
_KEPT_SIZES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Targets:
    """What pictures of one size are drawn into; everything here is the graphics library's but the picture."""

    picture: Picture
    main: Any
    still: Any
    unsmoothed: Any
    copy: Any
    rest: tuple[Any, ...]

    def release(self) -> None:
        """Free the memory."""
        for thing in (self.main, self.still, self.unsmoothed, self.copy, *self.rest):
            thing.release()


class Renderer:
    """Draws SceneStates into one reused RGB array; belongs to the thread that made it.

    Usage::

        with Renderer(640, 360, objects=objects) as renderer:
            picture = renderer.render(state)  # (360, 640, 3) uint8, overwritten by the next call

    Raises:
        MissingPartError: EGL or the OpenGL driver is not installed (the apt packages are named).
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        shadow: bool = True,
        smooth: bool = True,
        objects: Sequence[SceneObject] = (),
        camera: Camera | None = None,
    ) -> None:
        if len(objects) > MAX_FRAMES - OBJECTS:
            raise ConfigError("too many objects", given=len(objects), allowed=f"at most {MAX_FRAMES - OBJECTS}")
        self.shadow = shadow
        """Whether things throw shadows; may change between pictures."""
        self.smooth = smooth
        """Whether edges are smoothed; may change between pictures."""
        self.camera = camera or Camera()
        self._objects = tuple(objects)
        self._frames = np.zeros((MAX_FRAMES, 4, 4))
        self._frames_gl = np.zeros((MAX_FRAMES, 4, 4), dtype=np.float32)
        self._targets: OrderedDict[tuple[int, int], _Targets] = OrderedDict()
        self.gl = create_context()
        try:
            self._make_passes()
            self.resize(width, height)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the context; the renderer cannot be used afterwards."""
        self.gl.release()

    def resize(self, width: int, height: int) -> None:
        """Change the size of the picture [pixels]; a new one is traced anew (a fraction of a second), four are kept."""
        if not (64 <= width <= 3840 and 64 <= height <= 2160 and width % 2 == 0 and height % 2 == 0):
            raise ConfigError("a picture of this size", given=f"{width}x{height}", allowed="even, 64x64 ... 3840x2160")
        self.width, self.height = width, height
        kept = self._targets.get((width, height))
        targets = self._targets[width, height] = kept or self._make_targets()
        self._targets.move_to_end((width, height))
        self._picture, self._main, self._still = targets.picture, targets.main, targets.still
        self._unsmoothed, self._copy = targets.unsmoothed, targets.copy
        self._set_view()
        if kept is None:
            self._trace_stage()
        while len(self._targets) > _KEPT_SIZES:
            self._targets.popitem(last=False)[1].release()

    def render(self, state: SceneState) -> Picture:
        """Draw one state; returns (height, width, 3) RGB whose memory the next call reuses."""
        self.draw(state)
        return self.read()

    def read(self) -> Picture:
        """Read the drawn picture back; its first row is the top."""
        self._main.read_into(self._picture, components=3, alignment=1)
        return self._picture

    def draw(self, state: SceneState) -> None:
        """Draw one state without reading it back."""
        with np.errstate(invalid="ignore"):  # a state that is not finite costs its picture, nothing else
            self._place(state)
        self.gl.enable_only(self.gl.DEPTH_TEST)
        if self.shadow:
            self._shadow.draw_map()  # both sides of every triangle, so that cracks let no light through
        self.gl.enable(self.gl.CULL_FACE)
        self.gl.copy_framebuffer(self._main, self._still)
        self._main.use()
        self.gl.front_face = "cw"  # the picture's y axis points down
        if self.shadow:
            self._draw_table_shadow()
        self._solid.draw(shadowed=self.shadow, marked=sum(1 << (ARM + link) for link in state.held_links))
        self._draw_translucent(state)
        self.gl.front_face = "ccw"
        if self.smooth:
            self._smooth_edges(state)

    def _make_passes(self) -> None:
        from teletwin.view import passes

        light = Light()
        seen, casters = visible_solids(self._objects), casting_solids(self._objects)
        self._light = light
        self._corners, self._corner_frames = casters.corners(), np.array(casters.frames)
        self._block = self.gl.buffer(reserve=self._frames_gl.nbytes, dynamic=True)
        self._block.bind_to_uniform_block(passes.FRAMES_BINDING)
        self._stage = passes.StagePass(self.gl)
        self._shadow = passes.ShadowPass(self.gl, casters, light)
        self._solid = passes.SolidPass(self.gl, seen, ghost_solids(), light, MEASURED_TINT)
        self._line = passes.LinePass(self.gl, (TRACE_STYLE, GHOST_TRACE_STYLE, FORECAST_STYLE))
        self._edges = passes.SmoothPass(self.gl)
        self._shadow.depth.use(passes.SHADOW_DEPTH_UNIT)

    def _make_targets(self) -> _Targets:
        size = (self.width, self.height)
        colour, copy, still = (self.gl.texture(size, 4) for _ in range(3))
        depths = [self.gl.depth_renderbuffer(size), self.gl.depth_renderbuffer(size)]
        return _Targets(
            picture=np.zeros((self.height, self.width, 3), dtype=np.uint8),
            main=self.gl.framebuffer([colour], depths[0]),
            still=self.gl.framebuffer([still], depths[1]),
            unsmoothed=self.gl.framebuffer([copy]),
            copy=copy,
            rest=(colour, still, *depths),
        )

    def _set_view(self) -> None:
        clip = self.camera.clip_from_base(self.width / self.height)
        self._shadow.set_view(clip)
        self._solid.set_view(self.camera, clip)
        self._line.set_view(clip, self.width, self.height)

    def _trace_stage(self) -> None:
        self._still.use()
        self._still.clear()
        self.gl.enable_only(self.gl.DEPTH_TEST)
        self.gl.depth_func = "1"
        self._stage.draw(self.camera, self._light, self.width, self.height)
        self.gl.depth_func = "<="

    def _place(self, state: SceneState) -> None:
        """Write the matrices of everything that moves into the uniform block."""
        arms = state.q[None] if state.q_ghost is None else np.stack([state.q, state.q_ghost])
        poses = link_frames(arms)
        self._frames[ARM : ARM + 7] = poses[0]
        if state.q_ghost is not None:
            self._frames[GHOST : GHOST + 7] = poses[1]
        self._frames[TARGET] = 0.0 if state.target is None else _matrices(state.target)
        count = min(len(state.object_poses), len(self._objects))
        if count:
            self._frames[OBJECTS : OBJECTS + count] = _matrices(state.object_poses[:count])
        self._placed = _transform(self._frames[self._corner_frames], self._corners)
        self._frames_gl[:] = self._frames.transpose(0, 2, 1)  # OpenGL stores columns
        self._block.write(self._frames_gl)

    def _draw_table_shadow(self) -> None:
        self.gl.enable(self.gl.BLEND)
        self.gl.disable(self.gl.CULL_FACE)
        self.gl.blend_func = _MULTIPLY_BLEND
        self._main.depth_mask = False
        self._shadow.draw_on_table(self._light.fall_on_table(self._placed).reshape(-1, 2))
        self._main.depth_mask = True
        self.gl.blend_func = _OPAQUE_BLEND
        self.gl.disable(self.gl.BLEND)
        self.gl.enable(self.gl.CULL_FACE)

    def _draw_translucent(self, state: SceneState) -> None:
        self.gl.enable(self.gl.BLEND)
        if state.q_ghost is not None:
            middles = self._frames[GHOST + 1 : GHOST + 7, :3, 3]
            order = np.argsort(np.linalg.norm(middles - np.asarray(self.camera.eye), axis=1))
            self._solid.draw_ghost(order.tolist())
        self.gl.disable(self.gl.CULL_FACE)
        self._main.depth_mask = False
        self._line.draw(1, state.ghost_trace)
        self._line.draw(0, state.trace)
        if state.forecast is not None:
            self._line.draw(2, state.forecast)
        self._main.depth_mask = True
        self.gl.disable(self.gl.BLEND)

    def _smooth_edges(self, state: SceneState) -> None:
        """Smooth the rectangles that hold the arms and each object; the still part was traced smooth."""
        arms = [self._placed[:7]]
        if state.q_ghost is not None:
            arms.append(_transform(self._frames[GHOST + 1 : GHOST + 7], self._corners[1:7]))
        self.gl.copy_framebuffer(self._unsmoothed, self._main)
        self._main.use()
        self.gl.enable_only(self.gl.NOTHING)
        for points in (np.concatenate(arms).reshape(-1, 3), *self._placed[7:]):
            self._main.scissor = self._rectangle(points)
            self._edges.draw(self._copy)
        self._main.scissor = None

    def _rectangle(self, points: Array) -> tuple[int, int, int, int]:
        """Left, top, width and height [pixels] of what holds the points (n, 3), two pixels wider."""
        pixels = np.nan_to_num(self.camera.project(points, self.width, self.height))
        size = (self.width, self.height)
        left, top = np.clip(np.floor(pixels.min(axis=0)) - 2, 0, size).astype(int).tolist()
        right, end = np.clip(np.ceil(pixels.max(axis=0)) + 2, 0, size).astype(int).tolist()
        return left, top, max(right - left, 0), max(end - top, 0)


def _matrices(poses: Array) -> Array:
    """Homogeneous matrices (..., 4, 4) of poses (..., 7)."""
    out = np.zeros((*poses.shape[:-1], 4, 4))
    out[..., :3, :3] = quat_to_matrix(poses[..., 3:])
    out[..., :3, 3] = poses[..., :3]
    out[..., 3, 3] = 1.0
    return out


def _transform(matrices: Array, points: Array) -> Array:
    """Points (m, k, 3), each group moved by its matrix (m, 4, 4)."""
    return points @ matrices[:, :3, :3].transpose(0, 2, 1) + matrices[:, None, :3, 3]
