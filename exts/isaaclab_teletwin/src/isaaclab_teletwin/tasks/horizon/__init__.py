"""Horizons that learn: how far ahead arm and picture look over a network, on a UR3e in Isaac Lab's physics."""

from __future__ import annotations

import gymnasium as gym

TASK = "Teletwin-UR3e-Horizon-Direct-v0"

gym.register(
    id=TASK,
    entry_point=f"{__name__}.horizon_env:HorizonEnv",
    disable_env_checker=True,
    kwargs={
        "env_cfg_entry_point": f"{__name__}.horizon_env_cfg:HorizonEnvCfg",
        "rl_games_cfg_entry_point": f"{__name__}.agents:rl_games_ppo_cfg.yaml",
        "rsl_rl_cfg_entry_point": f"{__name__}.agents.rsl_rl_ppo_cfg:HorizonPPORunnerCfg",
        "skrl_cfg_entry_point": f"{__name__}.agents:skrl_ppo_cfg.yaml",
    },
)
