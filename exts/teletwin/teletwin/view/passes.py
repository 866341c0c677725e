"""The steps that make one picture, each with its own program and buffers; all need a moderngl context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from teletwin.geometry import Array
from teletwin.view import stage
from teletwin.view.camera import Camera
from teletwin.view.drawn_scene import GHOST_PUSH_M, SHADOW_PIXELS, SHADOW_SPREAD
from teletwin.view.light import Light
from teletwin.view.lines import LINE_POINTS, LineStyle, write_line
from teletwin.view.lines import VERTEX_DTYPE as LINE_DTYPE
from teletwin.view.lines import VERTEX_FORMAT as LINE_FORMAT
from teletwin.view.lines import VERTEX_NAMES as LINE_NAMES
from teletwin.view.shaders import shader_source
from teletwin.view.solids import GHOST, VERTEX_FORMAT, VERTEX_NAMES, Solids

Program = Any
FRAMES_BINDING = 0
SHADOW_DEPTH_UNIT, SHADOW_COVER_UNIT, PICTURE_UNIT = 0, 1, 2
CASTER_FORMAT, CASTER_NAMES = "3f 12x 4f1", ("in_position", "in_colour")


def set_uniform(program: Program, name: str, value: object) -> None:
    """Set a uniform from a number, vector or matrix; one that the compiler removed is skipped."""
    if name not in program:
        return
    member = program[name]
    array = np.asarray(value)
    if array.ndim == 2:
        member.write(np.ascontiguousarray(array.T, dtype=np.float32).tobytes())  # OpenGL stores columns
    else:
        member.value = tuple(array.tolist()) if array.ndim else array.item()


def make_program(gl: Any, vertex: str, fragment: str) -> Program:
    """A program of two shaders by their names."""
    return gl.program(vertex_shader=shader_source(vertex), fragment_shader=shader_source(fragment))


def solid_array(gl: Any, program: Program, solids: Solids, layout: str, names: tuple[str, ...]) -> Any:
    """A vertex array of solids, bound to the block of matrices where the program has it."""
    if "Frames" in program:
        program["Frames"].binding = FRAMES_BINDING
    vertices = gl.buffer(solids.vertices().tobytes())
    return gl.vertex_array(program, [(vertices, layout, *names)], gl.buffer(solids.indices().tobytes()), 4)


class StagePass:
    """Traces table, floor and backdrop with their depth."""

    def __init__(self, gl: Any) -> None:
        self._program = make_program(gl, "stage.vert", "stage.frag")
        self._array = gl.vertex_array(self._program, [])
        for name, value in (
            ("table_centre", stage.TABLE_CENTRE),
            ("table_half", stage.TABLE_HALF_SIZE),
            ("floor_z", stage.FLOOR_Z_M),
            ("grid", stage.RAYS),
        ):
            set_uniform(self._program, name, value)

    def draw(self, camera: Camera, light: Light, width: int, height: int) -> None:
        """Draw into the frame buffer in use; depth test must pass always."""
        half = np.tan(0.5 * np.radians(camera.vertical_fov_deg))
        set_uniform(self._program, "eye", camera.eye)
        set_uniform(self._program, "view_to_base", camera.view_to_base)
        set_uniform(self._program, "tangent", (half * width / height, half))
        set_uniform(self._program, "size", (float(width), float(height)))
        set_uniform(self._program, "clip_from_base", camera.clip_from_base(width / height))
        set_uniform(self._program, "light", light.direction)
        self._array.render(mode=gl_triangles(), vertices=3)


def gl_triangles() -> int:
    """OpenGL's number for a list of triangles."""
    return 0x0004


def gl_strip() -> int:
    """OpenGL's number for a strip of triangles."""
    return 0x0005


class ShadowPass:
    """The lamp's view of what throws shadows: depth for the solids, cover for the table."""

    def __init__(self, gl: Any, casters: Solids, light: Light) -> None:
        size = (SHADOW_PIXELS, SHADOW_PIXELS)
        self.depth = gl.depth_texture(size)
        self.depth.compare_func = "<="
        self.depth.repeat_x = self.depth.repeat_y = False
        self.cover = gl.texture(size, 1)
        self.cover.repeat_x = self.cover.repeat_y = False
        self._target = gl.framebuffer([self.cover], self.depth)
        self._program = make_program(gl, "caster.vert", "caster.frag")
        self._array = solid_array(gl, self._program, casters, CASTER_FORMAT, CASTER_NAMES)
        set_uniform(self._program, "light_from_base", light.clip_from_base())
        self._table = make_program(gl, "table_shadow.vert", "table_shadow.frag")
        self._quad = gl.vertex_array(self._table, [])
        set_uniform(self._table, "light_from_base", light.clip_from_base())
        set_uniform(self._table, "cover", SHADOW_COVER_UNIT)
        set_uniform(self._table, "spread", SHADOW_SPREAD)

    def draw_map(self) -> None:
        """Draw depth and cover from the matrices bound now."""
        self._target.use()
        self._target.clear()
        self._array.render()
        self.depth.use(SHADOW_DEPTH_UNIT)
        self.cover.use(SHADOW_COVER_UNIT)

    def set_view(self, clip_from_base: Array) -> None:
        """Take over the camera's clip matrix (4, 4)."""
        set_uniform(self._table, "clip_from_base", clip_from_base)

    def draw_on_table(self, fallen: Array) -> None:
        """Darken the table inside the box of the points (n, 2) [m] where shadows fall; blending multiplies."""
        middle, half = np.array(stage.TABLE_CENTRE[:2]), np.array(stage.TABLE_HALF_SIZE[:2])
        low = np.clip(fallen.min(axis=0) - 0.01, middle - half, middle + half)
        high = np.clip(fallen.max(axis=0) + 0.01, middle - half, middle + half)
        set_uniform(self._table, "area", (*low, *high))
        self._quad.render(mode=gl_strip(), vertices=4)


