"""The whole loop closed by a person: what they are shown changes what their hand does next.

The order of events in a slot is the operator loop's: the hand's newest sample is forecast, horizons are chosen and the
packet leaves; meanwhile the person looks at what is on the screen, and their hand is elsewhere in the next slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin_training.horizon.drawing_tasks import DrawnTasks
from teletwin_training.horizon.live_hands import RING_SLOTS, LiveHands
from teletwin_training.horizon.loops import DelayedLoops, LoopsCfg, LoopSettings, Places, plain_settings
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.horizon.tables import live_tables


class Followers(Protocol):
    """Who moves the hands; `SimulatedPersons`, or a recording in their place."""

    def reset(self, rows: NDArray[np.intp], position: Array, target: Array) -> None:
        """Somebody new in rows (k,): hand and tool at position (k, 3), dot at target (k, 3) [m]."""
        ...

    def step(self, shown: Array, target: Array, target_velocity: Array) -> Array:
        """Look at tool (N, 3), dot (N, 3) [m] and its velocity [m/s]; the hands' poses (N, 7) in the next slot."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Episodes:
    """What begins in some rows; arrays (k, ...)."""

    rows: NDArray[np.intp]
    tasks: DrawnTasks
    start: Array
    """(k, 7) where hand and arm rest at first."""
    session: NDArray[np.int64]
    first_slot: NDArray[np.int64]
    """Slot of the session that is slot 0."""
    servo_lag_s: Array
    horizons: Array
    """(k, 6) of packets under way at the beginning."""


class ClosedLoop:
    """N persons, each with a task, a network and an arm of their own.

    Args:
        sessions: Networks.
        followers: Who moves the hands.
        count: N.
        slots: Length of the longest episode.
        stock: The stock motion policy without feed-forward, and the paper's smoothing.
        forecaster: See LiveHands.
        threads: 0 takes one per core.
    """

    def __init__(
        self,
        sessions: SessionBank,
        followers: Followers,
        *,
        count: int,
        slots: int,
        stock: bool = False,
        forecaster: str = "arma",
        threads: int = 0,
    ) -> None:
        self.sessions, self.count, self._stock = sessions, count, stock
        self._followers = followers
        self.hands = LiveHands(count=count, forecaster=forecaster, threads=threads)
        tables = live_tables(self.hands.poses, self.hands.curves, sessions, ring=RING_SLOTS)
        cfg = LoopsCfg(causal=True, threads=threads)
        self._loops = DelayedLoops(tables, plain_settings(count, feed_forward=not stock), cfg)
        self._dots, self._velocities = np.zeros((count, slots, 3)), np.zeros((count, slots, 3))
        self._everybody = np.arange(count)
        self.session, self.slot, self.age = (np.zeros(count, dtype=np.int64) for _ in range(3))
        """(N,) session, its slot now, and slots since the episode's beginning."""
        self.tool, self.shown = np.zeros((count, 7)), np.zeros((count, 7))
        """The arm's tool and the tool on the screen (N, 7) in the newest step's slot."""
        self.dot, self.dot_velocity = np.zeros((count, 3)), np.zeros((count, 3))
        """The dot (N, 3) [m] and its velocity [m/s] in that slot."""

    def begin(self, episodes: Episodes) -> None:
        """Begin episodes; call `look` before the next step."""
        rows, tasks = episodes.rows, episodes.tasks
        slots = tasks.dots.shape[1]
        self._dots[rows, :slots], self._velocities[rows, :slots] = tasks.dots, tasks.velocities
        self.session[rows], self.slot[rows], self.age[rows] = episodes.session, episodes.first_slot, 0
        self.hands.rest(rows, episodes.start)
        self._followers.reset(rows, episodes.start[:, :3], tasks.dots[:, 0])
        places = Places(
            rows=rows,
            first_row=self.hands.first_rows[rows],
            session=episodes.session,
            first_slot=episodes.first_slot,
            horizons=episodes.horizons,
        )
        fed = np.full(len(rows), not self._stock)
        self._loops.place(places, LoopSettings(feed_forward=fed, servo_lag_s=episodes.servo_lag_s))

    def look(self) -> None:
        """Forecast from where the hands are now."""
        self.hands.look()

    def step(self, horizons: Array) -> Array:
        """One slot with horizons (N, 6); errors (N, 6) of arm and picture against the hand, see `loops`."""
        self.shown = self._loops.shown.copy()
        self.dot = self._dots[self._everybody, self.age]
        self.dot_velocity = self._velocities[self._everybody, self.age]
        errors = self._loops.step(horizons)
        self.tool = self._loops.tool.copy()
        self.hands.move(self._followers.step(self.shown[:, :3], self.dot, self.dot_velocity))
        self.age += 1
        self.slot += 1
        return errors


def resting(rows: NDArray[np.intp], tasks: DrawnTasks, quat: Array) -> Array:
    """Poses (k, 7) at the dots' first places with one orientation (4,)."""
    return np.concatenate([tasks.dots[:, 0], np.tile(quat, (len(rows), 1))], axis=1)
