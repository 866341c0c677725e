"""Faces of the environment towards other people's learners: one core, `HorizonEnv`, nothing computed anew.

Importing this loads nothing heavy; a face loads what it is made for when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teletwin_training.faces import rl_games_env
from teletwin_training.horizon.faces.horizon_task import make_horizon
from teletwin_training.horizon.faces.registered import HORIZON_ID, register_horizon

if TYPE_CHECKING:
    from teletwin_training.faces import GymnasiumEnv, GymnasiumVectorEnv, StableBaselinesEnv

__all__ = [
    "HORIZON_ID",
    "GymnasiumEnv",
    "GymnasiumVectorEnv",
    "StableBaselinesEnv",
    "make_horizon",
    "register_horizon",
    "rl_games_env",
]


def __getattr__(name: str) -> Any:
    from teletwin_training import faces

    if name not in faces.MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(faces, name)
