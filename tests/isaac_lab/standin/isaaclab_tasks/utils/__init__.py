"""`isaaclab_tasks.utils`: presets, and a task's configuration with the default ones."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import gymnasium as gym
from isaaclab.strict import StrictCfg


class PresetCfg(StrictCfg):
    """Its fields are presets; the one called `default` is taken."""


def parse_env_cfg(task: str, *, device: str, num_envs: int) -> Any:
    module, _, name = gym.spec(task).kwargs["env_cfg_entry_point"].partition(":")
    cfg = getattr(import_module(module), name)()
    cfg.sim.device, cfg.scene.num_envs, cfg.sim.physics = device, num_envs, cfg.sim.physics.default
    cfg.seed = None
    return cfg
