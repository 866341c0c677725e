"""`isaaclab.envs`: the direct workflow's order of calls."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import torch

from isaaclab.assets import Articulation
from isaaclab.strict import cfg_class

DirectRLEnvCfg = cfg_class(
    "DirectRLEnvCfg",
    __name__,
    "seed decimation is_finite_horizon episode_length_s scene sim events observation_space action_space state_space"
    " log_dir compute_final_obs",
)


class Scene:
    def __init__(self, cfg: Any) -> None:
        self.num_envs = cfg.num_envs
        self._robot = Articulation(cfg.robot, cfg.num_envs)

    def __getitem__(self, name: str) -> Articulation:
        return {"robot": self._robot}[name]


class DirectRLEnv(gym.Env):
    folds = False
    """Whether the physics makes all steps of an action at once, as Newton may."""

    def __init__(self, cfg: Any, render_mode: str | None = None, **kwargs: Any) -> None:
        self.cfg = cfg
        self.sim = SimpleNamespace(device=cfg.sim.device)
        self.scene = Scene(cfg.scene)
        self._physics_handles_decimation = self.folds
        self.extras: dict[str, Any] = {}
        self.episode_length_buf = torch.zeros(self.num_envs, dtype=torch.long)
        self.reset_terminated = torch.zeros(self.num_envs, dtype=torch.bool)
        self.reset_time_outs = torch.zeros_like(self.reset_terminated)
        self.single_observation_space = gym.spaces.Dict(
            {"policy": gym.spaces.Box(-math.inf, math.inf, (cfg.observation_space,))}
        )
        self.single_action_space = gym.spaces.Box(-math.inf, math.inf, (cfg.action_space,))

    @property
    def num_envs(self) -> int:
        return self.scene.num_envs

    @property
    def device(self) -> str:
        return self.sim.device

    @staticmethod
    def seed(seed: int = -1) -> int:
        torch.manual_seed(seed)
        return seed

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.seed(seed)
        self._reset_idx(torch.arange(self.num_envs, dtype=torch.int32))
        return self._get_observations(), self.extras

    def step(self, action: torch.Tensor) -> tuple[Any, ...]:
        self._pre_physics_step(action.to(self.device))
        for _ in range(self.cfg.decimation):
            self._apply_action()
            self.scene["robot"].step()
            self.scene["robot"].update()
        self.episode_length_buf += 1
        self.reset_terminated[:], self.reset_time_outs[:] = self._get_dones()
        reward = self._get_rewards()
        ended = (self.reset_terminated | self.reset_time_outs).nonzero(as_tuple=False).squeeze(-1).int()
        if len(ended):
            self._reset_idx(ended)
        return self._get_observations(), reward, self.reset_terminated, self.reset_time_outs, self.extras

    def _reset_idx(self, env_ids: Any) -> None:
        self.episode_length_buf[env_ids.long()] = 0

    def close(self) -> None:
        del self.scene
