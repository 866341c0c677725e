"""The shown arm as a PhysX articulation in Kit's stage, behind `sim.World`; world frame = UR base frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.kit.drive_arrays import DriveArrays
from teletwin.kit.drives import apply_drives
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES, JointLimits

_DRIVE_SPEED_RAD_S = JointLimits().velocity


class IsaacWorld:
    """Takes targets from the rendering function, hands them to PhysX once a physics step, reads back what moved.

    Kit steps the physics. `step` only notes the target; `flush` before a physics step commands it, `refresh`
    reads the state that the last step left. Before `attach` the arm is thought to be at its target.
    """

    def __init__(self) -> None:
        self._articulation: Any = None
        self._bodies: Any = None
        self._drives: DriveArrays | None = None
        self._target, self._velocity = HOME_Q.copy(), np.zeros(6)
        self._q, self._qd = HOME_Q.copy(), np.zeros(6)
        self._poses = np.zeros((0, 7))
        self._start_poses = self._poses
        self._wish: Array | None = HOME_Q.copy()
        self.time_scale = 1.0
        """Wall time that passes in a unit of simulated time; PhysX counts speeds in the latter."""

    def attach(self, articulation: Any, bodies: Any = None) -> None:
        """Take the arm and the movable things of a simulation that has just become ready; the arm gets its drives.

        Args:
            articulation: An `isaacsim.core.experimental.prims.Articulation` with one robot.
            bodies: A `RigidPrim` over the movable objects, in order; None when there are none.

        Raises:
            RobotError: The articulation is not a UR3e.
        """
        index = _joint_index(articulation)
        apply_drives(articulation, index)
        self._drives = DriveArrays(index)
        self._articulation, self._bodies = articulation, bodies
        self._poses = self._start_poses = self._read_poses()
        self._wish = self._target.copy()

    def detach(self) -> None:
        """The simulation ends: from now on nothing is read or commanded."""
        self._articulation = self._bodies = None

    @property
    def is_attached(self) -> bool:
        """Whether a simulated arm is there and its data can be read."""
        return self._articulation is not None and bool(self._articulation.is_physics_tensor_entity_valid())

    def reset(self, q: Array) -> None:
        """Put the arm at q [rad] (6,), at rest, and every object at its place, before the next physics step."""
        self._target, self._velocity = np.array(q, dtype=np.float64), np.zeros(6)
        self._q, self._qd = self._target.copy(), np.zeros(6)
        self._wish = self._target.copy()

    def step(self, q_target: Array, dt_s: float) -> None:
        """Drive the joints towards q_target [rad] (6,) for dt_s [s]; Kit's next physics step does it."""
        speed = (q_target - self._target) / dt_s
        self._velocity = np.clip(speed, -_DRIVE_SPEED_RAD_S, _DRIVE_SPEED_RAD_S)
        self._target = np.array(q_target, dtype=np.float64)
        if self._articulation is None:
            self._q, self._qd = self._target.copy(), self._velocity.copy()

    def refresh(self) -> None:
        """Read joints and objects as the last physics step left them."""
        arm, drives = self._articulation, self._drives
        assert drives is not None
        self._q = _row(arm.get_dof_positions(dof_indices=drives.index))
        self._qd = _row(arm.get_dof_velocities(dof_indices=drives.index)) / self.time_scale
        self._poses = self._read_poses()

    def flush(self) -> None:
        """Command the newest target to the drives; carry out a reset first."""
        arm, drives = self._articulation, self._drives
        assert drives is not None
        if self._wish is not None:
            start, self._wish = self._wish, None
            arm.set_dof_positions(drives.positions(start), dof_indices=drives.index)
            arm.set_dof_velocities(drives.velocities(np.zeros_like(start)), dof_indices=drives.index)
            self._put_objects_back()
        arm.set_dof_position_targets(drives.positions(self._target), dof_indices=drives.index)
        arm.set_dof_velocity_targets(drives.velocities(self._velocity * self.time_scale), dof_indices=drives.index)

    @property
    def q(self) -> Array:
        """Joint positions [rad] (6,)."""
        return self._q

    @property
    def qd(self) -> Array:
        """Joint velocities [rad/s] (6,)."""
        return self._qd

    @property
    def object_poses(self) -> Array:
        """Poses (m, 7) of the movable objects, UR base frame."""
        return self._poses

    def _read_poses(self) -> Array:
        if self._bodies is None:
            return np.zeros((0, 7))
        positions, quats = self._bodies.get_world_poses()
        return np.concatenate([_rows(positions), _rows(quats)], axis=1)

    def _put_objects_back(self) -> None:
        if self._bodies is None or not len(self._start_poses):
            return
        poses = self._start_poses.astype(np.float32)
        self._bodies.set_world_poses(poses[:, :3], poses[:, 3:])
        still = np.zeros((len(poses), 3), dtype=np.float32)
        self._bodies.set_velocities(still, still)


def _joint_index(articulation: Any) -> list[int]:
    """Where the six joints stand among the articulation's degrees of freedom; it may have more, a gripper's."""
    names = list(articulation.dof_names)
    missing = [name for name in JOINT_NAMES if name not in names]
    if missing:
        raise RobotError(
            "this articulation is not a UR3e",
            given=", ".join(names) or "no joints",
            allowed=", ".join(JOINT_NAMES),
            mend="point /exts/teletwin/robot_path at a UR3e, or empty /exts/teletwin/robot_usd",
        )
    return [names.index(name) for name in JOINT_NAMES]


def _rows(array: Any) -> Array:
    """A warp array (or anything like one) as float64 rows; a copy."""
    numbers = array.numpy() if hasattr(array, "numpy") else array
    return np.array(numbers, dtype=np.float64)


def _row(array: Any) -> Array:
    return _rows(array)[0]


def simulated_prims(robot_path: str, object_paths: Sequence[str]) -> tuple[Any, Any]:
    """Isaac's articulation and rigid bodies over prims of the open stage.

    Raises:
        RobotError: No articulation is at the path.
    """
    from isaacsim.core.experimental.prims import Articulation, RigidPrim

    try:
        articulation = Articulation(robot_path)
    except Exception as error:
        raise RobotError(
            "no articulation is in the stage", given=f"{robot_path} ({error})", allowed="the prim of a UR3e"
        ) from None
    return articulation, RigidPrim(list(object_paths)) if object_paths else None
