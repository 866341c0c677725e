"""Many UR3e arms in Isaac Sim, cloned in a grid and stepped by PhysX without a picture: `sim.BatchedWorld`.

For training in a headless Isaac Sim (`--sim isaac`). Each arm stands in an environment of its own, its UR base
turned against its base_link as everywhere; joints are all that is exchanged, so where an environment stands does
not matter. Physics is stepped here, not by the application: nothing is rendered and no wall clock is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pxr import Gf, Sdf, UsdGeom, UsdPhysics

from teletwin.assets import asset_path
from teletwin.errors import ConfigError, RobotError
from teletwin.geometry import Array
from teletwin.kit.drives import apply_drives
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES, JointLimits
from teletwin.sim.batched import Rows, check_count

ENVS = "/World/envs"
ARM = "base/arm"
"""Within an environment; its parent is turned, so that what the robot's own USD places stays as it is."""
PHYSICS_SCENE = "/World/physicsScene"
_SPEED = JointLimits().velocity


@dataclass(frozen=True, kw_only=True)
class ClonedArmsCfg:
    """How many arms, and how they are simulated."""

    count: int
    robot_usd: str = ""
    """Path or URL of the UR3e's USD; empty takes the one that comes with teletwin. The drives are ours either way."""
    timestep_s: float = 0.002
    """Of the physics [s]."""
    device: str = "cuda"
    """Where PhysX runs: "cpu", "cuda" or "cuda:N"; for few arms the CPU is faster."""
    spacing_m: float = 1.5

    def __post_init__(self) -> None:
        check_count(self.count)
        if not 1e-4 <= self.timestep_s <= 0.02:
            raise ConfigError("timestep_s cannot be used", given=self.timestep_s, allowed="0.0001 to 0.02 s")
        if self.device != "cpu" and not self.device.startswith("cuda"):
            raise ConfigError("device cannot be used", given=self.device, allowed="cpu, cuda or cuda:N")
        if not self.spacing_m > 0.0:
            raise ConfigError("the arms stand in each other", given=self.spacing_m, allowed="spacing_m > 0")


class ClonedArms:
    """N arms in PhysX; row i of every array is the arm of environment i."""

    def __init__(self, cfg: ClonedArmsCfg, articulation: Any, step_physics: Callable[[], None]) -> None:
        self._cfg, self._arms, self._step_physics = cfg, articulation, step_physics
        self._index = _joint_index(articulation, cfg.count)
        apply_drives(articulation, self._index)
        self._target = np.zeros((cfg.count, len(JOINT_NAMES)))
        self._q, self._qd = np.zeros_like(self._target), np.zeros_like(self._target)
        self._rest_s = 0.0
        self.reset(HOME_Q)

    @property
    def count(self) -> int:
        """Number of arms."""
        return self._cfg.count

    def reset(self, q: Array, rows: Rows | None = None) -> None:
        """Put arms at rest at q [rad], (6,) for all alike or (k, 6); rows (k,) names them."""
        chosen = np.arange(self.count) if rows is None else np.asarray(rows)
        start = np.ascontiguousarray(np.broadcast_to(q, (len(chosen), len(JOINT_NAMES))), dtype=np.float32)
        where = {"indices": chosen.tolist(), "dof_indices": self._index}
        self._arms.set_dof_positions(start, **where)
        self._arms.set_dof_velocities(np.zeros_like(start), **where)
        self._arms.set_dof_position_targets(start, **where)
        self._arms.set_dof_velocity_targets(np.zeros_like(start), **where)
        self._target[chosen] = self._q[chosen] = start
        self._qd[chosen] = 0.0

    def step(self, q_target: Array, dt_s: float) -> None:
        """Drive towards q_target [rad] (N, 6) for dt_s [s]; the part below a timestep is carried over."""
        timestep_s = self._cfg.timestep_s
        self._rest_s += dt_s
        count = int(self._rest_s / timestep_s + 1e-6)
        if count == 0:
            return
        self._rest_s -= count * timestep_s
        change = (q_target - self._target) / count
        speed = np.clip(change / timestep_s, -_SPEED, _SPEED).astype(np.float32)
        self._arms.set_dof_velocity_targets(speed, dof_indices=self._index)
        for _ in range(count):
            self._target += change
            self._arms.set_dof_position_targets(self._target.astype(np.float32), dof_indices=self._index)
            self._step_physics()
        self._q[:] = self._arms.get_dof_positions(dof_indices=self._index).numpy()
        self._qd[:] = self._arms.get_dof_velocities(dof_indices=self._index).numpy()

    @property
    def q(self) -> Array:
        """Joint positions [rad] (N, 6), a view."""
        return self._q

    @property
    def qd(self) -> Array:
        """Joint velocities [rad/s] (N, 6), a view."""
        return self._qd


