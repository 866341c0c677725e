"""The part of the picture that never moves: table, floor and backdrop, ray traced once per size (`stage.frag`)."""

from __future__ import annotations

TABLE_CENTRE = (-0.20, 0.0, -0.02)
TABLE_HALF_SIZE = (0.45, 0.55, 0.02)
"""The table of assets/scenes/table.xml [m]; its top is z = 0 of the UR base frame."""
FLOOR_Z_M = -0.75
RAYS = 4
"""RAYS x RAYS rays a pixel."""
