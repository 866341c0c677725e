"""The UR3e and its table in MuJoCo; world frame = UR base frame."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from teletwin.assets import scene_path
from teletwin.errors import ConfigError, RobotError
from teletwin.geometry import Array
from teletwin.robot.scene_file import scene_read
from teletwin.robot.ur3e import JointLimits

_KINDS = {2: "sphere", 5: "cylinder", 6: "box"}  # mjtGeom values
_DRIVE_SPEED_RAD_S = JointLimits().velocity


@dataclass(frozen=True, slots=True, kw_only=True)
class MujocoWorldCfg:
    """Which scene, and how it is stepped."""

    scene: str = "table"
    """"table" with things to push, "bare" for the arm alone, or the path of an MJCF file."""
    timestep_s: float = 0.002
    movable: bool = True
    """False: without the things that can be pushed, which cost five times what the arm does."""

    def __post_init__(self) -> None:
        if not 1e-4 <= self.timestep_s <= 0.005:
            raise ConfigError("timestep_s cannot be used", given=self.timestep_s, allowed="0.0001 to 0.005 s")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldObject:
    """How a movable object looks; its pose is the row of the same number in `object_poses`."""

    name: str
    kind: str
    """box, cylinder or sphere."""
    size: tuple[float, float, float]
    """Half extents [m] of a box; (radius, half height, 0) of a cylinder; (radius, 0, 0) of a sphere."""
    colour: tuple[float, float, float]
    """Red, green, blue, 0 ... 1."""


class MujocoWorld:
    """A UR3e with its surroundings, implementing `sim.World`.

    Joint drives follow the target with its velocity fed forward; torque stays within the UR3e's effort
    limits, so the arm gives way instead of pressing through the table.
    """

    def __init__(self, cfg: MujocoWorldCfg | None = None, *, model: Any = None) -> None:
        mujoco: Any = import_module("mujoco")  # here, so that importing this room costs nothing
        self._mujoco = mujoco
        self._cfg = cfg or MujocoWorldCfg()
        self.model: Any = _load(mujoco, self._cfg) if model is None else model  # read only: worlds may share one
        with scene_read(self._cfg.scene):
            self.data: Any = mujoco.MjData(self.model)
            self._probe: Any = mujoco.MjData(self.model)
        self._tool_id = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_SITE, "tool")
        free = [j for j in range(self.model.njnt) if self.model.jnt_type[j] == mujoco.mjtJoint.mjJNT_FREE]
        self.objects = tuple(_describe(mujoco, self.model, int(self.model.jnt_bodyid[j])) for j in free)
        starts = np.array([self.model.jnt_qposadr[j] for j in free], dtype=np.intp)
        self._object_index = starts[:, None] + np.arange(7) if free else np.zeros((0, 7), dtype=np.intp)
        self._q, self._qd = self.data.qpos[:6], self.data.qvel[:6]
        self._qdd, self._torque = np.zeros(self.model.nv), np.zeros(self.model.nv)
        self._effort_least, self._effort_most = self.model.actuator_forcerange[:6].T.copy()
        self._target = np.zeros(6)
        self._rest_s = 0.0
        self.reset(np.zeros(6))

    def reset(self, q: Array) -> None:
        """Put the arm at q [rad] (6,), at rest, and every object at its place."""
        self._mujoco.mj_resetData(self.model, self.data)
        self._q[:] = self._target[:] = q
        self._rest_s = 0.0
        self._mujoco.mj_forward(self.model, self.data)

    def step(self, q_target: Array, dt_s: float) -> None:
        """Drive the joints towards q_target [rad] (6,) for dt_s [s]; the part below a timestep is carried over."""
        timestep_s = self._cfg.timestep_s
        self._rest_s += dt_s
        count = int(self._rest_s / timestep_s + 1e-6)
        if count == 0:
            return
        self._rest_s -= count * timestep_s
        change = (q_target - self._target) / count
        velocity = np.clip(change / timestep_s, -_DRIVE_SPEED_RAD_S, _DRIVE_SPEED_RAD_S)
        for _ in range(count):
            self._target += change
            self.drive(self._target, velocity)

    def drive(self, q_reference: Array, qd_reference: Array, qdd_reference: Array | None = None) -> None:
        """Step once with joint references (6,) [rad], [rad/s] that hold at the end of the step.

        With qdd_reference (6,) [rad/s^2] the torque that it takes is fed forward, as by a controller that knows its
        arm's inertia: without it the drives answer hard braking with a quarter more.
        """
        control = self.data.ctrl
        if qdd_reference is not None:
            self._feed_forward(qdd_reference)
        # The drives compare with the state at the start of the step: without this they would lead by one step.
        control[:6] = q_reference - self._cfg.timestep_s * qd_reference
        control[6:] = qd_reference
        self._mujoco.mj_step(self.model, self.data)

    def _feed_forward(self, qdd: Array) -> None:
        """Torques of the arm's inertia at joint accelerations (6,) [rad/s^2], within the drives' effort."""
        self._qdd[:6] = qdd
        self._mujoco.mj_mulM(self.model, self.data, self._torque, self._qdd)
        applied = self.data.qfrc_applied[:6]
        np.maximum(self._torque[:6], self._effort_least, out=applied)
        np.minimum(applied, self._effort_most, out=applied)

    @property
    def q(self) -> Array:
        """Joint positions [rad] (6,), a view."""
        return self._q

    @property
    def qd(self) -> Array:
        """Joint velocities [rad/s] (6,), a view."""
        return self._qd

    @property
    def object_poses(self) -> Array:
        """Poses (m, 7) of the movable objects, in the order of `objects`, UR base frame; a copy."""
        return self.data.qpos[self._object_index]

    def tool_pose(self) -> Array:
        """Pose (7,) of the tool at the present joint positions, UR base frame."""
        return self.tool_pose_at(self._q)

    def tool_pose_at(self, q: Array) -> Array:
        """Pose (7,) of the tool at joint positions q [rad] (6,), UR base frame; the world does not move."""
        probe, mujoco = self._probe, self._mujoco
        probe.qpos[:6] = q
        mujoco.mj_kinematics(self.model, probe)
        pose = np.empty(7)
        pose[:3] = probe.site_xpos[self._tool_id]
        mujoco.mju_mat2Quat(pose[3:], probe.site_xmat[self._tool_id])
        return pose

    def tool_velocity(self) -> Array:
        """Velocity (6,) of the tool, [m/s] then [rad/s], UR base frame, at the start of the newest step."""
        twist = np.empty(6)
        kind = self._mujoco.mjtObj.mjOBJ_SITE
        self._mujoco.mj_objectVelocity(self.model, self.data, kind, self._tool_id, twist, 0)
        return np.concatenate([twist[3:], twist[:3]])


def _load(mujoco: Any, cfg: MujocoWorldCfg) -> Any:
    path = scene_path(cfg.scene)
    with scene_read(path):
        model = mujoco.MjModel.from_xml_path(str(path)) if cfg.movable else _still(mujoco, str(path))
    tool = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, "tool")
    if model.nu != 12 or tool < 0 or not _is_first(model, int(model.site_bodyid[tool])):
        raise RobotError(
            "the scene does not hold the arm that is driven here",
            given=str(path),
            allowed="six joints first, a position and a velocity drive for each, a site 'tool'",
            mend="include robots/ur3e/ur3e.xml before anything else",
        )
    model.opt.timestep = cfg.timestep_s
    return model


def _is_first(model: Any, tool_body: int) -> bool:
    """Tell whether the first six joints are those that carry the tool."""
    roots = model.body_rootid[model.jnt_bodyid[:6]]
    return len(roots) == 6 and bool((roots == model.body_rootid[tool_body]).all())


def _still(mujoco: Any, path: str) -> Any:
    """The model of a scene without its bodies that have a free joint."""
    spec = mujoco.MjSpec.from_file(path)
    for body in list(spec.worldbody.bodies):
        if any(joint.type == mujoco.mjtJoint.mjJNT_FREE for joint in body.joints):
            spec.delete(body)
    return spec.compile()


def _describe(mujoco: Any, model: Any, body: int) -> WorldObject:
    geom = int(model.body_geomadr[body])
    size = [float(value) for value in model.geom_size[geom]]
    colour = [float(value) for value in model.geom_rgba[geom]]
    return WorldObject(
        name=mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, body),
        kind=_KINDS.get(int(model.geom_type[geom]), "box"),
        size=(size[0], size[1], size[2]),
        colour=(colour[0], colour[1], colour[2]),
    )