def build_cloned_arms(cfg: ClonedArmsCfg) -> ClonedArms:
    """Author the arms in the open stage, start physics, and take hold of them; inside Isaac Sim only.

    Raises:
        RobotError: The robot's USD holds no UR3e.
    """
    import omni.timeline
    from isaacsim.core.cloner import GridCloner
    from isaacsim.core.experimental.prims import Articulation
    from isaacsim.core.experimental.utils import stage as stages
    from isaacsim.core.simulation_manager import SimulationManager

    stage = stages.get_current_stage()
    source = author_first_arm(stage, cfg)
    cloner = GridCloner(spacing=cfg.spacing_m)
    cloner.define_base_env(ENVS)
    paths = cloner.generate_paths(f"{ENVS}/env", cfg.count)
    cloner.clone(source_prim_path=source, prim_paths=paths, replicate_physics=True, base_env_path=ENVS)
    cloner.filter_collisions(PHYSICS_SCENE, "/World/collisions", paths)
    SimulationManager.set_physics_sim_device(cfg.device)
    arms = Articulation(f"{ENVS}/.*/{ARM}")
    omni.timeline.get_timeline_interface().play()
    SimulationManager.initialize_physics()
    # Without arguments it is one step of the scene's own dt in 5.1 as in 6.0; nothing else of it is alike.
    return ClonedArms(cfg, arms, SimulationManager.step)


def author_first_arm(stage: Any, cfg: ClonedArmsCfg) -> str:
    """Author the physics scene and the environment that is cloned; return the environment's path."""
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/World").GetPrim())
    UsdGeom.Scope.Define(stage, ENVS)
    scene = UsdPhysics.Scene.Define(stage, PHYSICS_SCENE)
    scene.CreateGravityDirectionAttr(Gf.Vec3f(0.0, 0.0, -1.0))
    scene.CreateGravityMagnitudeAttr(9.81)
    prim = scene.GetPrim()
    prim.AddAppliedSchema("PhysxSceneAPI")  # by name: usd-core does not carry PhysX's schemas
    prim.CreateAttribute("physxScene:timeStepsPerSecond", Sdf.ValueTypeNames.UInt).Set(round(1.0 / cfg.timestep_s))
    UsdGeom.Xform.Define(stage, f"{ENVS}/env_0")
    base = UsdGeom.Xform.Define(stage, f"{ENVS}/env_0/{ARM.partition('/')[0]}")
    base.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(0.0, 0.0, 0.0, 1.0))
    arm = UsdGeom.Xform.Define(stage, f"{ENVS}/env_0/{ARM}")
    usd = cfg.robot_usd or str(asset_path("robots", "ur3e", "ur3e.usda"))
    arm.GetPrim().GetReferences().AddReference(usd)
    return f"{ENVS}/env_0"


def _joint_index(articulation: Any, count: int) -> list[int]:
    """Where the UR3e's joints stand among the degrees of freedom."""
    names, found = list(articulation.dof_names), len(articulation.paths)
    if found != count or not set(JOINT_NAMES) <= set(names):
        raise RobotError(
            "the clones are not the arms that were asked for",
            given=f"{found} articulations with {', '.join(names) or 'no joints'}",
            allowed=f"{count} with {', '.join(JOINT_NAMES)}",
        )
    return [names.index(name) for name in JOINT_NAMES]
