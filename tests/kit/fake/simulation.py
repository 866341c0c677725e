"""isaacsim: version, assets, simulation manager, experimental prims; omni.replicator.core. Signatures as indexed."""

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

    def play(self) -> None:
        """The first update after play: the view comes, and whoever waits is told."""
        self.has_view, self.view = True, self.view + 1
        self._call(IsaacEvents.PHYSICS_READY, types.SimpleNamespace(payload={}))

    def stop(self) -> None:
        self.has_view = False
        self.arms.clear()

    def step(self, dt_s: float) -> None:
        """One physics step with its callbacks before it."""
        arguments = (dt_s,) if self.version < "6" else (dt_s, types.SimpleNamespace(simulation_time=0.0))
        self._call(IsaacEvents.PRE_PHYSICS_STEP, *arguments)
        self.step_count += 1
        for arm in [each for each in self.arms if each.is_physics_tensor_entity_valid()]:
            arm._advance(dt_s)

    def _call(self, event: IsaacEvents, *arguments: Any) -> None:
        for wanted, call in list(self.callbacks.values()):
            if wanted is event:
                call(*arguments)


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
        def register_callback(cls, callback: Any, event: Any, order: int = 0, name: str | None = None) -> int:
            return add(callback, event)

        @classmethod
        def deregister_callback(cls, callback_id: int) -> None:
            remove(callback_id, raises=True)

    class SimulationManager60:
        @classmethod
        def register_callback(cls, callback: Any, event: Any, *, order: int = 0, **kwargs: Any) -> int:
            if kwargs:
                raise TypeError(f"deprecated arguments {sorted(kwargs)}")
            return add(callback, event)

        @classmethod
        def deregister_callback(cls, uid: int) -> None:
            remove(uid, raises=False)

    return SimulationManager51 if physics.version < "6" else SimulationManager60


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
            self.dof_names = [prim.GetName() for prim in inside if prim.IsA(UsdPhysics.RevoluteJoint)]
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
            return Array(values[None] if index is None else values[None, index])

        def _write(self, into: np.ndarray, values: Any, index: Any) -> None:
            self._check()
            rows = np.asarray(values)
            if rows.ndim != 2 or not np.isfinite(rows).all():
                raise ValueError(f"expected finite rows, one a robot, got {rows!r}")
            into[slice(None) if index is None else index] = rows[0]

        def _check(self) -> None:
            if not self.is_physics_tensor_entity_valid():
                raise RuntimeError("the physics tensor entity is not valid")

        def _advance(self, dt_s: float) -> None:
            before = self._q.copy()
            hanging = self._weight.torques(self.dof_names, self._q) / self.gains[0]
            self._q += 0.7 * (self._target + hanging - self._q)
            self._qd[:] = (self._q - before) / dt_s

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


class Replicator:
    """omni.replicator.core: render products and the rgb annotator; its pictures count up."""

    def __init__(self, context: UsdContext, alive: Alive, *, has_gpu: bool) -> None:
        self.context, self.alive, self.has_gpu = context, alive, has_gpu
        self.frame_count = 0
        self.made = 0

    def module(self) -> types.ModuleType:
        replicator = self

        class RenderProduct(Strict):
            def __init__(self, size: tuple[int, int]) -> None:
                replicator.made += 1
                self.path, self.size = f"/Render/RenderProduct_{replicator.made}", size
                replicator.alive.open(self.path, "render product")

            def destroy(self) -> None:
                replicator.alive.shut(self.path)

        class Annotator(Strict):
            def __init__(self) -> None:
                self._product: Any = None
                self._since = 0

            def attach(self, render_products: list[Any]) -> None:
                (self._product,) = render_products
                self._since = replicator.frame_count
                replicator.alive.open(f"annotator of {self._product.path}", "annotator")

            def detach(self, render_products: Any = None) -> None:
                replicator.alive.shut(f"annotator of {self._product.path}")

            def get_data(self, device: str | None = None, do_array_copy: bool | None = None) -> np.ndarray:
                if replicator.frame_count - self._since < 3:
                    return np.zeros((0,), dtype=np.uint8)  # the renderer warms up
                width, height = self._product.size
                picture = np.zeros((height, width, 4), dtype=np.uint8)
                picture[..., 0] = np.arange(width, dtype=np.uint8)
                picture[..., 1] = replicator.frame_count % 256
                picture[..., 3] = 255
                return picture

        class Create(Strict):
            def __init__(self) -> None:
                pass

            def render_product(self, camera: str, resolution: tuple[int, int], force_new: bool = False) -> Any:
                if not replicator.has_gpu:
                    raise RuntimeError("no RTX device")
                assert replicator.context.get_stage().GetPrimAtPath(camera).IsA(UsdGeom.Camera)
                return RenderProduct(resolution)

        class AnnotatorRegistry:
            @staticmethod
            def get_annotator(
                name: str, init_params: Any = None, device: str | None = None, do_array_copy: bool = True
            ) -> Annotator:
                if name not in ("rgb", "LdrColor"):
                    raise ValueError(f"no annotator {name}")
                return Annotator()

        return module("omni.replicator.core", create=Create(), AnnotatorRegistry=AnnotatorRegistry)


def modules(physics: Physics, replicator: Replicator, *, asset_root: str | None) -> dict[str, types.ModuleType]:
    """The modules by name."""
    articulation, rigid = prims(physics)
    full = ("5.1.0" if physics.version < "6" else "6.0.1") + "-rc.1"

    async def get_assets_root_path_async(*, skip_check: bool = False) -> str:
        if asset_root is None:
            raise RuntimeError("Could not find assets root folder")
        return asset_root

    return {
        "isaacsim": module("isaacsim"),
        "isaacsim.core": module("isaacsim.core"),
        "isaacsim.core.version": module("isaacsim.core.version", get_version=lambda: (full, "", *full.split(".")[:2])),
        "isaacsim.core.simulation_manager": module(
            "isaacsim.core.simulation_manager", SimulationManager=manager(physics), IsaacEvents=IsaacEvents
        ),
        "isaacsim.core.experimental": module("isaacsim.core.experimental"),
        "isaacsim.core.experimental.prims": module(
            "isaacsim.core.experimental.prims", Articulation=articulation, RigidPrim=rigid
        ),
        "isaacsim.storage": module("isaacsim.storage"),
        "isaacsim.storage.native": module(
            "isaacsim.storage.native", get_assets_root_path_async=get_assets_root_path_async
        ),
        "omni.replicator": module("omni.replicator"),
        "omni.replicator.core": replicator.module(),
    }
