"""Faces of our environments towards other people's learners; each is loaded when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teletwin_training.faces.core import FaceCore
from teletwin_training.faces.rl_games_door import rl_games_env

if TYPE_CHECKING:
    from teletwin_training.faces.gymnasium_single import GymnasiumEnv
    from teletwin_training.faces.gymnasium_vector import GymnasiumVectorEnv
    from teletwin_training.faces.stable_baselines import StableBaselinesEnv

__all__ = ["FaceCore", "GymnasiumEnv", "GymnasiumVectorEnv", "StableBaselinesEnv", "rl_games_env"]

MODULES = {
    "GymnasiumEnv": "gymnasium_single",
    "GymnasiumVectorEnv": "gymnasium_vector",
    "StableBaselinesEnv": "stable_baselines",
}
"""Where the classes are that need a package to be loaded."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
