"""Draws of numpy's generators in the order of the official simulator, to be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    """Draws of one episode for each seed: positions, movement and jobs have generators of their own, seeded alike."""
    width, height = scenario.size_m
    count = _waypoint_count(scenario)
    positions, waypoints, jobs = [], [], []
    for seed in seeds:
        positions.append(np.random.default_rng(seed).random((scenario.devices, 2)) * (width, height))
        stream = np.random.default_rng(seed).random((count, 2))
        waypoints.append(np.stack([stream, stream]))
        jobs.append(_jobs(scenario, np.random.default_rng(seed)))
    return Draws(positions=np.array(positions), waypoints=np.array(waypoints), jobs=np.array(jobs))


def _waypoint_count(scenario: Scenario) -> int:
    """More than can be reached: each takes a step to draw."""
    return max(scenario.users, scenario.sensors) * (scenario.steps // 2 + 2)


def _jobs(scenario: Scenario, rng: np.random.Generator) -> Array:
    made = np.zeros((scenario.steps, scenario.devices, 2))
    jobs, traffic = scenario.jobs, scenario.traffic
    for step in range(scenario.steps):
        level = traffic.levels[step // traffic.phase_steps % len(traffic.levels)]
        for user in range(scenario.users):
            if rng.random() < jobs.probability * level.probability:
                made[step, user, 0] = rng.poisson(jobs.request_data * level.request_data)
                made[step, user, 1] = rng.poisson(jobs.request_compute * level.request_compute)
                made[step, user] = np.maximum(made[step, user], 1)
        for sensor in range(scenario.users, scenario.devices):
            made[step, sensor, 0] = max(rng.poisson(jobs.update_data * level.update_data), 1)
            made[step, sensor, 1] = max(rng.poisson(jobs.update_compute * level.update_compute), 1)
    return made


def even_draws(scenario: Scenario, positions: Array) -> Draws:
    """Every device makes a job of the mean size in every step, where it stands: positions (devices, 2)."""
    jobs = np.empty((1, scenario.steps, scenario.devices, 2))
    jobs[:, :, : scenario.users] = scenario.jobs.request_data, scenario.jobs.request_compute
    jobs[:, :, scenario.users :] = scenario.jobs.update_data, scenario.jobs.update_compute
    return Draws(positions=np.asarray(positions)[None], waypoints=np.zeros((1, 2, 1, 2)), jobs=jobs)
