"""Draws of numpy's generators in the order of the official simulator, to be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin_training.allocation.scenario import Scenario


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """What happens in N cells whatever an allocator does."""

    positions: Array
    """(N, devices, 2) [m]."""
    waypoints: Array
    """(N, 2, K, 2) in [0, 1): of users and of sensors."""
    jobs: Array
    """(N, steps, devices, 2) data and work; data of 0 where there is no job."""


def official_draws(scenario: Scenario, seeds: Sequence[int]) -> Draws:
    """Draws of one episode for each seed: positions, movement and jobs have generators of their own, seeded alike.

    Raises:
        ConfigError: The official simulator has no such scenario, so that there is no order to follow.
    """
    jobs = scenario.jobs
    if scenario.arrivals or scenario.traffic.order == "random" or (jobs.data_unit, jobs.compute_unit) != (1.0, 1.0):
        raise ConfigError(
            "draws of numpy are for scenarios of the official kind",
            given=scenario.name,
            allowed="no arrivals, phases in turn, sizes counted in units of 1",
        )
    width, height = scenario.size_m
    count = _waypoint_count(scenario)
    positions, waypoints, made = [], [], []
    for seed in seeds:
        positions.append(np.random.default_rng(seed).random((scenario.devices, 2)) * (width, height))
        stream = np.random.default_rng(seed).random((count, 2))
        waypoints.append(np.stack([stream, stream]))
        made.append(_jobs(scenario, np.random.default_rng(seed)))
    return Draws(positions=np.array(positions), waypoints=np.array(waypoints), jobs=np.array(made))


def _waypoint_count(scenario: Scenario) -> int:
    """As many as can be reached: one that is within reach is used up in the step in which it is drawn."""
    return max(scenario.users, scenario.sensors) * (scenario.steps + 1)


def _jobs(scenario: Scenario, rng: np.random.Generator) -> Array:
    made = np.zeros((scenario.steps, scenario.devices, 2))
    jobs, traffic = scenario.jobs, scenario.traffic
    for step in range(scenario.steps):
        level = traffic.levels[step // traffic.phase_steps % len(traffic.levels)]
        request = jobs.request_data * level.request_data, jobs.request_compute * level.request_compute
        update = jobs.update_data * level.update_data, jobs.update_compute * level.update_compute
        for user in range(scenario.users):
            if rng.random() < jobs.probability * level.probability:
                made[step, user] = max(rng.poisson(request[0]), 1), max(rng.poisson(request[1]), 1)
        updates = rng.poisson(np.tile(update, (scenario.sensors, 1)))
        made[step, scenario.users :] = np.maximum(updates, 1)
    return made


def even_draws(scenario: Scenario, positions: Array) -> Draws:
    """Every device makes a job of the mean size in every step, where it stands: positions (devices, 2)."""
    jobs = np.empty((1, scenario.steps, scenario.devices, 2))
    jobs[:, :, : scenario.users] = scenario.jobs.request_data, scenario.jobs.request_compute
    jobs[:, :, scenario.users :] = scenario.jobs.update_data, scenario.jobs.update_compute
    return Draws(positions=np.asarray(positions)[None], waypoints=np.zeros((1, 2, 1, 2)), jobs=jobs)


def check_draws(draws: Draws, scenario: Scenario, count: int) -> None:
    """Refuse draws that the kernels would read beyond.

    Raises:
        ConfigError: They are of other cells.
    """
    needed = [
        number * (scenario.steps + 1) if speed > 0.0 else 1
        for number, speed in ((scenario.users, scenario.user_speed), (scenario.sensors, scenario.sensor_speed))
    ]
    shapes = {"positions": (count, scenario.devices, 2), "jobs": (count, scenario.steps, scenario.devices, 2)}
    shapes["waypoints"] = (count, 2, max(max(needed), draws.waypoints.shape[2]), 2)
    for name, wanted in shapes.items():
        given = getattr(draws, name).shape
        if given != wanted:
            raise ConfigError(f"{name} of the draws do not fit the cells", given=given, allowed=wanted)
