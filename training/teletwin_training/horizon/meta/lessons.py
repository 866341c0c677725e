"""N lessons at once as a live one goes: the noise on actions, what a slot is worth, and epochs of rows.

As live, the reward knows the arm of as long ago as its state was under way, and a new policy takes over some slots
after its epoch; rows between are not learned from.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array, rotation_angle
from teletwin.session.exploration import BoundedNoise
from teletwin.session.lesson_reward import STALE_NS, slot_metric, slot_reward
from teletwin_training.horizon.choosing import BOUND, Choosing
from teletwin_training.horizon.closed_loop import ClosedLoop
from teletwin_training.horizon.meta.learners import Learners, Rollout
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.horizon.timing import SLOT_NS

SWAP_SLOTS = 20
"""From an epoch's last row to the first one of the policy that it taught."""
_WAYS = 2.0
"""An arm's state comes by two hops, each as long as the operator's."""


class World(Protocol):
    """Where N persons draw."""

    @property
    def loop(self) -> ClosedLoop:
        """Their loops."""
        ...

    def act(self, actions: Array) -> NDArray[np.bool_]:
        """One slot with actions (N, m); whether a person (N,) has left, and another come."""
        ...


class LessonRewards:
    """What each slot of N lessons is worth, as `session.lesson_reward` says it."""

    def __init__(self, sessions: SessionBank, count: int) -> None:
        oldest = STALE_NS // SLOT_NS
        ways = _WAYS * np.stack([timing.uplink_age_s for timing in sessions.timings])
        self._age = np.clip(np.round(ways * 1e9 / SLOT_NS), 0, oldest).astype(np.intp)
        self._ring = np.zeros((oldest + 1, count, 3))
        self._everybody, self._slot = np.arange(count), 0
        self.drawing_m = np.zeros(count)
        """(N,) distance of the tool from the dot now."""

    def judge(self, loop: ClosedLoop, hand: Array, session: NDArray[np.int64], slot: NDArray[np.int64]) -> Array:
        """Rewards (N,) after a slot of sessions in which the hands were at poses (N, 7)."""
        tool, shown = loop.tool, loop.shown
        self.drawing_m = np.linalg.norm(tool[:, :3] - loop.dot, axis=1)
        self._slot += 1
        now = self._slot % len(self._ring)
        self._ring[now, :, 0] = np.linalg.norm(tool[:, :3] - hand[:, :3], axis=1)
        self._ring[now, :, 1] = rotation_angle(hand[:, 3:], tool[:, 3:])
        self._ring[now, :, 2] = self.drawing_m
        known = (self._slot - np.minimum(self._age[session, slot], self._slot - 1)) % len(self._ring)
        control_m, control_rad, drawing_m = self._ring[known, self._everybody].T
        display_m = np.linalg.norm(hand[:, :3] - shown[:, :3], axis=1)
        display_rad = rotation_angle(hand[:, 3:], shown[:, 3:])
        return slot_reward(slot_metric((control_m, control_rad, display_m, display_rad)), drawing_m)


class Lessons:
    """Rolls out the learners' policies.

    Args:
        world: Where they act.
        choosing: What is seen.
        mean, scale: Observations are centred and divided by these (n,).
        learners: Who acts.
        rng: Of the noise.
    """

    def __init__(
        self,
        world: World,
        choosing: Choosing,
        mean: Array,
        scale: Array,
        learners: Learners,
        *,
        rng: np.random.Generator,
    ) -> None:
        self._world, self._choosing, self._learners = world, choosing, learners
        self._mean, self._scale = mean, scale
        spread = np.exp(learners.log_sigma.numpy().astype(np.float64))
        self._noise = BoundedNoise(np.tile(spread, learners.count), rng=rng)
        self._noise.is_on = True
        self._rewards = LessonRewards(world.loop.sessions, learners.count)
        self.left = np.zeros(learners.count, dtype=np.bool_)
        """(N,) whose person has left during the newest epoch."""

    def seen(self) -> NDArray[np.float32]:
        """Normalised observations (N, n) of now."""
        seen = (self._choosing.observe(self._world.loop) - self._mean) / self._scale
        return np.clip(seen, -BOUND, BOUND).astype(np.float32)

    def epoch(self, slots: int) -> tuple[Rollout, Array]:
        """Play an epoch and the slots until a new policy takes over; its rows, and the drawing errors (T, N) [m]."""
        seen, actions, rewards, drawing = [], [], [], []
        self.left[:] = False
        for slot in range(slots + SWAP_SLOTS):
            if slot <= slots:
                seen.append(self.seen())
            action, reward = self._slot(seen[-1] if slot <= slots else self.seen())
            if slot < slots:
                actions.append(action.astype(np.float32))
                rewards.append(reward.astype(np.float32))
            drawing.append(self._rewards.drawing_m)
        rollout = Rollout(seen=np.stack(seen), actions=np.stack(actions), rewards=np.stack(rewards))
        return rollout, np.stack(drawing)

    def _slot(self, seen: NDArray[np.float32]) -> tuple[Array, Array]:
        loop = self._world.loop
        mean = self._learners.act(seen)
        action = self._noise(mean.ravel()).reshape(mean.shape)
        hand, session, slot = loop.hands.newest.copy(), loop.session.copy(), loop.slot.copy()
        self.left |= self._world.act(action)
        return action, self._rewards.judge(loop, hand, session, slot)
