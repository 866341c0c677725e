"""Faces of the cells towards other people's learners, and MetaLore's own environment under its names.

Importing this loads nothing heavy; a face loads what it is made for when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teletwin_training.allocation.faces.allocation_task import make_allocation
from teletwin_training.allocation.faces.official_cells import OfficialCells
from teletwin_training.allocation.faces.registered import ALLOCATION_IDS, register_allocation
from teletwin_training.faces import rl_games_env

if TYPE_CHECKING:
    from teletwin_training.faces import GymnasiumEnv, GymnasiumVectorEnv, StableBaselinesEnv

__all__ = [
    "ALLOCATION_IDS",
    "GymnasiumEnv",
    "GymnasiumVectorEnv",
    "OfficialCells",
    "StableBaselinesEnv",
    "make_allocation",
    "register_allocation",
    "rl_games_env",
]


def __getattr__(name: str) -> Any:
    from teletwin_training import faces

    if name not in faces.MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(faces, name)
