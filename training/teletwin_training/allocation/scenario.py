"""What a cell is made of: radio, jobs, reward, and what may change from the official simulator."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from teletwin.errors import ConfigError

SCHEDULERS = ("equal", "backlog")
REWARDS = ("metalore", "deadline")
ORDERS = ("cycle", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """The uplink of every base station, Okumura-Hata for a small city (metalore 2.0.1)."""

    stations: tuple[tuple[float, float], ...] = ((100.0, 100.0),)
    """Positions (x, y) of the base stations [m]."""
    bandwidth_hz: float = 100e6
    """Of each base station."""
    carrier_mhz: float = 3500.0
    power_dbm: float = 40.0
    station_height_m: float = 40.0
    device_height_m: float = 1.5
    noise: float = 1e-9
    """In the unit that 10^(dBm / 10) has, mW."""
    least_snr: float = 2e-8
    """Links below are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Sizes are Poisson, never below 1, in steps of `data_unit` and `compute_unit`."""

    probability: float = 0.7
    """That a user device makes a request in a step; a sensor makes an update in every step."""
    request_data: float = 200.0
    """Mean size [Mbit], which the official simulator calls bits."""
    request_compute: float = 50.0
    """Mean work [cycles, in the unit of the base station's compute]."""
    update_data: float = 150.0
    update_compute: float = 50.0
    data_unit: float = 1.0
    """Size of one count of the Poisson draws of data."""
    compute_unit: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a phase of changing traffic does to jobs and resources: plain factors."""

    probability: float = 1.0
    request_data: float = 1.0
    request_compute: float = 1.0
    update_data: float = 1.0
    update_compute: float = 1.0
    bandwidth: float = 1.0
    compute: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Phases: every `phase_steps` another level, in turn or at random."""

    levels: tuple[Level, ...] = (Level(),)
    phase_steps: int = 25
    order: str = "cycle"
    """One of ORDERS; 'cycle' begins with the first level in every episode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """User devices that come and go, as upstream's profiles have it."""

    window: tuple[float, float]
    """Arrivals are uniform in this part of an episode."""
    mean_stay_steps: float
    """Stays are exponential."""
    crowd: tuple[float, float, float] | None = None
    """Half of the devices come together: normal around this part of an episode, its spread, their stay [steps]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What an allocator is rewarded for."""

    reward: str = "metalore"
    """'metalore': `base * discount^AoSI`, and `penalty` for AoRI above `late_steps`; 'deadline': `base` for each
    request that is both in time and in step with its sensor."""
    base: float = 10.0
    discount: float = 0.9
    penalty: float = -1.0
    late_steps: float = 2.0
    """AoRI above is late."""
    deadline_steps: int = 2
    """Largest AoRI of a request in time."""
    sync_steps: int = 2
    """Largest AoSI of one in step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A cell, or several under one allocation.

    Raises:
        ConfigError: It has no user device, no sensor or no base station, or nothing to send or compute with.
    """

    name: str
    users: int = 3
    sensors: int = 3
    size_m: tuple[float, float] = (200.0, 200.0)
    steps: int = 100
    """Of an episode."""
    step_s: float = 1.0
    user_speed: float = 0.5
    """Random waypoint [m/step]."""
    sensor_speed: float = 0.0
    compute: float = 1e9
    """Of each base station, in a step [cycles]."""
    radio: Radio = field(default_factory=Radio)
    jobs: Jobs = field(default_factory=Jobs)
    traffic: Traffic = field(default_factory=Traffic)
    arrivals: Arrivals | None = None
    objective: Objective = field(default_factory=Objective)
    scheduler: str = "equal"
    """How link is divided within a class: 'equal' Hz to all devices, also to those with nothing to send, or 'backlog':
    in proportion to what waits over spectral efficiency."""
    admission: bool = False
    """Superseded work is dropped: of a device's waiting jobs only the newest stays, beside one that has begun."""

    def __post_init__(self) -> None:
        counts = {"users": self.users, "sensors": self.sensors, "stations": len(self.radio.stations)}
        for name, count in counts.items():
            if count < 1:
                raise ConfigError(f"an empty cell: no {name}", given=count, allowed="1 or more")
        positive = {
            "bandwidth_hz": self.radio.bandwidth_hz,
            "noise": self.radio.noise,
            "compute": self.compute,
            "step_s": self.step_s,
            "phase_steps": self.traffic.phase_steps,
            "levels": len(self.traffic.levels),
            **{entry.name: getattr(self.jobs, entry.name) for entry in fields(Jobs)},
        }
        for name, value in positive.items():
            if not 0.0 < value < float("inf"):
                raise ConfigError(f"{name} of the cell cannot be used", given=value, allowed="above 0, finite")
        if not 1 <= self.steps <= 2000:
            raise ConfigError("an episode has another length", given=self.steps, allowed="1 ... 2000 steps")
        for name, value, allowed in (
            ("scheduler", self.scheduler, SCHEDULERS),
            ("reward", self.objective.reward, REWARDS),
            ("order of phases", self.traffic.order, ORDERS),
        ):
            if value not in allowed:
                raise ConfigError(f"no such {name}", given=value, allowed=", ".join(allowed))
        for name, value in (("user_speed", self.user_speed), ("sensor_speed", self.sensor_speed)):
            if not 0.0 <= value < float("inf"):
                raise ConfigError(f"{name} of the cell cannot be used", given=value, allowed="0 or more, finite")
        for level in self.traffic.levels:
            chance = self.jobs.probability * level.probability
            if chance > 1.0:
                raise ConfigError(
                    "requests cannot be more than certain", given=chance, allowed="probability of 0 ... 1"
                )
            for entry in fields(Level):
                if not 0.0 < getattr(level, entry.name) < float("inf"):
                    raise ConfigError(
                        f"factor {entry.name} of a level cannot be used",
                        given=getattr(level, entry.name),
                        allowed="above 0, finite",
                    )

    @property
    def devices(self) -> int:
        """User devices and sensors."""
        return self.users + self.sensors


def with_reward(scenario: Scenario, reward: str) -> Scenario:
    """The same cell under another reward."""
    return replace(scenario, objective=replace(scenario.objective, reward=reward))
