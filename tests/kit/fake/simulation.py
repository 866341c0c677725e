"""isaacsim: version, assets, simulation manager, experimental prims. Signatures as indexed."""

from __future__ import annotations

import enum
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Usd, UsdGeom, UsdPhysics  # noqa: TID253

from fake.core import Timeline, UsdContext
from fake.gravity import Weight, authored_gains
from fake.strict import Alive, Bus, Strict, module


class IsaacEvents(enum.Enum):
    """isaacsim.core.simulation_manager's."""

    PHYSICS_READY = "isaacsim.physics_ready"
    PRE_PHYSICS_STEP = "isaacsim.pre_physics_step"


class Array(Strict):
    """A warp array as far as it is used: numbers by `numpy()`."""

    def __init__(self, values: Any) -> None:
        self._values = np.array(values, dtype=np.float32)

    def numpy(self) -> np.ndarray:
        return self._values


class Physics:
    """The simulation: a view that exists from play to stop, arms that follow their drives, bodies that stay."""

    def __init__(self, version: str, bus: Bus, alive: Alive, context: UsdContext, timeline: Timeline) -> None:
        self.version, self.bus, self.alive, self.context, self.timeline = version, bus, alive, context, timeline
        self.view = 0
        self.has_view = False
        self.arms: list[Any] = []
        self.callbacks: dict[int, tuple[Any, Any]] = {}
        self.step_count = 0
        self.simulation_s = 0.0
        self.frame_number = 1
        """Of the renderer's next frame; it counts on whatever the simulation does."""
        self.samples: dict[int, float] = {}

    def play(self) -> None:
        """The first update after play: the view comes, and whoever waits is told."""
        self.has_view, self.view = True, self.view + 1
        self._call(IsaacEvents.PHYSICS_READY, types.SimpleNamespace(payload={}))

    def stop(self) -> None:
        self.has_view = False
        self.arms.clear()
        self.simulation_s = 0.0
        self.samples.clear()

    def step(self, dt_s: float) -> None:
        """One physics step with its callbacks before it."""
        arguments = (dt_s,) if self.version < "6" else (dt_s, types.SimpleNamespace(simulation_time=0.0))
        self._call(IsaacEvents.PRE_PHYSICS_STEP, *arguments)
        self.step_count += 1
        for arm in [each for each in self.arms if each.is_physics_tensor_entity_valid()]:
            arm._advance(dt_s)
        self.simulation_s += dt_s
        self.samples[self.frame_number] = self.simulation_s

    def simulation_time_at(self, number: int) -> float:
        """That of a frame; the present one where nothing is known of it."""
        known = [frame for frame in self.samples if frame <= number]
        return self.samples[max(known)] if known else self.simulation_s

    @property
    def rate_hz(self) -> float:
        """Physics steps a simulated second, by the stage's physics scene."""
        for prim in self.context.get_stage().Traverse():
            if prim.IsA(UsdPhysics.Scene):
                return float(prim.GetAttribute("physxScene:timeStepsPerSecond").Get() or 60.0)
        return 60.0

    def _call(self, event: IsaacEvents, *arguments: Any) -> None:
        for wanted, call in list(self.callbacks.values()):
            if wanted is event:
                call(*arguments)


class SimulationManagerInterface(Strict):
    """The compiled part of isaacsim.core.simulation_manager, as far as it is used."""

    def __init__(self, physics: Physics) -> None:
        self._physics = physics

    def get_simulation_time_at_time(self, time: tuple[int, int]) -> float:
        numerator, denominator = time
        if denominator == 0:
            raise ValueError("zero denominator")
        return self._physics.simulation_time_at(round(60 * numerator / denominator))


