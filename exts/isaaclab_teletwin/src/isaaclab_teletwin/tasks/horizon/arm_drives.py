"""The arms of Isaac Lab behind the controller's servo law: torch, warp and the simulator share the device's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import warp as wp
from numpy.typing import NDArray

from isaaclab_teletwin.tasks.horizon.settings import TICK_S
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES, JointLimits

if TYPE_CHECKING:
    from teletwin_training.horizon.lag_loops import LoopArrays


class ArmDrives:
    """The `Drives` of an articulation that somebody else steps: `command` before a tick, `read` after it.

    Args:
        robot: An `isaaclab.assets.Articulation` of UR3e arms.
        arrays: Of as many loops.
        leads: Whether the simulator's drives compare a target with the state at the beginning of a step (MuJoCo's do);
            the target is set back by a step then, or the joints would lead by one.
    """

    def __init__(self, robot: Any, arrays: LoopArrays, *, leads: bool) -> None:
        ids, _ = robot.find_joints(list(JOINT_NAMES), preserve_order=True)
        self._robot, self._leads = robot, leads
        self._measured = arrays.reals(arrays.count, len(JOINT_NAMES))
        self._reference, self._joints = wp.to_torch(arrays.loop.arm), wp.to_torch(self._measured.device)
        device = self._joints.device
        self._ids = torch.tensor(list(ids), dtype=torch.int32, device=device)
        self._columns = self._ids.long()
        self._home = torch.tensor(HOME_Q, dtype=torch.float32, device=device)
        self._most = torch.tensor(np.broadcast_to(JointLimits().velocity, len(HOME_Q)).copy(), device=device)
        self._target = self._home.double().repeat(arrays.count, 1)

    @property
    def joints(self) -> Any:
        """Joints (n, 6) as simulated [rad], on the device."""
        return self._measured.device

    def place(self, rows: NDArray[np.intp]) -> None:
        """Put these arms at rest at home; the others go on."""
        if not len(rows):
            return
        robot, command = self._robot, self._robot.actuators.target_command
        chosen = torch.tensor(rows, dtype=torch.int32, device=self._joints.device)
        at = self._home.repeat(len(rows), 1)
        where = {"joint_ids": self._ids, "env_ids": chosen}
        robot.write_joint_position_to_sim_index(position=at, **where)
        robot.write_joint_velocity_to_sim_index(velocity=torch.zeros_like(at), **where)
        command.set_position_index(value=at, **where)
        command.set_velocity_index(value=torch.zeros_like(at), **where)
        index = chosen.long()
        self._joints[index] = self._target[index] = self._home.double()

    def command(self) -> None:
        """Ask for the law's reference at the end of the coming tick."""
        speed = ((self._reference - self._target) / TICK_S).clamp(-self._most, self._most)
        self._target.copy_(self._reference)
        at = self._reference - TICK_S * speed if self._leads else self._reference
        command = self._robot.actuators.target_command
        command.set_position_index(value=at.float(), joint_ids=self._ids)
        command.set_velocity_index(value=speed.float(), joint_ids=self._ids)

    def step(self) -> None:
        """Isaac Lab steps all arms, between `command` and `read`."""

    def read(self) -> None:
        """Take the joints that the tick has brought."""
        self._joints.copy_(self._robot.data.joint_pos.torch[:, self._columns])
