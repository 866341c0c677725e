"""What cloned arms need of Isaac Sim: a stage of real USD, a cloner that copies in it, arms that follow targets."""

from __future__ import annotations

import re
import types
from types import SimpleNamespace

import numpy as np
import warp as wp  # noqa: TID253
from pxr import Usd, UsdPhysics  # noqa: TID253

STEP_SHARE = 0.3


class FakeKit:
    """One application with one stage; `modules` goes into sys.modules."""

    def __init__(self, version):
        self.stage = Usd.Stage.CreateInMemory()
        self.version, self.is_playing, self.device = version, False, ""
        self.articulations, self.replicated, self.filtered, self.steps = [], False, None, 0
        kit = self

        class GridCloner:
            def __init__(self, spacing, num_per_row=-1, stage=None):
                assert spacing > 0
                self._stage = stage or kit.stage

            def define_base_env(self, base_env_path):
                self._stage.DefinePrim(base_env_path, "Scope")

            def generate_paths(self, root_path, num_paths):
                return [f"{root_path}_{i}" for i in range(num_paths)]

            def clone(
                self,
                source_prim_path,
                prim_paths,
                position_offsets=None,
                orientation_offsets=None,
                replicate_physics=False,
                base_env_path=None,
                root_path=None,
                copy_from_source=False,
                enable_env_ids=False,
                clone_in_fabric=False,
            ):
                for path in prim_paths:
                    if path != source_prim_path:
                        self._stage.DefinePrim(path, "Xform").GetInherits().AddInherit(source_prim_path)
                kit.replicated = replicate_physics

            def filter_collisions(self, physicsscene_path, collision_root_path, prim_paths, global_paths=None):
                assert self._stage.GetPrimAtPath(physicsscene_path).IsA(UsdPhysics.Scene)
                kit.filtered = (collision_root_path, len(prim_paths))

        class Articulation(_Articulation):
            def __init__(
                self,
                paths,
                *,
                resolve_paths=True,
                positions=None,
                translations=None,
                orientations=None,
                scales=None,
                reset_xform_op_properties=True,
            ):
                super().__init__(kit, paths)

        self.modules = {
            "isaacsim.core.cloner": SimpleNamespace(GridCloner=GridCloner),
            "isaacsim.core.experimental.prims": SimpleNamespace(Articulation=Articulation),
            "isaacsim.core.experimental.utils": SimpleNamespace(
                stage=SimpleNamespace(get_current_stage=lambda *, backend=None: kit.stage)
            ),
            "isaacsim.core.simulation_manager": SimpleNamespace(SimulationManager=_manager(kit)),
            "omni.timeline": SimpleNamespace(get_timeline_interface=lambda: SimpleNamespace(play=kit.play)),
        }

    def play(self):
        self.is_playing = True

    def advance(self, count):
        for arms in self.articulations:
            for _ in range(count):
                arms.follow()
        self.steps += count


def _manager(kit):
    def step_51(render=False):
        assert render is False
        kit.advance(1)

    def step_60(*, steps=1, callback=None, update_fabric=False):
        kit.advance(steps)

    def initialize_physics():
        assert kit.is_playing
        for arms in kit.articulations:
            arms.is_ready = True

    def set_physics_sim_device(val):
        kit.device = val

    step = step_51 if kit.version.startswith("5") else step_60
    return types.SimpleNamespace(
        step=step, initialize_physics=initialize_physics, set_physics_sim_device=set_physics_sim_device
    )


class _Articulation:
    """Arms found by a path expression; joints in the order of the stage, after one that is not the UR's."""

    def __init__(self, kit, expression):
        pattern = re.compile(expression + "/root_joint")
        found = Usd.PrimRange(kit.stage.GetPseudoRoot(), Usd.TraverseInstanceProxies())
        self.paths = [str(prim.GetPath()) for prim in found if pattern.fullmatch(str(prim.GetPath()))]
        root = kit.stage.GetPrimAtPath(self.paths[0]).GetParent() if self.paths else None
        joints = [prim for prim in Usd.PrimRange(root) if prim.IsA(UsdPhysics.RevoluteJoint)] if root else []
        self.dof_names = ["gripper_joint", *(prim.GetName() for prim in joints)]
        shape = (len(self.paths), len(self.dof_names))
        self._q, self._qd, self._targets = (np.zeros(shape, dtype=np.float32) for _ in range(3))
        self.velocity_targets = np.zeros(shape, dtype=np.float32)
        self.drives, self.gravity = {}, None
        self.is_ready = False
        kit.articulations.append(self)

    def follow(self):
        moved = STEP_SHARE * (self._targets - self._q)
        self._q += moved
        self._qd[:] = moved / 0.002

    def _write(self, into, values, indices, dof_indices):
        assert self.is_ready, "there is no simulation view yet"
        rows = range(len(self.paths)) if indices is None else indices
        values = np.asarray(values)
        assert values.shape == (len(rows), len(dof_indices))
        assert values.dtype == np.float32
        into[np.ix_(rows, dof_indices)] = values

    def _read(self, values, dof_indices):
        assert self.is_ready, "there is no simulation view yet"
        return wp.array(values[:, dof_indices], dtype=wp.float32, device="cpu")

    def set_dof_positions(self, positions, *, indices=None, dof_indices=None):
        self._write(self._q, positions, indices, dof_indices)

    def set_dof_velocities(self, velocities, *, indices=None, dof_indices=None):
        self._write(self._qd, velocities, indices, dof_indices)

    def set_dof_position_targets(self, positions, *, indices=None, dof_indices=None):
        self._write(self._targets, positions, indices, dof_indices)

    def set_dof_velocity_targets(self, velocities, *, indices=None, dof_indices=None):
        self._write(self.velocity_targets, velocities, indices, dof_indices)

    def set_dof_gains(
        self, stiffnesses=None, dampings=None, *, indices=None, dof_indices=None, update_default_gains=True
    ):
        self._drive("stiffness", stiffnesses, dof_indices)
        self._drive("damping", dampings, dof_indices)

    def set_dof_max_efforts(self, max_efforts, *, indices=None, dof_indices=None):
        self._drive("effort", max_efforts, dof_indices)

    def set_dof_armatures(self, armatures, *, indices=None, dof_indices=None):
        self._drive("armature", armatures, dof_indices)

    def set_link_enabled_gravities(self, enabled, *, indices=None, link_indices=None):
        assert self.is_ready, "there is no simulation view yet"
        self.gravity = np.array(enabled)

    def _drive(self, name, values, dof_indices):
        assert self.is_ready, "there is no simulation view yet"
        rows = np.broadcast_to(values, (len(self.paths), len(dof_indices)))
        self.drives[name] = dict(zip((self.dof_names[i] for i in dof_indices), rows[-1].tolist(), strict=True))

    def get_dof_positions(self, *, indices=None, dof_indices=None):
        return self._read(self._q, dof_indices)

    def get_dof_velocities(self, *, indices=None, dof_indices=None):
        return self._read(self._qd, dof_indices)
