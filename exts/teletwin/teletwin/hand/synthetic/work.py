"""Work with a tool: places that are reached while the wrist turns, precise work of two hands, screws that are driven.

Every movement is a stroke of the hand and one of the wrist that belongs to it: they begin nearly together and last
nearly as long (Lacquaniti and Soechting, 1982), and between them the hand waits, for the eye or for the other hand.
The wrist turns about the tool's tip, so that turning moves the hand as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teletwin.geometry import Array, quat_from_rotvec, quat_rotate
from teletwin.hand.synthetic.strokes import minimum_jerk, sum_strokes
from teletwin.hand.synthetic.work_plan import WorkCfg, WorkPlan, direction, towards_middle

TURNING = WorkCfg()
"""Reaching from place to place with turns of the wrist."""
PAIR = WorkCfg(way_m=0.006, turn_rad=0.105, duration_s=(0.2, 0.55), wait_s=(0.05, 0.6), extent_m=0.025, extent_rad=0.5)
"""Precise work of two hands: small ways, turns about the tip, and waiting for the other hand."""
SCREWS = WorkCfg(way_m=0.02, turn_rad=0.26, spread=0.3, duration_s=(0.4, 0.9), wait_s=(0.05, 0.4), extent_rad=0.8)
"""Insertion, turning and grasping anew."""


def _turning(plan: WorkPlan) -> None:
    """Reach a place, turning as one goes; correct a little now and then."""
    cfg, rng = plan.cfg, plan.rng
    turns = rng.uniform() < cfg.turn_share
    plan.stroke(plan.way(cfg.way_m), plan.turn(cfg.turn_rad) if turns else np.zeros(3))
    if rng.uniform() < 0.4:
        plan.stroke(plan.way(0.1 * cfg.way_m), plan.turn(0.15 * cfg.turn_rad), slowly=0.5)
    plan.wait()


def _pair(plan: WorkPlan) -> None:
    """A few small movements in one go, then wait while the other hand works."""
    cfg, rng = plan.cfg, plan.rng
    for _ in range(int(rng.integers(1, 4))):
        turns = rng.uniform() < cfg.turn_share
        plan.stroke(plan.way(cfg.way_m), plan.turn(cfg.turn_rad) if turns else np.zeros(3))
    plan.wait(2.0 if rng.uniform() < 0.25 else 1.0)


def _screws(plan: WorkPlan) -> None:
    """Go there and align, insert in small steps, turn and grasp anew some times, draw back."""
    cfg, rng = plan.cfg, plan.rng
    axis = towards_middle(rng, plan.place / cfg.extent_m)
    plan.stroke(plan.way(cfg.way_m), plan.turn(0.5 * cfg.turn_rad))
    plan.wait()
    for _ in range(int(rng.integers(1, 4))):
        plan.stroke(plan.size(0.2 * cfg.way_m) * axis, plan.turn(0.06), slowly=1.2)
        plan.wait(0.5)
    swing = min(plan.size(cfg.turn_rad), cfg.extent_rad)
    start = plan.angle - 0.5 * swing * axis  # as far one way as the other
    plan.stroke(np.zeros(3), 0.8 * (start * min(1.0, 0.4 / max(np.linalg.norm(start), 1e-9)) - plan.angle))
    for _ in range(int(rng.integers(3, 8))):
        plan.stroke(0.02 * cfg.way_m * axis, swing * axis)
        plan.wait()
        plan.stroke(np.zeros(3), -swing * axis, slowly=0.8)
        plan.wait()
    plan.stroke(-plan.size(0.4 * cfg.way_m) * axis, -0.8 * plan.angle)


def _drawn(
    rng: np.random.Generator, hands: int, count: int, rate_hz: float, cfg: WorkCfg, piece: Callable[[WorkPlan], None]
) -> Array:
    """Positions [m] and rotation vectors [rad] (hands, count, 6)."""
    plans = [WorkPlan(rng, cfg) for _ in range(hands)]
    for plan in plans:
        while plan.t_s < count / rate_hz:
            piece(plan)
    most = max(len(plan.rows) for plan in plans)
    nothing = (0.0, 1.0, 0.0, 1.0, np.zeros(3), np.zeros(3))
    rows = [plan.rows + [nothing] * (most - len(plan.rows)) for plan in plans]
    start, lasts, turn_start, turn_lasts, way, turn = (
        np.array([[r[i] for r in row] for row in rows]) for i in range(6)
    )
    options = {"count": count, "rate_hz": rate_hz, "profile": minimum_jerk}
    out = np.empty((hands, count, 6))
    out[..., 3:] = sum_strokes(turn_start, turn_lasts, turn, **options)
    lever = np.stack([rng.uniform(*cfg.lever_m) * direction(rng) for _ in range(hands)])[:, None]
    swung = quat_rotate(quat_from_rotvec(out[..., 3:]), np.broadcast_to(lever, (hands, count, 3)))
    out[..., :3] = sum_strokes(start, lasts, way, **options) + swung - lever
    return out


def draw_turning(
    rng: np.random.Generator, *, hands: int, count: int, rate_hz: float, cfg: WorkCfg | None = None
) -> Array:
    """Positions [m] and rotation vectors [rad] (hands, count, 6) of hands that turn as they reach."""
    return _drawn(rng, hands, count, rate_hz, cfg or TURNING, _turning)


def draw_pair(rng: np.random.Generator, *, hands: int, count: int, rate_hz: float, cfg: WorkCfg | None = None) -> Array:
    """The same of one hand of two that work together, precisely."""
    return _drawn(rng, hands, count, rate_hz, cfg or PAIR, _pair)


def draw_screws(
    rng: np.random.Generator, *, hands: int, count: int, rate_hz: float, cfg: WorkCfg | None = None
) -> Array:
    """The same of hands that insert and turn, as with a screwdriver."""
    return _drawn(rng, hands, count, rate_hz, cfg or SCREWS, _screws)
