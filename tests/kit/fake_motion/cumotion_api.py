"""cuMotion's RmpFlowController and the states it is told, as `isaacsim.robot_motion.*` 6.0 shows them."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import warp as wp  # noqa: TID253

from teletwin.geometry import compose, invert, quat_normalize
from teletwin.robot import load_robot
from teletwin.twin.rmpflow.config_file import load_rmpflow_config
from teletwin.twin.rmpflow.flow import RmpFlow as OwnFlow


def _check(names, values, space, columns=None):
    if not isinstance(values, wp.array) or values.dtype not in (wp.float32, wp.float64):
        raise ValueError("must be a warp array of floats")
    if values.ndim != (1 if columns is None else 2) or values.shape[0] != len(names):
        raise ValueError("wrong shape")
    if columns is not None and values.shape[1] != columns:
        raise ValueError("wrong number of columns")
    if len(set(names)) != len(names) or not set(names) <= set(space):
        raise ValueError("names must be unique and in the space")
    return values.numpy().astype(np.float32)


class JointState:
    def __init__(self, robot_joint_space, data_array, valid_array):
        self.robot_joint_space, self.data_array, self._valid = robot_joint_space, data_array, valid_array

    @staticmethod
    def from_name(robot_joint_space, positions=None, velocities=None, efforts=None):
        if positions is None and velocities is None and efforts is None:
            raise ValueError("one must be defined")
        data = np.zeros((3, len(robot_joint_space)), dtype=np.float32)
        valid = np.zeros((3, len(robot_joint_space)), dtype=bool)
        for row, pair in enumerate((positions, velocities, efforts)):
            if pair is not None:
                names, values = pair
                where = [robot_joint_space.index(name) for name in names]
                data[row, where], valid[row, where] = _check(names, values, robot_joint_space), True
        return JointState(robot_joint_space, data, valid)

    def _names(self, row):
        return [name for name, is_valid in zip(self.robot_joint_space, self._valid[row], strict=True) if is_valid]

    def _row(self, row):
        return wp.array(self.data_array[row, self._valid[row]], dtype=wp.float32, copy=False, device="cpu")

    position_names = property(lambda self: self._names(0))
    velocity_names = property(lambda self: self._names(1))
    positions = property(lambda self: self._row(0))
    velocities = property(lambda self: self._row(1))


class SpatialState:
    def __init__(self, names, position_data, orientation_data):
        self.position_names = self.orientation_names = names
        self.positions, self.orientations = position_data, orientation_data

    @staticmethod
    def from_name(spatial_space, positions=None, orientations=None, linear_velocities=None, angular_velocities=None):
        assert linear_velocities is None
        assert angular_velocities is None
        assert positions[0] == orientations[0]
        data = _check(*positions, spatial_space, 3), _check(*orientations, spatial_space, 4)
        return SpatialState(list(positions[0]), *data)


class RobotState:
    def __init__(self, joints=None, root=None, links=None, sites=None):
        for value, kind in ((joints, JointState), (sites, SpatialState)):
            if value is not None and not isinstance(value, kind):
                raise ValueError("wrong type")
        self.joints, self.root, self.links, self.sites = joints, root, links, sites


@dataclass
class CumotionRobot:
    directory: pathlib.Path
    robot_description: object
    kinematics: object
    controlled_joint_names: list


def load_cumotion_robot(directory, urdf_filename="robot.urdf", xrdf_filename="robot.xrdf"):
    directory = Path(directory)
    text = (directory / xrdf_filename).read_text()
    if "format: xrdf" not in text or "format_version: 2.0" not in text:
        raise RuntimeError("not an XRDF 2.0")
    robot = load_robot(urdf=directory / urdf_filename, description=directory / xrdf_filename)
    return CumotionRobot(directory, robot, None, list(robot.chain.joint_names))


class CumotionWorldInterface:
    def __init__(
        self,
        world_to_robot_base=None,
        visualize_debug_prims=False,
        visual_debug_enabled_prim_rgb=None,
        visual_debug_disabled_prim_rgb=None,
        visual_debug_prim_alpha=0.3,
        device=None,
    ):
        self._base = np.array([0.0, 0, 0, 1, 0, 0, 0])

    def update_world_to_robot_root_transforms(self, poses):
        positions, quaternions = poses
        if positions.shape != (1, 3) or quaternions.shape != (1, 4):
            raise ValueError("cuMotion only works with a single robot")
        self._base = np.concatenate([positions.numpy()[0], quaternions.numpy()[0]]).astype(np.float64)


class RmpFlowController:
    def __init__(
        self,
        cumotion_robot,
        cumotion_world_interface,
        robot_joint_space,
        robot_site_space,
        rmp_flow_configuration_filename="rmp_flow.yaml",
        tool_frame=None,
        maximum_substep_size=1.0 / 120.0,
    ):
        if not set(cumotion_robot.controlled_joint_names) <= set(robot_joint_space):
            raise ValueError("joints")
        if tool_frame not in robot_site_space:
            raise ValueError("tool")
        path = cumotion_robot.directory / rmp_flow_configuration_filename
        if "format: rmpflow" not in path.read_text() or "body_capsules" not in path.read_text():
            raise RuntimeError("not an RMPflow 2.0 file")
        self._robot, self._world, self._space = cumotion_robot, cumotion_world_interface, robot_joint_space
        self._config, self._tool, self._substep = load_rmpflow_config(path), tool_frame, maximum_substep_size
        self._flow = None

    def reset(self, estimated_state, setpoint_state, t, **kwargs):
        if estimated_state.joints is None:
            return False
        self._flow = OwnFlow(self._robot.robot_description, self._config)
        self._q = estimated_state.joints.positions.numpy().astype(np.float64)
        self._qd = np.zeros_like(self._q)  # at rest, whatever the estimate says
        self._flow.set_cspace_target(self._q)
        size = len(self._space)
        self._data = np.zeros((3, size), dtype=np.float32)
        valid = np.array([[True] * size, [True] * size, [False] * size])
        self._out = RobotState(joints=JointState(self._space, self._data, valid))
        self._t = t
        return True

    def forward(self, estimated_state, setpoint_state, t, **kwargs):
        if self._flow is None:
            return None
        if setpoint_state is not None:
            self._attract(setpoint_state)
        duration, self._t = t - self._t, t
        for _ in range(int(np.ceil(duration / self._substep))):
            h = duration / int(np.ceil(duration / self._substep))
            self._qd += h * np.array(self._flow.evaluate(self._q, self._qd))  # semi-implicit Euler
            self._q += h * self._qd
        self._data[0], self._data[1] = self._q, self._qd
        return self._out  # the same object each time

    def _attract(self, setpoint):
        if setpoint.joints is not None:
            self._flow.set_cspace_target(setpoint.joints.positions.numpy().astype(np.float64))
        if setpoint.sites is not None:  # without sites the old attractors stay
            pose = np.concatenate([setpoint.sites.positions[0], setpoint.sites.orientations[0]]).astype(np.float64)
            pose = compose(invert(self._world._base), pose)
            pose[3:] = quat_normalize(pose[3:])
            self._flow.set_target(pose)
