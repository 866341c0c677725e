"""Some cells on one thread or one GPU: the structs and arrays that the kernels want."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.twin.rmpflow.arrays import SharedArray
from teletwin.warp_runtime import load_warp, record
from teletwin_training.allocation.channel import log2_snr_line
from teletwin_training.allocation.poisson import poisson_tables
from teletwin_training.allocation.scenario import Scenario
from teletwin_training.allocation.streams import Draws

_SMOOTHING = 0.2
_BITS_PER_MBIT = 1e6


class Block:
    """n cells.

    Args:
        scenario: Of all of them.
        shared: Their part of the arrays that numpy knows, by the names of the kernels' `Cell`.
        draws: Replayed instead of drawn; of these cells.
        device: "cpu" or "cuda:0".
    """

    def __init__(
        self, scenario: Scenario, shared: dict[str, NDArray[Any]], *, draws: Draws | None, device: str
    ) -> None:
        self._wp = wp = load_warp()
        from teletwin_training.allocation import cell_types_kernel, cells_kernel

        self._scenario, self._draws = scenario, draws
        self._device, self._types = device, cell_types_kernel
        self._count = count = len(shared["key"])
        kinds = {np.dtype(np.int32): wp.int32, np.dtype(np.float64): wp.float64}
        self.shared = {
            name: SharedArray(array, warp_dtype=kinds[array.dtype], device=device) for name, array in shared.items()
        }
        self.cell = self._cell()
        inputs = [self._rules(replayed=draws is not None), self.cell, self._replay(draws)]
        self._reset, self._advance = (
            record(kernel, dim=count, inputs=inputs, device=device)
            for kernel in (cells_kernel.reset, cells_kernel.advance)
        )

    def reset(self) -> None:
        """Begin an episode in every cell that is done."""
        if self._draws:
            begun = self.shared["done"].host[:, None, None] != 0
            places = np.where(begun, self._draws.positions, self.cell.position.numpy())
            self.cell.position.assign(np.ascontiguousarray(places))
        self.shared["key"].push()
        self.shared["done"].push()
        self._reset.launch()
        self._pull("seen", "totals", "histogram", "shares")

    def advance(self) -> None:
        """One step with `shares`."""
        self.shared["shares"].push()
        self._advance.launch()
        self._pull("seen", "reward", "done", "totals", "histogram")

    def _pull(self, *names: str) -> None:
        if self._device != "cpu":
            for name in names:
                self.shared[name].pull()

    def _array(self, values: Any, dtype: Any) -> Any:
        return self._wp.array(values, dtype=dtype, device=self._device)

    def _zeros(self, dtype: Any, *shape: int) -> Any:
        return self._wp.zeros((self._count, *shape), dtype=dtype, device=self._device)

    def _cell(self) -> Any:
        wp, scenario, cell = self._wp, self._scenario, self._types.Cell()
        users, sensors, devices = scenario.users, scenario.sensors, scenario.devices
        stations, steps = len(scenario.radio.stations), scenario.steps
        for name, array in self.shared.items():
            setattr(cell, name, array.device)
        shapes: list[tuple[Any, tuple[int, ...], str]] = [
            (wp.int32, (), "step end level"),
            (wp.int32, (users,), "arrives leaves"),
            (wp.int32, (sensors,), "latest"),
            (wp.int32, (devices,), "has_waypoint station head newest where"),
            (wp.int32, (stations, 2), "links queue tail length serving"),
            (wp.int32, (users, steps), "near"),
            (wp.int32, (devices, steps), "next"),
            (wp.float64, (devices,), "efficiency left waiting"),
            (wp.float64, (stations, 2), "cycles pending"),
            (wp.float64, (stations,), "need"),
            (wp.float64, (4,), "load made"),
            (wp.vec2d, (devices,), "position waypoint"),
            (wp.float32, (devices, steps), "data work"),
        ]
        for dtype, shape, names in shapes:
            for name in names.split():
                setattr(cell, name, self._zeros(dtype, *shape))
        return cell

    def _replay(self, draws: Draws | None) -> Any:
        wp, replay = self._wp, self._types.Replay()
        replay.used = self._zeros(wp.int32, 2)
        empty: Array = np.zeros((1, 1, 1, 1))
        replay.waypoints = self._array(draws.waypoints if draws else empty, wp.float64)
        replay.jobs = self._array(draws.jobs if draws else empty, wp.float64)
        return replay

    def _rules(self, *, replayed: bool) -> Any:
        rules, scenario = self._types.Rules(), self._scenario
        radio, jobs, goal = scenario.radio, scenario.jobs, scenario.objective
        rules.users, rules.sensors, rules.steps = scenario.users, scenario.sensors, scenario.steps
        rules.width, rules.height = scenario.size_m
        rules.user_speed, rules.sensor_speed = scenario.user_speed, scenario.sensor_speed
        rules.stations = self._array(np.array(radio.stations), self._wp.vec2d)
        rules.snr_at_km, rules.snr_slope = log2_snr_line(radio)
        rules.least_snr, rules.bandwidth = radio.least_snr, radio.bandwidth_hz
        rules.mbit_per_hz, rules.compute = scenario.step_s / _BITS_PER_MBIT, scenario.compute
        rules.late_steps, rules.base = goal.late_steps, goal.base
        rules.discount, rules.penalty = goal.discount, goal.penalty
        rules.deadline_steps, rules.sync_steps = goal.deadline_steps, goal.sync_steps
        rules.is_deadline, rules.by_backlog = int(goal.reward == "deadline"), int(scenario.scheduler == "backlog")
        rules.admits, rules.is_replayed, rules.smoothing = int(scenario.admission), int(replayed), _SMOOTHING
        rules.unit = self._wp.vec2d(jobs.data_unit, jobs.compute_unit)
        self._set_traffic(rules)
        self._set_arrivals(rules)
        return rules

    def _set_traffic(self, rules: Any) -> None:
        jobs, traffic, wp = self._scenario.jobs, self._scenario.traffic, self._wp
        levels = traffic.levels
        rules.levels, rules.phase_steps = len(levels), traffic.phase_steps
        rules.is_random = int(traffic.order == "random")
        chances = [jobs.probability * level.probability for level in levels]
        rules.probability = self._array(np.array(chances), wp.float64)
        rules.bandwidth_factor = self._array(np.array([level.bandwidth for level in levels]), wp.float64)
        rules.compute_factor = self._array(np.array([level.compute for level in levels]), wp.float64)
        means: list[float] = []
        for level in levels:
            means += [
                jobs.request_data * level.request_data / jobs.data_unit,
                jobs.request_compute * level.request_compute / jobs.compute_unit,
                jobs.update_data * level.update_data / jobs.data_unit,
                jobs.update_compute * level.update_compute / jobs.compute_unit,
            ]
        tables = poisson_tables(means)
        rules.kept, rules.alias = self._array(tables.kept, wp.float32), self._array(tables.alias, wp.int32)
        rules.first, rules.bin_width = self._array(tables.first, wp.float32), self._array(tables.width, wp.float32)

    def _set_arrivals(self, rules: Any) -> None:
        arrivals = self._scenario.arrivals
        rules.arrives = int(arrivals is not None)
        if arrivals is not None:
            rules.window, rules.stay = self._wp.vec2d(*arrivals.window), arrivals.mean_stay_steps
            rules.crowd = self._wp.vec3d(*(arrivals.crowd or (0.0, 0.0, 0.0)))
