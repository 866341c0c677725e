"""How well made-up persons draw under a choice of horizons: the same persons, tasks and networks for every choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.session.build import SERVO_LAG_S
from teletwin_training.horizon.choosing import Choosing, HorizonChooser
from teletwin_training.horizon.closed_loop import ClosedLoop, Episodes, resting
from teletwin_training.horizon.closed_loop_env import ClosedLoopCfg
from teletwin_training.horizon.drawing_tasks import DrawnTasks, distance_to_curve, draw_tasks, home_pose
from teletwin_training.horizon.person import SimulatedPersons
from teletwin_training.horizon.sessions import START_SLOT, SessionBank

DRAWING_COLUMNS = (
    "drawing_m",
    "cross_m",
    "seen_m",
    "control_m",
    "control_rad",
    "display_m",
    "display_rad",
)
"""Root mean squares of a person: the real tool's distance to the dot and to the curve, the shown tool's to the dot;
then the real and the shown tool's against the hand, in position and orientation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Crowd:
    """Persons with their tasks and networks; arrays (k, ...). Whoever plays them meets the same noise."""

    cfg: ClosedLoopCfg
    sessions: SessionBank
    tasks: DrawnTasks
    session: NDArray[np.int64]
    first_slot: NDArray[np.int64]
    seed: int
    """Of the persons."""

    @property
    def conditions(self) -> NDArray[np.str_]:
        """Name (k,) of each person's network."""
        return np.array(self.sessions.conditions)[self.session]


def draw_crowd(
    sessions: SessionBank, cfg: ClosedLoopCfg, *, conditions: Sequence[str] | None = None, each: int, seed: int
) -> Crowd:
    """Draw `each` persons for every condition (for all sessions together where None)."""
    rng = np.random.default_rng([14, seed])
    pools = [np.arange(len(sessions))] if conditions is None else [sessions.of(name) for name in conditions]
    session = np.concatenate([np.resize(rng.permutation(pool), each) for pool in pools])
    spare = sessions.slot_count - cfg.episode_slots - START_SLOT // 2
    return Crowd(
        cfg=cfg,
        sessions=sessions,
        tasks=draw_tasks(rng, len(session), slots=cfg.episode_slots, cfg=cfg.tasks),
        session=session,
        first_slot=rng.integers(START_SLOT, spare + 1, len(session)),
        seed=int(rng.integers(1 << 31)),
    )


def play(crowd: Crowd, choose: HorizonChooser) -> Array:
    """Let everybody draw for an episode; errors (k, len(DRAWING_COLUMNS)) after settling [m, rad]."""
    cfg, count = crowd.cfg, len(crowd.session)
    loop = begun(crowd)
    squares, counts = np.zeros((count, 6)), np.zeros((count, 6))
    places = np.empty((cfg.episode_slots - cfg.settle_slots, count, 3))
    for slot in range(cfg.episode_slots):
        errors = loop.step(choose(loop))
        if slot >= cfg.settle_slots:
            places[slot - cfg.settle_slots] = loop.tool[:, :3]
            for column, place in enumerate((loop.tool, loop.shown)):
                squares[:, column] += ((place[:, :3] - loop.dot) ** 2).sum(axis=1)
            squares[:, 2:] += errors[:, [0, 1, 3, 4]]
            counts += np.concatenate([np.ones((count, 2)), errors[:, [2, 2, 5, 5]]], axis=1)
        loop.look()
    mean = np.sqrt(squares / np.maximum(counts, 1.0))
    cross = [
        np.sqrt((distance_to_curve(places[::5, row], crowd.tasks.curves[row]) ** 2).mean()) for row in range(count)
    ]
    return np.column_stack([mean[:, 0], cross, mean[:, 1:]])


def begun(crowd: Crowd) -> ClosedLoop:
    """Everybody at the beginning of their episode; the loop has looked."""
    cfg, count, quat = crowd.cfg, len(crowd.session), home_pose()[3:]
    persons = SimulatedPersons(persons=count, cfg=cfg.person, rng=np.random.default_rng(crowd.seed), orientation=quat)
    loop = ClosedLoop(
        crowd.sessions,
        persons,
        count=count,
        slots=cfg.episode_slots,
        stock=cfg.env.stock,
        forecaster=cfg.forecaster,
        threads=cfg.threads,
    )
    rows = np.arange(count)
    loop.begin(
        Episodes(
            rows=rows,
            tasks=crowd.tasks,
            start=resting(rows, crowd.tasks, quat),
            session=crowd.session,
            first_slot=crowd.first_slot,
            servo_lag_s=np.full(count, SERVO_LAG_S),
            horizons=Choosing(crowd.sessions, cfg.env).rule(crowd.session, crowd.first_slot),
        )
    )
    loop.look()
    return loop
