"""RMPflow for any serial arm, one or thousands at once: targets and obstacles in, joint motion out."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import IDENTITY_POSE, Array, quat_to_matrix
from teletwin.robot.canonical import canonical
from teletwin.robot.model import Robot
from teletwin.twin.rmpflow.arrays import SharedArray
from teletwin.twin.rmpflow.borders import Borders, KeepClear, without_cap
from teletwin.twin.rmpflow.config import RmpFlowConfig
from teletwin.twin.rmpflow.launch import SplitLaunch, split_batch, usable_cores
from teletwin.twin.rmpflow.obstacles import Obstacles
from teletwin.twin.rmpflow.tables import gains_struct, shape_struct
from teletwin.warp_runtime import RecordedLaunch, load_warp, record

Values = NDArray[Any]
_DTYPES = ("float64", "float32")


class RmpFlow:
    """Riemannian motion policies (arXiv 1811.07049) in the exact forms of NVIDIA's motion generation.

    Poses of targets and obstacles are in a world frame whose pose in the URDF's root is world_in_root (7,).
    Joint arrays are (n,) or (batch, n) in c-space order; what is passed in is never changed. On the CPU a large
    batch is shared out to `threads` threads, by default one per core. The shared arrays q, qd, acceleration and
    target_* may be written in place by those who step thousands of arms with `advance`.

    With `clear_of` the acceleration also keeps every border that the limits enforce, and changes within the joints'
    jerk from step to step; without it, it is NVIDIA's.
    """

    def __init__(
        self,
        robot: Robot,
        config: RmpFlowConfig,
        *,
        dtype: str = "float64",
        device: str = "cpu",
        batch: int = 1,
        frames: Sequence[str] | None = None,
        world_in_root: ArrayLike = IDENTITY_POSE,
        max_obstacles: int = 64,
        threads: int | None = None,
        clear_of: KeepClear | None = None,
    ) -> None:
        if dtype not in _DTYPES:
            raise ConfigError("RMPflow: dtype", given=dtype, allowed=", ".join(_DTYPES))
        if batch < 1:
            raise ConfigError("RMPflow: batch", given=batch, allowed=">= 1")
        if threads is not None and threads < 1:
            raise ConfigError("RMPflow: threads", given=threads, allowed=">= 1, or None for one per core")
        load_warp()
        from teletwin.robot.warp_chain import NUMPY_SCALARS, chain_data
        from teletwin.twin.rmpflow.kernel_types import flow_types

        if clear_of is not None:
            config = without_cap(config)
        self.robot, self.config = robot, config
        self.dtype, self.device, self.batch = dtype, device, batch
        self.joint_count = robot.chain.joint_count
        self.frames = tuple(frames) if frames is not None else (robot.tool_frame,)
        self._types = types = flow_types(self.joint_count, dtype)
        self._scalar = NUMPY_SCALARS[dtype]
        world = np.asarray(world_in_root, dtype=np.float64)
        shape = canonical(robot.chain)
        self.obstacles = Obstacles(types, world_in_root=world, capacity=max_obstacles, device=device)
        self.borders = Borders(types, clear_of, chain=robot.chain, batch=batch, device=device)
        self._allocate()
        self._structs = [
            chain_data(types, shape, device),
            gains_struct(types, config),
            shape_struct(types, robot, config, shape, self.frames, device),
            self.obstacles.struct,
            self._goals_struct(world),
            *self.borders.structs,
        ]
        self._threads = (threads or usable_cores()) if device == "cpu" else 1
        self._commands: dict[str, SplitLaunch] = {}
        self._dt_s = -1.0
        self.set_cspace_target(robot.default_q)

    def _allocate(self) -> None:
        import warp as wp

        batch, count, frames = self.batch, self.joint_count, len(self.frames)
        real, scalar, vec3 = self._scalar, self._types.T, self._types.vec3

        def new(*shape: int, kind: Any = real, dtype: Any = scalar) -> SharedArray:
            return SharedArray(np.zeros(shape, dtype=kind), warp_dtype=dtype, device=self.device)

        self.q, self.qd, self.acceleration = new(batch, count), new(batch, count), new(batch, count)
        self._posture = new(batch, count)
        self.target_flags = new(batch, frames, kind=np.int32, dtype=wp.int32)
        self.target_pose = new(batch, frames, 7)
        self.target_pose.host[..., 3] = 1.0
        self.target_pose.push()
        self.target_velocity = new(batch, frames, 3, dtype=vec3)
        self.target_turning = new(batch, frames, 3, dtype=vec3)
        self._substeps, self._h = new(1, kind=np.int32, dtype=wp.int32), new(1)
        self._refused = new(batch, kind=np.int32, dtype=wp.int32)
        self._metric, self._force = new(batch, count, count), new(batch, count)
        self._no_metric, self._no_force = new(0, count, count), new(0, count)

    def _goals_struct(self, world: Array) -> Any:
        goals = self._types.Goals()
        goals.base_axes = self._types.mat33(quat_to_matrix(world[3:]).astype(self._scalar))
        goals.base_origin = self._types.vec3(world[:3].astype(self._scalar))
        goals.posture, goals.flags = self._posture.device, self.target_flags.device
        goals.pose = self.target_pose.device
        goals.velocity, goals.turning = self.target_velocity.device, self.target_turning.device
        return goals

    def _command(self, name: str) -> SplitLaunch:
        """The recorded launch that also writes metric and force ("full"), or not ("lean")."""
        if name not in self._commands:
            parts = split_batch(self.batch, threads=self._threads)
            self._commands[name] = SplitLaunch([self._record(name, first, count).launch for first, count in parts])
        return self._commands[name]

    def _record(self, name: str, first: int, count: int) -> RecordedLaunch:
        from teletwin.twin.rmpflow.kernel import flow_kernel

        outputs = [self._metric, self._force] if name == "full" else [self._no_metric, self._no_force]
        inputs = [self._substeps, self._h, first, self.q, self.qd, self.acceleration, *outputs, self._refused]
        return record(
            flow_kernel(self.joint_count, self.dtype),
            dim=count,
            inputs=[*self._structs, *(item.device if isinstance(item, SharedArray) else item for item in inputs)],
            device=self.device,
        )

    def warm_up(self) -> float:
        """Compile what is not in the cache; return the seconds that it took."""
        start_s = time.perf_counter()
        self._command("lean")
        return time.perf_counter() - start_s

    @property
    def refused_count(self) -> int:
        """How many steps were not taken because they were not finite, over all arms."""
        return int(self._refused.pull().sum())

    def set_cspace_target(self, q: ArrayLike) -> None:
        """Set the posture that joints are pulled to, (n,) or (batch, n) [rad or m]."""
        self._posture.write(q)

    def set_target(
        self,
        pose: ArrayLike,
        *,
        position: bool = True,
        orientation: bool = True,
        velocity: ArrayLike = 0.0,
        angular_velocity: ArrayLike = 0.0,
        frame: int = 0,
    ) -> None:
        """Set where frames[frame] shall be: (7,) or (batch, 7), and how fast that moves, (3,) or (batch, 3).

        The velocities [m/s], [rad/s] in the world frame are subtracted in the damping terms; zeros are the
        stock policy.
        """
        self.target_pose.host[:, frame] = pose
        self.target_velocity.host[:, frame] = velocity
        self.target_turning.host[:, frame] = angular_velocity
        self.target_flags.host[:, frame] = int(position) + 2 * int(orientation)
        for array in (self.target_pose, self.target_velocity, self.target_turning, self.target_flags):
            array.push()

    def clear_target(self, *, frame: int = 0) -> None:
        """Stop pulling frames[frame]; its damping stays."""
        self.target_flags.host[:, frame] = 0
        self.target_flags.push()

    def _shaped(self, values: ArrayLike) -> Values:
        array = np.asarray(values, dtype=self._scalar)
        if array.shape not in ((self.joint_count,), (self.batch, self.joint_count)):
            allowed = f"({self.joint_count},) or ({self.batch}, {self.joint_count})"
            raise ConfigError("RMPflow: joint vector of the wrong size", given=array.shape, allowed=allowed)
        return array

    def _load(self, q: ArrayLike, qd: ArrayLike) -> bool:
        """Write the joint state; tell whether answers shall have a batch dimension."""
        position, speed = self._shaped(q), self._shaped(qd)
        self.q.write(position)
        self.qd.write(speed)
        return self.batch > 1 or position.ndim == 2

    def _set_dt(self, dt_s: float) -> None:
        if dt_s == self._dt_s:
            return
        if not (math.isfinite(dt_s) and dt_s >= 0.0):
            raise ConfigError("RMPflow: dt_s", given=dt_s, allowed="finite and >= 0")
        substeps = math.ceil(dt_s / self.config.maximum_substep_size_s - 1e-9)
        self._substeps.write(substeps)
        self._h.write(dt_s / max(substeps, 1))
        self._dt_s = dt_s

    def evaluate(self, q: ArrayLike, qd: ArrayLike) -> Values:
        """Joint acceleration at (q, qd) [rad/s^2 or m/s^2], limited in norm by the metric projection."""
        batched = self._load(q, qd)
        self._set_dt(0.0)
        self._command("lean").launch()
        out = self.acceleration.pull().copy()
        return out if batched else out[0]

    def force_and_metric(self, q: ArrayLike, qd: ArrayLike) -> tuple[Values, Values]:
        """Combined force (..., n) and metric (..., n, n) at (q, qd), before any limit."""
        batched = self._load(q, qd)
        self._set_dt(0.0)
        self._command("full").launch()
        force, metric = self._force.pull().copy(), self._metric.pull().copy()
        return (force, metric) if batched else (force[0], metric[0])

    def step(self, q: ArrayLike, qd: ArrayLike, dt_s: float) -> tuple[Values, Values]:
        """Advance (q, qd) by dt_s [s]; explicit Euler in equal sub-steps of at most the configured size."""
        batched = self._load(q, qd)
        self.advance(dt_s)
        out_q, out_qd = self.q.pull().copy(), self.qd.pull().copy()
        return (out_q, out_qd) if batched else (out_q[0], out_qd[0])

    def rest(self, rows: NDArray[np.intp] | None = None) -> None:
        """Forget the acceleration of the last step, from which the next would be reached; rows: all when None."""
        values = self.acceleration.pull()
        values[slice(None) if rows is None else rows] = 0.0
        self.acceleration.push()

    def advance(self, dt_s: float) -> None:
        """Advance the state that lies in `q` and `qd` (shared arrays) by dt_s [s], in place."""
        self._set_dt(dt_s)
        self._command("lean").launch()