def manager(physics: Physics) -> type:
    """SimulationManager at the physics' version."""

    def add(callback: Callable[..., Any], event: IsaacEvents) -> int:
        if not isinstance(event, IsaacEvents):
            raise ValueError(f"unknown event {event}")
        held = callback
        if hasattr(callback, "__self__"):  # bound methods are held weakly
            owner, name = weakref.proxy(callback.__self__), callback.__name__
            held = lambda *a: getattr(owner, name)(*a)  # noqa: E731
        number = max(physics.callbacks, default=0) + 1
        physics.callbacks[number] = (event, held)
        physics.alive.open(f"callback {number}", event.name)
        return number

    def remove(number: int, *, raises: bool) -> None:
        if number in physics.callbacks:
            del physics.callbacks[number]
            physics.alive.shut(f"callback {number}")
        elif raises:
            raise ValueError(f"no callback {number}")

    class SimulationManager51:
        @classmethod
        def get_simulation_time(cls) -> float:
            return physics.simulation_s

        @classmethod
        def register_callback(cls, callback: Any, event: Any, order: int = 0, name: str | None = None) -> int:
            return add(callback, event)

        @classmethod
        def deregister_callback(cls, callback_id: int) -> None:
            remove(callback_id, raises=True)

    class SimulationManager60:
        @classmethod
        def get_simulation_time(cls) -> float:
            return physics.simulation_s

        @classmethod
        def register_callback(cls, callback: Any, event: Any, *, order: int = 0, **kwargs: Any) -> int:
            if kwargs:
                raise TypeError(f"deprecated arguments {sorted(kwargs)}")
            return add(callback, event)

        @classmethod
        def deregister_callback(cls, uid: int) -> None:
            remove(uid, raises=False)

    return SimulationManager51 if physics.version < "6" else SimulationManager60


_INERTIA = 0.1
"""Of every joint [kg m^2]; the drives are stiff enough that it hardly matters."""


def prims(physics: Physics) -> tuple[type, type]:
    """Articulation and RigidPrim of the experimental core."""

    class Articulation(Strict):
        def __init__(
            self,
            paths: str | list[str],
            *,
            resolve_paths: bool = True,
            positions: Any = None,
            translations: Any = None,
            orientations: Any = None,
            scales: Any = None,
            reset_xform_op_properties: bool = False,
        ) -> None:
            path = paths if isinstance(paths, str) else paths[0]
            root = physics.context.get_stage().GetPrimAtPath(path)
            if not root:
                raise ValueError(f"no prim at {path}")
            inside = list(Usd.PrimRange(root))
            if not any(prim.HasAPI(UsdPhysics.ArticulationRootAPI) for prim in inside):
                raise ValueError(f"no articulation at {path}")
            joints = [prim for prim in inside if prim.IsA(UsdPhysics.RevoluteJoint)]
            self.dof_names = [prim.GetName() for prim in joints]
            self._view = physics.view
            self._q = np.zeros(len(self.dof_names))
            self._qd, self._target, self._speed = self._q.copy(), self._q.copy(), self._q.copy()
            self._weight = Weight(root)
            self.link_names = self._weight.link_names
            self.gains = authored_gains(root)
            self.max_efforts, self.armatures = np.zeros(len(self.dof_names)), np.zeros(len(self.dof_names))
            physics.arms.append(self)

        def is_physics_tensor_entity_valid(self) -> bool:
            return physics.has_view and self._view == physics.view

        def get_dof_positions(self, *, indices: Any = None, dof_indices: Any = None) -> Array:
            return self._read(self._q, dof_indices)

        def get_dof_velocities(self, *, indices: Any = None, dof_indices: Any = None) -> Array:
            return self._read(self._qd, dof_indices)

        def set_dof_positions(self, positions: Any, *, indices: Any = None, dof_indices: Any = None) -> None:
            self._write(self._q, positions, dof_indices)

        def set_dof_velocities(self, velocities: Any, *, indices: Any = None, dof_indices: Any = None) -> None:
            self._write(self._qd, velocities, dof_indices)

        def set_dof_position_targets(self, positions: Any, *, indices: Any = None, dof_indices: Any = None) -> None:
            self._write(self._target, positions, dof_indices)

        def set_dof_velocity_targets(self, velocities: Any, *, indices: Any = None, dof_indices: Any = None) -> None:
            self._write(self._speed, velocities, dof_indices)

        def set_dof_gains(
            self,
            stiffnesses: Any = None,
            dampings: Any = None,
            *,
            indices: Any = None,
            dof_indices: Any = None,
            update_default_gains: bool = True,
        ) -> None:
            for into, values in zip(self.gains, (stiffnesses, dampings), strict=True):
                if values is not None:
                    self._put(into, values, dof_indices)

        def set_dof_max_efforts(self, max_efforts: Any, *, indices: Any = None, dof_indices: Any = None) -> None:
            self._put(self.max_efforts, max_efforts, dof_indices)

        def set_dof_armatures(self, armatures: Any, *, indices: Any = None, dof_indices: Any = None) -> None:
            self._put(self.armatures, armatures, dof_indices)

        def set_link_enabled_gravities(self, enabled: Any, *, indices: Any = None, link_indices: Any = None) -> None:
            self._put(self._weight.is_on, enabled, link_indices)

        def _put(self, into: np.ndarray, values: Any, index: Any) -> None:
            """Rows, one a robot, broadcast as the host does."""
            self._check()
            chosen = slice(None) if index is None else index
            into[chosen] = np.broadcast_to(values, (1, len(into[chosen])))[0]

        def _read(self, values: np.ndarray, index: Any) -> Array:
            self._check()
            return Array(values[None] if index is None else values[None, np.asarray(index)])

        def _write(self, into: np.ndarray, values: Any, index: Any) -> None:
            self._check()
            rows = np.asarray(values)
            if rows.ndim != 2 or not np.isfinite(rows).all():
                raise ValueError(f"expected finite rows, one a robot, got {rows!r}")
            into[slice(None) if index is None else np.asarray(index)] = rows[0]

        def _check(self) -> None:
            if not self.is_physics_tensor_entity_valid():
                raise RuntimeError("the physics tensor entity is not valid")

        def _advance(self, dt_s: float) -> None:
            stiffness, damping = self.gains
            ahead = self._target - self._q - dt_s * self._qd
            force = stiffness * ahead + damping * (self._speed - self._qd)
            force += self._weight.torques(self.dof_names, self._q)
            self._qd += dt_s * force / (_INERTIA + dt_s * damping + dt_s**2 * stiffness)
            self._q += dt_s * self._qd

    class RigidPrim(Strict):
        def __init__(self, paths: str | list[str], *, resolve_paths: bool = True) -> None:
            stage = physics.context.get_stage()
            prims_ = [stage.GetPrimAtPath(path) for path in ([paths] if isinstance(paths, str) else paths)]
            if not all(prim and prim.HasAPI(UsdPhysics.RigidBodyAPI) for prim in prims_):
                raise ValueError(f"not rigid bodies: {paths}")
            cache = UsdGeom.XformCache()
            self._positions = np.array([cache.GetLocalToWorldTransform(p).ExtractTranslation() for p in prims_])
            self._quats = np.tile([1.0, 0.0, 0.0, 0.0], (len(prims_), 1))

        def get_world_poses(self, *, indices: Any = None) -> tuple[Array, Array]:
            return Array(self._positions), Array(self._quats)

        def set_world_poses(self, positions: Any = None, orientations: Any = None, *, indices: Any = None) -> None:
            self._positions, self._quats = np.array(positions), np.array(orientations)

        def set_velocities(
            self, linear_velocities: Any = None, angular_velocities: Any = None, *, indices: Any = None
        ) -> None:
            assert np.asarray(linear_velocities).shape == np.asarray(angular_velocities).shape

    return Articulation, RigidPrim


