"""Faces of the environment towards other people's learners: one core, `HorizonEnv`, nothing computed anew.

Importing this loads nothing heavy; a face loads what it is made for when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teletwin_training.horizon.faces.horizon_task import make_horizon
from teletwin_training.horizon.faces.registered import HORIZON_ID, register_horizon
from teletwin_training.horizon.faces.rl_games_door import rl_games_env

if TYPE_CHECKING:
    from teletwin_training.horizon.faces.gymnasium_single import GymnasiumEnv
    from teletwin_training.horizon.faces.gymnasium_vector import GymnasiumVectorEnv
    from teletwin_training.horizon.faces.stable_baselines import StableBaselinesEnv

__all__ = [
    "HORIZON_ID",
    "GymnasiumEnv",
    "GymnasiumVectorEnv",
    "StableBaselinesEnv",
    "make_horizon",
    "register_horizon",
    "rl_games_env",
]

_MODULES = {
    "GymnasiumEnv": "gymnasium_single",
    "GymnasiumVectorEnv": "gymnasium_vector",
    "StableBaselinesEnv": "stable_baselines",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
