"""Some loops in joint space: RMPflow, smoothing and limits of the runtime itself; shown arms remain lags."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import IDENTITY_POSE, Array
from teletwin.robot.canonical import canonical
from teletwin.robot.frames import swap_base
from teletwin.robot.ur3e import HOME_Q, TOOL_FRAME, load_ur3e, tool_pose_in_ur_base
from teletwin.safety import MotionLimits
from teletwin.twin.limits import BatchLimiter
from teletwin.twin.rmpflow.arrays import SharedArray
from teletwin.twin.rmpflow.borders import keep_clear
from teletwin.twin.rmpflow.flow import RmpFlow
from teletwin.twin.rmpflow.policy import load_ur3e_rmpflow
from teletwin.warp_runtime import RecordedLaunch, record
from teletwin_training.horizon.lag_loops import LoopArrays
from teletwin_training.horizon.tables import Tables
from teletwin_training.horizon.timing import TICKS_PER_SLOT

if TYPE_CHECKING:
    from teletwin_training.horizon.loops import LoopSettings, Places

_TICK_S = 0.002
_BOTH_TARGETS = 3
_JOINTS = 6


class Drives(Protocol):
    """What moves the joints behind the controller's servo law."""

    @property
    def joints(self) -> Any:
        """Joints (n, 6) [rad] on the device, one and the same array."""
        ...

    def place(self, rows: NDArray[np.intp]) -> None:
        """Rest at home; rows (k,) are the arms whose episodes begin."""
        ...

    def step(self) -> None:
        """Go on to the end of a tick; the law's reference is `loop.arm`."""
        ...


class IdealDrives:
    """The joints are the law's reference itself, without masses."""

    def __init__(self, arrays: LoopArrays) -> None:
        self.joints: Any = arrays.loop.arm

    def place(self, rows: NDArray[np.intp]) -> None:
        """They rest where the reference does."""

    def step(self) -> None:
        """They are there already."""


