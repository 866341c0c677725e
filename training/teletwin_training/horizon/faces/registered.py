"""The environment under a name that gymnasium knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teletwin_training.faces.gymnasium_single import GymnasiumEnv
    from teletwin_training.faces.gymnasium_vector import GymnasiumVectorEnv

HORIZON_ID = "teletwin/Horizon-v0"
"""For `gymnasium.make` and `gymnasium.make_vec`, once `register_horizon` was called."""


def register_horizon() -> str:
    """Make gymnasium know the environment; calling it again changes nothing. Returns the id."""
    import gymnasium

    if HORIZON_ID not in gymnasium.registry:
        gymnasium.register(HORIZON_ID, entry_point=make_single, vector_entry_point=make_vector)
    return HORIZON_ID


def make_single(**settings: Any) -> GymnasiumEnv:
    """One environment; settings as for `make_horizon`."""
    from teletwin_training.faces.gymnasium_single import GymnasiumEnv
    from teletwin_training.horizon.faces.horizon_task import make_horizon

    return GymnasiumEnv(make_horizon(envs=1, **settings))


def make_vector(*, num_envs: int, **settings: Any) -> GymnasiumVectorEnv:
    """Many environments in one; settings as for `make_horizon`."""
    from teletwin_training.faces.gymnasium_vector import GymnasiumVectorEnv
    from teletwin_training.horizon.faces.horizon_task import make_horizon

    return GymnasiumVectorEnv(make_horizon(envs=num_envs, **settings))
