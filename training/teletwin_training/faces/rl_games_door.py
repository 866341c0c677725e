"""The environment for who runs rl_games without us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teletwin_training.ppo.environment import VectorEnv
from teletwin_training.ppo.requirement import require_rl_games

if TYPE_CHECKING:
    from teletwin_training.ppo.face import VectorFace


def rl_games_env(env: VectorEnv, *, device: str = "cpu", mean: Any = None, scale: Any = None) -> VectorFace:
    """An `IVecEnv`: what a maker that is given to rl_games' `vecenv.register` shall return.

    ::

        vecenv.register("teletwin", lambda name, count, **_: rl_games_env(make_horizon(envs=count)))
        env_configurations.register("horizon", {"vecenv_type": "teletwin", "env_creator": lambda **_: None})

    With these, `env_name: horizon` stands in the configuration that a Runner loads.

    Args:
        env: A `HorizonEnv`, an `AllocationEnv`, or another `ppo.VectorEnv`.
        device: Where rl_games' tensors are.
        mean: What observations are centred on (n,), or None.
        scale: What they are divided by then (n,), or None. Either way they are clipped to +-5.

    Raises:
        ConfigError: mean and scale do not fit.
        MissingPartError: A package of the extra `[train]` is not installed.
    """
    require_rl_games()
    from teletwin_training.ppo.face import VectorFace

    return VectorFace(env, device=device, mean=mean, scale=scale)
