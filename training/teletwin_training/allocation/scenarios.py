"""The cells by name: the official ones, the paper's, upstream's arrivals, and one like a teleoperation."""

from __future__ import annotations

import dataclasses
from typing import Any

from teletwin.errors import ConfigError
from teletwin_training.allocation.scenario import Arrivals, Jobs, Level, Objective, Radio, Scenario, Traffic

COMPATS = ("official", "paper")
_PAPER: dict[str, Any] = {
    "user_speed": 1.5,
    "compute": 100.0,
    "jobs": Jobs(request_data=50.0, request_compute=5.0, update_data=70.0, update_compute=7.0),
}
_THREE = Radio(stations=((90.0, 50.0), (150.0, 120.0), (30.0, 120.0)))
CHANGING = Traffic(
    levels=(
        Level(request_data=1.9, request_compute=1.9, update_data=0.2, update_compute=0.2),
        Level(request_data=0.4, request_compute=0.4, update_data=0.65, update_compute=0.65),
    )
)
"""Phases that need about nine tenths of link and compute, now mostly for requests, now mostly for updates."""
OVERLOADED = Traffic(
    levels=(
        Level(),
        Level(request_data=2.0, request_compute=2.0, update_data=0.4, update_compute=0.4),
        Level(request_data=0.4, request_compute=0.4, probability=0.6, update_data=1.8, update_compute=1.8),
        Level(request_data=1.5, update_data=1.2, update_compute=0.5),
    )
)
"""The same with more than can be served in most phases."""
_PROFILES: dict[str, tuple[int, float, float, float, Arrivals]] = {
    "low": (15, 0.5, 0.5, 0.6, Arrivals(window=(0.0, 0.8), mean_stay_steps=70)),
    "medium": (25, 1.0, 1.0, 0.8, Arrivals(window=(0.0, 0.5), mean_stay_steps=80)),
    "high": (40, 2.0, 2.0, 0.9, Arrivals(window=(0.0, 0.2), mean_stay_steps=90)),
    "ramp_up": (30, 1.5, 1.5, 0.8, Arrivals(window=(0.2, 0.9), mean_stay_steps=75)),
    "ramp_down": (30, 1.0, 0.8, 0.7, Arrivals(window=(0.0, 0.2), mean_stay_steps=35)),
    "burst": (35, 3.0, 3.0, 0.9, Arrivals(window=(0.0, 0.9), mean_stay_steps=45, crowd=(0.5, 0.08, 30.0))),
}


def _profile(name: str) -> Scenario:
    """Steps of 0.1 s; work in Gcycles, of which a step has 10."""
    users, data, work, chance, arrivals = _PROFILES[name]
    return Scenario(
        name=name,
        users=users,
        sensors=12,
        step_s=0.1,
        compute=10.0,
        radio=Radio(station_height_m=10.0, carrier_mhz=1500.0),
        jobs=Jobs(
            probability=chance,
            request_data=data,
            request_compute=work,
            update_data=0.5,
            update_compute=0.3,
            data_unit=1e-6,
            compute_unit=1e-9,
        ),
        objective=Objective(late_steps=5.0, deadline_steps=5, sync_steps=5),
        arrivals=arrivals,
    )


SCENARIOS: dict[str, Scenario] = {
    each.name: each
    for each in (
        Scenario(name="default"),
        Scenario(name="small", users=5, sensors=8),
        Scenario(name="large", users=20, sensors=10),
        Scenario(name="multi", users=15, sensors=20, radio=_THREE),
        Scenario(name="mobile_sensor", users=10, sensors=5, sensor_speed=1.0),
        Scenario(name="paper", users=10, sensors=15, **_PAPER),
        Scenario(name="changing", users=10, sensors=15, traffic=CHANGING, **_PAPER),
        Scenario(name="changing_overload", users=10, sensors=15, traffic=OVERLOADED, **_PAPER),
        *(_profile(name) for name in _PROFILES),
    )
}
"""Scenario by name; 'small' is larger than 'default', as it is upstream."""


def scenario(name: str, *, compat: str = "official", **changes: Any) -> Scenario:
    """A scenario, changed in some fields.

    Args:
        name: One of SCENARIOS.
        compat: 'official': jobs and compute of metalore 2.0.1, where compute hardly ever binds; 'paper': those of the
            code of the paper's time, where it does.
        changes: Fields of `Scenario`.

    Raises:
        ConfigError: There is no such scenario or setting.
    """
    if name not in SCENARIOS:
        raise ConfigError("no scenario has this name", given=name, allowed=", ".join(SCENARIOS))
    if compat not in COMPATS:
        raise ConfigError("no such compat", given=compat, allowed=", ".join(COMPATS))
    paper = _PAPER if compat == "paper" and name not in _PROFILES else {}
    return dataclasses.replace(SCENARIOS[name], **paper, **changes)
