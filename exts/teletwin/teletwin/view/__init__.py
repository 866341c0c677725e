"""What the operator sees: renderer, encoder, the page and its server."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.geometry import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneState:
    """Everything one picture shows; UR base frame, metres, radians."""

    q: Array
    """Joints of the rendered arm (6,)."""
    q_ghost: Array | None
    """Measured joints of the real arm (6,), drawn translucent; None when not known."""
    object_poses: Array
    """(m, 7)."""
    target: Array | None
    """Tool target (7,), drawn as a small frame."""
    forecast: Array | None
    """Positions of the forecast curve (k, 3)."""
    trace: Array
    """Positions drawn by the rendered tool, oldest first (n, 3)."""
    ghost_trace: Array
    """Positions drawn by the real arm's tool (n, 3)."""
    held_links: tuple[int, ...] = ()
    """Links of the rendered arm, 0 the base ... 6 wrist 3, that hold it back; drawn in amber."""
    q_without: Array | None = None
    """Joints of the arm as it would stand without a forecast (6,); None when not known."""
    horizon_s: float = 0.0
    """How far ahead of the hand's newest pose the rendered arm is."""
    ahead_s: float = 0.0
    """How long after it is ready the picture is expected on the screen."""
    ghost_age_s: float = 0.0
    """How long ago the real arm's joints were heard."""