class RmpFlowLoops:
    """A `LoopPart` of seven launches a tick; causal."""

    def __init__(
        self, tables: Tables, settings: LoopSettings, *, drives: Callable[[LoopArrays], Drives] = IdealDrives
    ) -> None:
        from teletwin_training.horizon.loops import params_of

        self._arrays = arrays = LoopArrays(tables, params_of(settings), causal=True, channels=_JOINTS)
        world = swap_base(IDENTITY_POSE)
        self._flow = RmpFlow(
            load_ur3e(),
            load_ur3e_rmpflow(),
            batch=arrays.count,
            threads=1,
            world_in_root=world,
            device=tables.device,
            clear_of=keep_clear(load_ur3e()),
        )
        self._flow.set_cspace_target(HOME_Q)
        self._flow.target_flags.write(_BOTH_TARGETS)
        self._limits, self._arm_limits = (
            BatchLimiter(batch=arrays.count, device=tables.device, threads=1) for _ in range(2)
        )
        for limits in (self._limits, self._arm_limits):
            limits.state.has_velocity.fill_(1)
            limits.state.body_speed_cap.fill_(MotionLimits().max_body_speed_m_s)
            limits.state.tool_speed_cap.fill_(MotionLimits().max_tool_speed_m_s)
        self._drives = drives(arrays)
        self._tools = arrays.reals(arrays.count, 7)
        self._flow.warm_up()  # recorded here: two threads that record one kernel at once crash
        self._launches = self._record()
        self._home_pose = tool_pose_in_ur_base(HOME_Q)

    def _record(self) -> dict[str, RecordedLaunch]:
        """Every launch, recorded once."""
        arrays, flow = self._arrays, self._flow
        from teletwin_training.horizon import joint_kernels as kernels
        from teletwin_training.horizon.reset_kernel import reset_loops

        motion, times, params, loop = arrays.motion, arrays.times, arrays.params, arrays.loop
        control, render = arrays.control, arrays.render
        flow_state = [flow.q.device, flow.qd.device]
        target = [flow.target_pose.device, flow.target_velocity.device, flow.target_turning.device]
        limits, arm_limits = self._limits.state, self._arm_limits.state
        starts = [arrays.start.device, arrays.start_pose.device, arrays.horizons.device]
        inputs: dict[Any, list[Any]] = {
            kernels.joint_begin: [motion, loop, arrays.horizons.device],
            kernels.joint_target: [motion, times, params, control, loop, *target, *flow_state],
            kernels.joint_smooth: [params, control, loop, *flow_state, limits],
            kernels.joint_arm: [times, params, control, loop, limits, arm_limits],
            kernels.joint_set_point: [loop, arm_limits],
            kernels.joint_judge: [motion, times, loop, self._tools.device],
            kernels.joint_end: [motion, times, params, render, loop],
            reset_loops: [arrays.chosen.device, times, control, render, loop, *starts],
        }
        options: dict[str, Any] = {"dim": arrays.count, "device": arrays.tables.device}
        launches = {kernel.key.split(".")[-1]: record(kernel, inputs=i, **options) for kernel, i in inputs.items()}
        launches["tools"] = self._record_tools(options)
        return launches

    def _record_tools(self, options: dict[str, Any]) -> RecordedLaunch:
        """Tool poses of the arms, in the UR base."""
        from teletwin.robot.warp_chain import chain_data, chain_types, tool_kernel

        chain, types = load_ur3e().chain, chain_types(_JOINTS, "float64")
        shape = canonical(chain)
        joint, offset, axes = shape.place(chain.frame(TOOL_FRAME))
        base = np.diag([-1.0, -1.0, 1.0])
        data = chain_data(types, shape, self._arrays.tables.device)
        inputs = [data, joint, types.vec3(offset), types.mat33(axes), types.mat33(base)]
        inputs += [self._drives.joints, self._tools.device]
        return record(tool_kernel(_JOINTS, "float64"), inputs=inputs, **options)

    def place(self, places: Places, settings: LoopSettings | None) -> None:
        """Begin episodes with the arms at home."""
        from teletwin_training.horizon.loops import params_of

        arrays = self._arrays
        arrays.start_pose.host[places.rows] = self._home_pose
        arrays.start.host[places.rows] = HOME_Q
        arrays.settle(places, settings and params_of(settings))
        self._launches["reset_loops"].launch()
        self._flow.rest(places.rows)
        for limits in (self._limits, self._arm_limits):
            limits.reset(HOME_Q, rows=places.rows)
        self._drives.place(places.rows)

    def step(self) -> None:
        """One slot."""
        self.begin_slot()
        for tick in range(TICKS_PER_SLOT):
            self.begin_tick()
            self._drives.step()
            self.end_tick(tick)
        self.end_slot()

    def begin_slot(self) -> None:
        """Take the slot's horizons; judge what is on the screen."""
        self._launches["joint_begin"].launch()

    def begin_tick(self) -> None:
        """The control path of a tick, up to the reference that the drives are to follow."""
        run = self._launches
        run["joint_target"].launch()
        self._flow.advance(_TICK_S)
        run["joint_smooth"].launch()
        self._limits.tick()
        run["joint_arm"].launch()

    def end_tick(self, tick: int) -> None:
        """What follows from where the drives have brought the joints by the end of a tick of the slot, 0 the first."""
        run = self._launches
        if tick == 0:
            run["tools"].launch()
            run["joint_judge"].launch()
        self._arm_limits.tick()
        run["joint_set_point"].launch()

    def end_slot(self) -> None:
        """Begin the pictures that are due; the errors are complete."""
        self._launches["joint_end"].launch()

    @property
    def horizons(self) -> SharedArray:
        """(n, 6) to be written before a step."""
        return self._arrays.horizons

    @property
    def errors(self) -> SharedArray:
        """(n, 6) of the newest step."""
        return self._arrays.errors

    @property
    def joints(self) -> Array:
        """Joints (n, 6) of the arms [rad]."""
        return self._drives.joints.numpy()

    @property
    def tool(self) -> Array:
        """Poses (n, 7) of the arms' tools."""
        return self._arrays.tool.pull()

    @property
    def shown(self) -> Array:
        """Poses (n, 7) on the screens."""
        return self._arrays.shown.pull()
