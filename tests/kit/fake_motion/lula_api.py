"""Lula's RmpFlow as `isaacsim.robot_motion.motion_generation` shows it."""

from __future__ import annotations

import types

import numpy as np

from teletwin.geometry import compose, invert, quat_normalize
from teletwin.robot.ur3e import JOINT_NAMES, load_ur3e
from teletwin.twin.rmpflow.flow import RmpFlow as OwnFlow
from teletwin.twin.rmpflow.policy import load_ur3e_rmpflow

CONFIG = {
    "robot_description_path": "ur3e_robot_description.yaml",
    "urdf_path": "ur3e.urdf",
    "rmpflow_config_path": "ur3e_rmpflow_config.yaml",
    "end_effector_frame_name": "tool0",
    "maximum_substep_size": 0.00334,
    "ignore_robot_state_updates": False,
}


def make_module(metres_per_unit, joint_names=None):
    """RmpFlow and its configuration loader for a stage in these units."""

    def load_supported_motion_policy_config(robot_name, policy_name, policy_config_dir=None):
        return dict(CONFIG) if (robot_name, policy_name) == ("UR3e", "RMPflow") else None

    class RmpFlow(_RmpFlow):
        units = metres_per_unit
        joints = tuple(joint_names or JOINT_NAMES)

    return types.SimpleNamespace(
        RmpFlow=RmpFlow, load_supported_motion_policy_config=load_supported_motion_policy_config
    )


class _RmpFlow:
    units = 1.0
    joints = JOINT_NAMES

    def __init__(
        self,
        robot_description_path,
        urdf_path,
        rmpflow_config_path,
        end_effector_frame_name,
        maximum_substep_size,
        ignore_robot_state_updates=False,
    ):
        self.end_effector_frame_name = end_effector_frame_name
        self.maximum_substep_size = maximum_substep_size
        self.ignore_robot_state_updates = ignore_robot_state_updates
        self._begin()

    def _begin(self):
        self._flow = OwnFlow(load_ur3e(), load_ur3e_rmpflow())
        self._base = np.array([0.0, 0, 0, 1, 0, 0, 0])
        self._target = None
        self._positions = self._velocities = None

    def reset(self):
        self._begin()  # posture, base pose and target are gone too

    def get_active_joints(self):
        return list(self.joints)

    def get_watched_joints(self):
        return []

    def set_cspace_target(self, active_joint_targets):
        self._flow.set_cspace_target(active_joint_targets.astype(np.float64))

    def set_robot_base_pose(self, robot_position, robot_orientation):
        self._base = np.concatenate([robot_position * self.units, robot_orientation])
        self._tell_target()

    def set_end_effector_target(self, target_position=None, target_orientation=None):
        self._target = None
        if target_position is not None:
            assert target_orientation is not None
            self._target = np.concatenate([target_position * self.units, target_orientation])
        self._tell_target()

    def _tell_target(self):
        if self._target is None:
            self._flow.clear_target()
            return
        pose = compose(invert(self._base), self._target)
        pose[3:] = quat_normalize(pose[3:])
        self._flow.set_target(pose)

    def set_internal_robot_joint_states(
        self, active_joint_positions, active_joint_velocities, watched_joint_positions, watched_joint_velocities
    ):
        self._positions, self._velocities = active_joint_positions, active_joint_velocities

    def compute_joint_targets(
        self,
        active_joint_positions,
        active_joint_velocities,
        watched_joint_positions,
        watched_joint_velocities,
        frame_duration,
    ):
        own = self.ignore_robot_state_updates and self._positions is not None
        q = self._positions if own else active_joint_positions
        qd = self._velocities if own else active_joint_velocities
        steps = int(np.ceil(frame_duration / self.maximum_substep_size))
        h = frame_duration / steps  # dividing by no steps is the caller's fault, as there
        for _ in range(steps):
            acceleration = np.array(self._flow.evaluate(q.astype(np.float64), qd.astype(np.float64)))
            q += h * qd  # into the caller's array, explicit Euler
            qd += h * acceleration
        self._positions, self._velocities = q, qd
        return q, qd
