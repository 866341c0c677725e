"""Sessions on many networks: their times as tables, and what the operator knows of the delays in each slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.horizon.observation import DELAY_NAMES, DelayFeatures
from teletwin.session.build import SERVO_LAG_S
from teletwin_training.horizon.conditions import Schedule, draw_schedule
from teletwin_training.horizon.pictures import Pictures, time_pictures
from teletwin_training.horizon.timing import SLOT_NS, Timing, time_session

START_SLOT = 300
"""Slots of a session before an episode may begin: estimates of delays have settled by then."""
_LATER_MS = 1 << 30


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionBank:
    """Sessions side by side, one row each."""

    conditions: tuple[str, ...]
    """(sessions,) name of each session's network."""
    timings: tuple[Timing, ...]
    pictures: tuple[Pictures, ...]
    delays: Array
    """(sessions, slots, features) what a policy sees of the delays, see horizon.observation."""
    rule_control_s: Array
    """(sessions, slots) measured T_control, the arm's lag in it [s]; -1 unknown."""
    display_s: Array
    """(sessions, slots) measured T_render [s]; -1 unknown."""
    aol_s: Array
    """(sessions, slots) Age of Loop [s]; -1 unknown."""

    def __len__(self) -> int:
        return len(self.timings)

    @property
    def slot_count(self) -> int:
        """Slots of every session."""
        return self.delays.shape[1]

    def of(self, condition: str) -> NDArray[np.intp]:
        """Numbers of the sessions on this network."""
        return np.flatnonzero(np.array(self.conditions) == condition)

    def stacked(self, name: str) -> NDArray:
        """One array of `Timing` or `Pictures`, (sessions, ...), padded with what never comes."""
        rows = [getattr(timing if hasattr(timing, name) else picture, name) for timing, picture in self._pairs()]
        length = max(map(len, rows))
        fill = _LATER_MS if name == "begun_ms" else 0
        return np.stack([np.pad(row, (0, length - len(row)), constant_values=fill) for row in rows])

    def _pairs(self) -> Sequence[tuple[Timing, Pictures]]:
        return list(zip(self.timings, self.pictures, strict=True))


def draw_sessions(
    conditions: Sequence[str],
    *,
    each: int,
    duration_s: float,
    seed: int,
    progress: Callable[[], None] = lambda: None,
) -> SessionBank:
    """`each` sessions on every network, of duration_s [s]; the same seed gives the same networks."""
    names, seeds, schedules = [], [], []
    for condition in conditions:
        for number in range(each):
            rng = np.random.default_rng([seed, number, *condition.encode()])
            names.append(condition)
            seeds.append(int(rng.integers(1 << 31)))
            schedules.append(draw_schedule(condition, rng, duration_s))
    return bank_of_schedules(schedules, seeds=seeds, names=names, duration_s=duration_s, progress=progress)


def bank_of_schedules(
    schedules: Sequence[Schedule],
    *,
    seeds: Sequence[int],
    names: Sequence[str],
    duration_s: float,
    progress: Callable[[], None] = lambda: None,
) -> SessionBank:
    """Sessions of duration_s [s] on these networks, each with the seed that a live one has."""
    timings, pictures = [], []
    for schedule, seed in zip(schedules, seeds, strict=True):
        timings.append(time_session(schedule, seed=seed, duration_s=duration_s))
        pictures.append(time_pictures(schedule, timings[-1], seed=seed))
        progress()
    control = np.stack([np.where(t.aol_s >= 0.0, t.link_control_s + SERVO_LAG_S, -1.0) for t in timings])
    return SessionBank(
        conditions=tuple(names),
        timings=tuple(timings),
        pictures=tuple(pictures),
        delays=np.stack([_seen(t, p) for t, p in zip(timings, pictures, strict=True)]),
        rule_control_s=control,
        display_s=np.stack([p.display_delay_s for p in pictures]),
        aol_s=np.stack([t.aol_s for t in timings]),
    )


def _seen(timing: Timing, pictures: Pictures) -> Array:
    """Delay features (slots, features) by the runtime's own tracker."""
    features, out = DelayFeatures(), np.zeros((timing.slot_count, len(DELAY_NAMES)))
    columns = (timing.aol_s, timing.uplink_age_s, timing.link_control_s, pictures.display_delay_s)
    for slot, (aol_s, uplink_s, link_s, display_s) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        features.update(
            slot * SLOT_NS,
            aol_s=aol_s,
            uplink_age_s=uplink_s,
            control_delay_s=link_s + SERVO_LAG_S if link_s >= 0.0 else -1.0,
            display_delay_s=display_s,
            out=out[slot],
        )
    return out
