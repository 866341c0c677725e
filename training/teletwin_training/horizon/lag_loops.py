"""Some loops with the arm as a lag, on one thread or one GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.twin.rmpflow.arrays import SharedArray
from teletwin.warp_runtime import load_warp, record
from teletwin_training.horizon.tables import Tables

if TYPE_CHECKING:
    from teletwin_training.horizon.loops import LoopSettings, Places

POSE_CHANNELS = 7


class LoopArrays:
    """Structs and arrays of n environments, as the kernels want them."""

    def __init__(
        self, tables: Tables, params: dict[str, NDArray[Any]], *, causal: bool, channels: int = POSE_CHANNELS
    ) -> None:
        self.tables, self.channels = tables, channels
        self._wp = load_warp()
        from teletwin_training.horizon import motion_types_kernel as types

        self.types: Any = types
        self.count = count = len(params["servo_guess"])
        self.motion, self.times = types.Motion(), types.Times()
        self.motion.poses, self.motion.curves, self.motion.ring = tables.poses, tables.curves, tables.ring
        self.motion.seen, self.times.sample_age = tables.seen, tables.ages
        for name, values in tables.times.items():
            setattr(self.times, name, values)
        self.first_row, self.session, self.first_slot = (self.ints(np.zeros(count)) for _ in range(3))
        self.motion.first_row = self.times.first_row = self.first_row.device
        self.times.session, self.times.first_slot_of = self.session.device, self.first_slot.device
        self.params = types.Params()
        self.params.is_causal = int(causal)
        self._params = {name: self._shared(values) for name, values in params.items()}
        for name, values in self._params.items():
            setattr(self.params, name, values.device)
        self.control, self.render = self._path(channels), self._path(POSE_CHANNELS)
        self.horizons, self.errors = self.reals(count, 6), self.reals(count, 6)
        self.tool, self.shown = self.poses(count), self.poses(count)
        self.loop = self._loop()
        self.chosen = self.ints(np.zeros(count))
        self.start, self.start_pose = self.reals(count, channels), self.poses(count)

    def ints(self, values: Any) -> SharedArray:
        """An array of int32."""
        array = np.ascontiguousarray(values, dtype=np.int32)
        return SharedArray(array, warp_dtype=self._wp.int32, device=self.tables.device)

    def reals(self, *shape: int) -> SharedArray:
        """Zeros of float64."""
        return SharedArray(np.zeros(shape), warp_dtype=self._wp.float64, device=self.tables.device)

    def poses(self, *shape: int) -> SharedArray:
        """Zero poses."""
        return SharedArray(np.zeros((*shape, 7)), warp_dtype=self.types.vec7, device=self.tables.device)

    def _shared(self, values: NDArray[Any]) -> SharedArray:
        if values.dtype.kind == "i":
            return self.ints(values)
        array = self.reals(len(values))
        array.write(values)
        return array

    def _zeros(self, dtype: Any, *shape: int) -> Any:
        return self._wp.zeros(shape, dtype=dtype, device=self.tables.device)

    def _path(self, channels: int) -> Any:
        wp, count, path = self._wp, self.count, self.types.Path()
        for name in ("following", "has_last"):
            setattr(path, name, self._zeros(wp.int32, count))
        for name in ("last", "entry", "reference"):
            setattr(path, name, self._zeros(self.types.vec7, count))
        for name in ("step_v", "step_w", "velocity", "turn", "reference_v", "reference_w", "law_x", "law_v", "law_w"):
            setattr(path, name, self._zeros(wp.vec3d, count))
        path.horizon, path.doubts = self._zeros(wp.float64, count), self._zeros(wp.float64, count, 4)
        path.law_q = self._zeros(wp.quatd, count)
        path.start_s = self._zeros(wp.float64, count)
        for name in ("q", "qd"):
            setattr(path, name, self._zeros(wp.float64, count, channels))
        path.blend = self._zeros(wp.float64, count, 2, channels)
        return path

    def _loop(self) -> Any:
        wp, types, count, channels, loop = self._wp, self.types, self.count, self.channels, self.types.Loop()
        for name in ("slot", "tick", "arm_tick", "frame", "blend_start", "was_held", "tracked_tick"):
            setattr(loop, name, self._zeros(wp.int32, count))
        loop.blend_ticks = self._zeros(wp.float64, count)
        loop.horizons = self._zeros(wp.float64, count, types.ACTION_RING, 6)
        for name in ("command_q", "command_qd"):
            setattr(loop, name, self._zeros(wp.float64, count, types.COMMAND_RING, channels))
        loop.set_point = self._zeros(wp.float64, count, types.SERVO_RING, channels)
        for name in ("wanted", "wanted_rate", "tracked", "tracked_rate", "blend_from", "arm"):
            setattr(loop, name, self._zeros(wp.float64, count, channels))
        loop.shown_ring = self._zeros(types.vec7, count, types.FRAME_RING)
        loop.tool, loop.shown, loop.errors = self.tool.device, self.shown.device, self.errors.device
        return loop

    def settle(self, places: Places, params: dict[str, NDArray[Any]] | None) -> None:
        """Write where the chosen environments begin."""
        rows = places.rows
        for array, values in (
            (self.first_row, places.first_row),
            (self.session, places.session),
            (self.first_slot, places.first_slot),
        ):
            array.host[rows] = values
            array.push()
        for name, values in (params or {}).items():
            self._params[name].host[rows] = values
            self._params[name].push()
        self.chosen.host[:] = 0
        self.chosen.host[rows] = 1
        self.chosen.push()
        self.horizons.host[rows] = places.horizons
        self.horizons.push()
        self.start_pose.push()
        self.start.push()


class LagLoops:
    """A `LoopPart` in one launch a slot."""

    def __init__(self, tables: Tables, params: dict[str, NDArray[Any]], *, causal: bool) -> None:
        self._arrays = arrays = LoopArrays(tables, params, causal=causal)
        from teletwin_training.horizon.lag_kernel import lag_slot
        from teletwin_training.horizon.reset_kernel import reset_loops

        common = [arrays.control, arrays.render, arrays.loop]
        inputs = [arrays.motion, arrays.times, arrays.params, *common, arrays.horizons.device]
        starts = [arrays.start.device, arrays.start_pose.device, arrays.horizons.device]
        options: dict[str, Any] = {"dim": arrays.count, "device": tables.device}
        self._step = record(lag_slot, inputs=inputs, **options)
        self._reset = record(reset_loops, inputs=[arrays.chosen.device, arrays.times, *common, *starts], **options)
        self._hands: Array = tables.poses.numpy().reshape(-1, 7)

    def place(self, places: Places, settings: LoopSettings | None) -> None:
        """Begin episodes with the arms where the hands are."""
        from teletwin_training.horizon.loops import params_of

        arrays = self._arrays
        start = self._hands[places.first_row]
        arrays.start_pose.host[places.rows] = start
        arrays.start.host[places.rows] = start
        arrays.settle(places, settings and params_of(settings))
        self._reset.launch()

    def step(self) -> None:
        """One slot."""
        self._step.launch()

    @property
    def horizons(self) -> SharedArray:
        """(n, 6) to be written before a step."""
        return self._arrays.horizons

    @property
    def errors(self) -> SharedArray:
        """(n, 6) of the newest step."""
        return self._arrays.errors

    @property
    def tool(self) -> Array:
        """Poses (n, 7) of the arms' tools."""
        return self._arrays.tool.pull()

    @property
    def shown(self) -> Array:
        """Poses (n, 7) on the screens."""
        return self._arrays.shown.pull()
