"""What an episode draws: a hand, a place in it, a network, an arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.session.build import SERVO_LAG_S
from teletwin_training.horizon.hands import PAST_SLOTS, HandBank, motion_of
from teletwin_training.horizon.loops import LoopSettings, Places
from teletwin_training.horizon.sessions import START_SLOT, SessionBank

if TYPE_CHECKING:
    from teletwin_training.horizon.environment import EnvCfg


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """Episodes that are to begin; every array (k,)."""

    hand: NDArray[np.int64]
    row: NDArray[np.int64]
    """Row of the hand at slot 0."""
    session: NDArray[np.int64]
    slot: NDArray[np.int64]
    """Slot of the session that is slot 0."""
    settings: LoopSettings
    """How the twin and the arm of each are."""


class EpisodeDraws:
    """Draws episodes of the length that cfg says; same seed, same episodes.

    Raises:
        ConfigError: No hand or no session is long enough for an episode.
    """

    def __init__(self, hands: HandBank, sessions: SessionBank, cfg: EnvCfg) -> None:
        self._hands, self._sessions, self._cfg = hands, sessions, cfg
        self._weights = hand_weights(hands, cfg.episode_slots)
        self._last_start = last_start(sessions, cfg.episode_slots)
        self.seed(cfg.seed)

    def seed(self, seed: int | Sequence[int]) -> None:
        """Start all draws anew."""
        self._rng = np.random.default_rng([11, *([seed] if isinstance(seed, int) else seed)])

    def draw(self, count: int) -> Drawn:
        """Hand, place in it, network and arm of so many episodes."""
        rng, cfg = self._rng, self._cfg
        hand = rng.choice(len(self._hands.names), size=count, p=self._weights)
        start = (rng.random(count) * self._hands.rooms(cfg.episode_slots)[hand]).astype(np.int64)
        session = rng.integers(0, len(self._sessions), count)
        slot = rng.integers(START_SLOT, self._last_start + 1, count)
        lag_s = SERVO_LAG_S + cfg.servo_lag_spread_s * rng.uniform(-1.0, 1.0, count)
        return Drawn(
            hand=hand,
            row=self._hands.first_row[hand] + PAST_SLOTS + start,
            session=session,
            slot=slot,
            settings=LoopSettings(feed_forward=np.full(count, not cfg.stock), servo_lag_s=lag_s),
        )

    def lengths(self, count: int) -> NDArray[np.int64]:
        """Slots (count,) of the first episodes, so that they do not end together."""
        span = self._cfg.episode_slots - self._cfg.settle_slots
        return self._cfg.episode_slots - self._rng.integers(0, max(span // 2, 1), count)


def places_of(drawn: Drawn, rows: NDArray[np.intp], *, horizons: Array) -> Places:
    """Where the episodes of the environments in rows (k,) begin, with horizons (k, 6) of the packets under way."""
    return Places(rows=rows, first_row=drawn.row, session=drawn.session, first_slot=drawn.slot, horizons=horizons)


def hand_weights(hands: HandBank, slots: int) -> Array:
    """How often each hand is drawn: every kind of motion alike, within it by length."""
    rooms = hands.rooms(slots).astype(np.float64)
    if not rooms.any():
        raise ConfigError(
            "no hand is long enough for an episode",
            given=f"{int(hands.slot_count.max())} slots at most, episodes of {slots}",
            mend="give longer recordings or shorter episodes",
        )
    kinds = np.array([motion_of(name) for name in hands.names])
    for kind in set(kinds):
        share = rooms[kinds == kind].sum()
        rooms[kinds == kind] /= share if share > 0.0 else 1.0
    return rooms / rooms.sum()


def last_start(sessions: SessionBank, slots: int) -> int:
    """The last slot of a session that an episode may begin at."""
    last = sessions.slot_count - slots - START_SLOT // 2
    if last < START_SLOT:
        raise ConfigError(
            "the sessions are too short for an episode",
            given=f"{sessions.slot_count} slots, episodes of {slots}",
            allowed=f"at least {slots + START_SLOT + START_SLOT // 2}",
        )
    return last
