"""What forecasting is worth under a drag, on the virtual loop: the arm against the hand's true motion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teletwin.bench.dragged.motions import Motion, Timing
from teletwin.bench.dragged.page_hand import PageHand
from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.hand.clutch import Clutch
from teletwin.messages import Message, PoseSample, TwinStatus
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.session.build import fast_tool_pose
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

SETTLE_S = 4.0
"""Errors count from here on [s]."""
_PRESS_S = 1.0
"""The arm is engaged this long before the pointer is pressed [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DragCfg:
    """One network, and how long each run lasts."""

    delay_ms: float = 60.0
    jitter_ms: float = 10.0
    loss: float = 0.0
    duration_s: float = 14.0
    pixel_m: float = 0.0
    knows_times: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DragErrors:
    """Root mean squares against the hand's true motion [mm], one for each seed."""

    arm_mm: tuple[float, ...]
    none_mm: tuple[float, ...]
    """No prediction, in the same runs."""
    feed_forward_mm: tuple[float, ...]
    """The same loop with all horizons at zero, in the same runs."""

    @property
    def of_none(self) -> float:
        """Geometric mean over seeds of the arm's error, of no prediction."""
        return _ratio(self.arm_mm, self.none_mm)

    @property
    def of_feed_forward(self) -> float:
        """The same, of feed-forward only."""
        return _ratio(self.arm_mm, self.feed_forward_mm)


def measure_drag(motion: Motion, timing: Timing, cfg: DragCfg, *, seeds: Sequence[int]) -> DragErrors:
    """Run the loop with each seed; its shadows take the same packets."""
    runs = [_run(motion, timing, cfg, seed) for seed in seeds]
    arm_mm, none_mm, feed_forward_mm = zip(*runs, strict=True)
    return DragErrors(arm_mm=arm_mm, none_mm=none_mm, feed_forward_mm=feed_forward_mm)


def _run(motion: Motion, timing: Timing, cfg: DragCfg, seed: int) -> tuple[float, float, float]:
    """Errors of the arm and of its shadows [mm]."""
    rng = np.random.default_rng([seed, 7])
    events_s, handled_s = timing.draw(cfg.duration_s, rng)
    home = tool_pose_in_ur_base(HOME_Q)
    states: dict[int, tuple[Array, ...]] = {}

    def note(_: str, message: Message | PoseSample, __: int, ___: int) -> None:
        if isinstance(message, TwinStatus):
            states.setdefault(message.arm.t_ns, (message.arm.q, *message.arm.q_shadows))

    network = NetworkCfg(delay_ms=cfg.delay_ms, jitter_ms=cfg.jitter_ms, loss=cfg.loss)
    session = SessionCfg(network=network, seed=seed)
    start_ns = round((1.0 + _PRESS_S) * NS_PER_S)
    hand = PageHand(
        motion,
        events_s,
        handled_s,
        start_ns=start_ns,
        home_pose=home,
        pixel_m=cfg.pixel_m,
        knows_times=cfg.knows_times,
        stalls_s=timing.stalls(cfg.duration_s, rng),
    )
    VirtualSession(session, hand=hand, renders=False, log={"operator": note}).run(cfg.duration_s + _PRESS_S - 0.1)
    t_s = (np.array(sorted(states)) - start_ns) / NS_PER_S
    return _errors(motion, t_s, [states[t] for t in sorted(states)], home)


def _errors(motion: Motion, t_s: Array, states: list[tuple[Array, ...]], home: Array) -> tuple[float, float, float]:
    tool_pose, clutch = fast_tool_pose(), Clutch(tool_pose=home)
    clutch.update(np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]), closed=True)
    sums, count = np.zeros(3), 0
    for at_s, place, arms in zip(t_s, motion(t_s), states, strict=True):
        truth = clutch.update(np.array([*place, 1.0, 0.0, 0.0, 0.0]), closed=True)[:3]
        if at_s >= SETTLE_S:
            sums += [float(np.sum((tool_pose(q)[:3] - truth) ** 2)) for q in arms]
            count += 1
    arm, none, fed = 1e3 * np.sqrt(sums / max(count, 1))
    return float(arm), float(none), float(fed)


def _ratio(errors: Sequence[float], others: Sequence[float]) -> float:
    return math.exp(float(np.mean(np.log(np.array(errors) / np.array(others)))))