def modules(physics: Physics, *, version_text: str, asset_root: str | None) -> dict[str, types.ModuleType]:
    """The modules by name."""
    articulation, rigid = prims(physics)
    core, _, pre = version_text.partition("-")
    numbers = core.split(".") if core else ["", "", ""]
    version = (core, pre, *numbers, *(pre.split(".") if pre else ("", "")), "")

    async def get_assets_root_path_async(*, skip_check: bool = False) -> str:
        if asset_root is None:
            raise RuntimeError("Could not find assets root folder")
        return asset_root

    return {
        "isaacsim": module("isaacsim"),
        "isaacsim.core": module("isaacsim.core"),
        "isaacsim.core.version": module("isaacsim.core.version", get_version=lambda: version),
        "isaacsim.core.simulation_manager": module(
            "isaacsim.core.simulation_manager", SimulationManager=manager(physics), IsaacEvents=IsaacEvents
        ),
        "isaacsim.core.simulation_manager._simulation_manager": module(
            "isaacsim.core.simulation_manager._simulation_manager",
            acquire_simulation_manager_interface=lambda: SimulationManagerInterface(physics),
        ),
        "isaacsim.core.experimental": module("isaacsim.core.experimental"),
        "isaacsim.core.experimental.prims": module(
            "isaacsim.core.experimental.prims", Articulation=articulation, RigidPrim=rigid
        ),
        "isaacsim.storage": module("isaacsim.storage"),
        "isaacsim.storage.native": module(
            "isaacsim.storage.native", get_assets_root_path_async=get_assets_root_path_async
        ),
    }