class SolidPass:
    """Arm, target and objects, lit; and the translucent second arm."""

    def __init__(self, gl: Any, solids: Solids, ghost: Solids, light: Light, ghost_tint: tuple[float, ...]) -> None:
        self._solid = make_program(gl, "solid.vert", "solid.frag")
        self._ghost = make_program(gl, "solid.vert", "ghost.frag")
        self._solid_array = solid_array(gl, self._solid, solids, VERTEX_FORMAT, VERTEX_NAMES)
        names = tuple(name for name in VERTEX_NAMES if name in self._ghost)
        self._ghost_array = solid_array(gl, self._ghost, ghost, VERTEX_FORMAT, names)
        self._ghost_ranges = ghost.ranges()
        for program in (self._solid, self._ghost):
            set_uniform(program, "light", light.direction)
            set_uniform(program, "light_from_base", light.clip_from_base())
        set_uniform(self._solid, "shadow_map", SHADOW_DEPTH_UNIT)
        set_uniform(self._ghost, "first_frame", GHOST)
        set_uniform(self._ghost, "push_m", GHOST_PUSH_M)
        set_uniform(self._ghost, "tint", ghost_tint)

    def set_view(self, camera: Camera, clip_from_base: Array) -> None:
        """Take over the camera and its clip matrix (4, 4)."""
        for program in (self._solid, self._ghost):
            set_uniform(program, "eye", camera.eye)
            set_uniform(program, "clip_from_base", clip_from_base)

    def draw(self, *, shadowed: bool, marked: int = 0) -> None:
        """Draw what is solid; bit k of `marked` shows frame k in amber."""
        set_uniform(self._solid, "shadowed", shadowed)
        set_uniform(self._solid, "marked", marked)
        self._solid_array.render()

    def draw_ghost(self, order: Sequence[int]) -> None:
        """Draw the ghost's links, given nearest first so that each pixel shows one layer only."""
        for link in order:
            first, count = self._ghost_ranges[link]
            self._ghost_array.render(vertices=count, first=first)


class LinePass:
    """Traces and the forecast curve."""

    def __init__(self, gl: Any, styles: Sequence[LineStyle]) -> None:
        self._styles = list(styles)
        self._vertices = np.zeros(2 * LINE_POINTS, dtype=LINE_DTYPE)
        self._program = make_program(gl, "line.vert", "line.frag")
        self._buffer = gl.buffer(reserve=self._vertices.nbytes, dynamic=True)
        self._array = gl.vertex_array(self._program, [(self._buffer, LINE_FORMAT, *LINE_NAMES)])
        self._scale = 1.0

    def set_view(self, clip_from_base: Array, width: int, height: int) -> None:
        """Take over the camera's clip matrix (4, 4) and the size of the picture [pixels]."""
        set_uniform(self._program, "clip_from_base", clip_from_base)
        set_uniform(self._program, "size", (float(width), float(height)))
        self._scale = height / 360.0

    def draw(self, number: int, points: Array) -> None:
        """Draw line `number` through points (n, 3) [m]."""
        count = write_line(self._vertices, points, self._styles[number])
        if count == 0:
            return
        style = self._styles[number]
        self._buffer.write(self._vertices[:count])
        set_uniform(self._program, "tint", style.tint)
        set_uniform(self._program, "half_width", style.halo_px * self._scale)
        set_uniform(self._program, "core", style.core_px * self._scale)
        self._array.render(mode=gl_strip(), vertices=count)


class SmoothPass:
    """Softens the stairs along edges inside a rectangle of the picture."""

    def __init__(self, gl: Any) -> None:
        self._program = make_program(gl, "screen.vert", "smooth.frag")
        self._array = gl.vertex_array(self._program, [])
        set_uniform(self._program, "picture", PICTURE_UNIT)

    def draw(self, picture: Any) -> None:
        """Draw the smoothed `picture` (a texture) into the frame buffer in use."""
        picture.use(PICTURE_UNIT)
        set_uniform(self._program, "texel", (1.0 / picture.width, 1.0 / picture.height))
        self._array.render(mode=gl_triangles(), vertices=3)
