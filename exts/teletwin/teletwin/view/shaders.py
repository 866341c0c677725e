"""The GLSL that draws pictures, here and in the page: one source for both, under `page/glsl`.

Only the head differs: version and precision. Colours are linear until the last line of a shader, which takes a square
root as display gamma.
"""

from __future__ import annotations

from pathlib import Path

MAX_FRAMES = 48
"""Matrices that one picture may use: two arms, the target and the objects."""
_FOLDER = Path(__file__).parent / "page" / "glsl"
_HEAD = f"#version 330\n#define MAX_FRAMES {MAX_FRAMES}\n"


def shader_source(name: str) -> str:
    """The source of a shader by its name, "solid.vert" for example, with the head for OpenGL 3.3."""
    return _HEAD + (_FOLDER / f"{name}.glsl").read_text(encoding="utf-8")
