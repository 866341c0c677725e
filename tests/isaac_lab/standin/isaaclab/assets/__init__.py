"""`isaaclab.assets`: configurations, and an articulation with MuJoCo behind it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mujoco
import torch
from isaaclab.strict import cfg_class

from teletwin.robot.ur3e import JOINT_NAMES
from teletwin.sim.mujoco_batch import MujocoBatch

AssetBaseCfg = cfg_class("AssetBaseCfg", __name__, "prim_path spawn init_state")
ArticulationCfg = cfg_class("ArticulationCfg", __name__, "prim_path spawn init_state actuators")
ArticulationCfg.InitialStateCfg = cfg_class("InitialStateCfg", __name__, "pos rot joint_pos joint_vel")


class TargetCommand:
    def __init__(self, count: int) -> None:
        self.position, self.velocity = torch.zeros(count, 6), torch.zeros(count, 6)

    def set_position_index(self, *, value: Any, joint_ids: Any = None, env_ids: Any = None) -> None:
        put(self.position, value, joint_ids, env_ids)

    def set_velocity_index(self, *, value: Any, joint_ids: Any = None, env_ids: Any = None) -> None:
        put(self.velocity, value, joint_ids, env_ids)


class Articulation:
    """Joints stand in another order than the arm's own, as they may in a simulator."""

    ORDER = (2, 0, 1, 5, 4, 3)

    def __init__(self, cfg: Any, count: int) -> None:
        assert cfg.spawn.usd_path.endswith("ur3e.usda")
        self.joint_names = [JOINT_NAMES[i] for i in self.ORDER]
        assert set(cfg.actuators["arm"].joint_names_expr) == set(self.joint_names)
        self._batch = MujocoBatch(count)
        self.actuators = SimpleNamespace(target_command=TargetCommand(count))
        self.data = SimpleNamespace(joint_pos=SimpleNamespace(torch=torch.zeros(count, 6)))

    def find_joints(self, names: list[str], *, preserve_order: bool = False) -> tuple[list[int], list[str]]:
        assert preserve_order
        return [self.joint_names.index(name) for name in names], names

    def write_joint_position_to_sim_index(self, *, position: Any, joint_ids: Any = None, env_ids: Any = None) -> None:
        put(self.data.joint_pos.torch, position, joint_ids, env_ids)
        for row in env_ids.tolist():
            world = self._batch.worlds[row]
            world.reset(self.data.joint_pos.torch[row, self._places()].double().numpy())

    def write_joint_velocity_to_sim_index(self, *, velocity: Any, joint_ids: Any = None, env_ids: Any = None) -> None:
        assert float(velocity.abs().max()) == 0.0

    def step(self) -> None:
        command, places = self.actuators.target_command, self._places()
        for row, world in enumerate(self._batch.worlds):
            world.data.ctrl[:6] = command.position[row, places].double().numpy()
            world.data.ctrl[6:] = command.velocity[row, places].double().numpy()
            mujoco.mj_step(world.model, world.data)

    def update(self) -> None:
        for row, world in enumerate(self._batch.worlds):
            self.data.joint_pos.torch[row, self._places()] = torch.tensor(world.q, dtype=torch.float32)

    def _places(self) -> list[int]:
        return [self.ORDER.index(joint) for joint in range(6)]


def put(held: torch.Tensor, value: torch.Tensor, joint_ids: Any, env_ids: Any) -> None:
    """Isaac Lab's kernels take float32 values and int32 indices."""
    assert value.dtype is torch.float32
    rows = torch.arange(len(held), dtype=torch.int32) if env_ids is None else env_ids
    columns = torch.arange(held.shape[1], dtype=torch.int32) if joint_ids is None else joint_ids
    assert rows.dtype is torch.int32
    assert columns.dtype is torch.int32
    assert value.shape == (len(rows), len(columns))
    held[rows.long()[:, None], columns.long()[None]] = value
