"""A running session as something that PPO learns from: its rows in order, cut where slots are missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.session.lesson_channel import Row
from teletwin_training.horizon.live.stream import RowStream
from teletwin_training.ppo import EnvironmentEndedError

_Floats = NDArray[np.float32]
_Flags = NDArray[np.bool_]
_STALE_MAX = 2000
"""Slots in which a new policy must have taken over; loading one takes few."""


class RecordedSession:
    """One environment that does not act (a `ppo.RecordedEnv`).

    Rows of policies older than the newest are dropped and counted: their likelihood would be another. Where a row's
    slot does not follow the one before, because the person paused or rows were dropped, an episode ends there by time.

    Args:
        stream: Where rows come from.
        observation_count: Numbers that a policy sees, n.
        action_count: Numbers of an action, m.
        on_wait: Called when the first row is waited for: everything is loaded.
    """

    count = 1

    def __init__(
        self,
        stream: RowStream,
        *,
        observation_count: int,
        action_count: int,
        on_wait: Callable[[], None] | None = None,
    ) -> None:
        self.observation_count, self.action_count = observation_count, action_count
        self.newest_policy = 0
        """Number of the newest policy that the session was sent."""
        self.stale_count = 0
        """Rows of older policies."""
        self.gap_count = 0
        self._stream, self._on_wait = stream, on_wait
        self._row: Row | None = None

    def reset(self) -> _Floats:
        """Wait for the first row; what the session saw then (1, n)."""
        if self._on_wait is not None:
            self._on_wait()
        self._row = self._next()
        return self._observed(self._row)

    def recorded_action(self) -> _Floats:
        """What the session did at the newest observation (1, m)."""
        assert self._row is not None
        return self._row.action[None].astype(np.float32)

    def step(self, actions: Any) -> tuple[_Floats, _Floats, _Flags, _Flags, dict[str, Any]]:
        """Wait for the next row; actions are not read. See `ppo.VectorEnv`."""
        before = self._row
        assert before is not None
        self._row = after = self._next()
        is_cut = np.array([after.slot != before.slot + 1])
        self.gap_count += int(is_cut[0])
        info = {"paper_reward": before.metric, "drawing_m": before.drawing_m}
        return self._observed(after), np.array([before.reward], dtype=np.float32), is_cut, is_cut.copy(), info

    def _observed(self, row: Row) -> _Floats:
        return row.observation[None].astype(np.float32)

    def _next(self) -> Row:
        for _ in range(_STALE_MAX):
            row = self._stream.next()
            if row is None:
                raise EnvironmentEndedError
            if row.policy >= self.newest_policy:
                self._check(row)
                return row
            self.stale_count += 1
        raise ConfigError("the session does not take new policies", given=f"{_STALE_MAX} slots with an older one")

    def _check(self, row: Row) -> None:
        given, allowed = (len(row.observation), len(row.action)), (self.observation_count, self.action_count)
        if given != allowed:
            raise ConfigError("the session's policy is another than the learner's", given=given, allowed=allowed)
