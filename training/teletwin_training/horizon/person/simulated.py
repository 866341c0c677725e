"""Persons who follow a dot with a tool that they see late: the hand's side of the closed loop.

Pursuit: the hand takes over the dot's velocity, known a little ahead from the visible curve. Compensation: the
crossover model of McRuer and Jex (1967), hand velocity = crossover * error seen a reaction time ago, made either
without pause or in submovements (see corrections.py). A neuromuscular lag of second order makes both smooth. On top
of it signal-dependent noise (Harris and Wolpert 1998), tremor and drift.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array, quat_multiply, quat_normalize
from teletwin_training.horizon.person import corrections, unrest
from teletwin_training.horizon.person.cfg import TRAITS, PersonCfg
from teletwin_training.horizon.person.corrections import Corrections
from teletwin_training.horizon.person.delay_sense import DelaySense
from teletwin_training.horizon.person.seen import Seen
from teletwin_training.horizon.person.streams import PersonalStreams
from teletwin_training.horizon.person.unrest import Unrest

_ACCELERATION_S = 0.06
"""Over this time a change of the dot's velocity is seen."""
_ROOM_M = 0.005
"""The intention stays this much further inside than the hand, so that noise does not press against the bound."""


class SimulatedPersons:
    """N persons, slot by slot; the same seed gives the same persons, whoever else is there.

    Args:
        persons: N.
        cfg: The population.
        rng: Source of the seed; one number is drawn from it.
        slot_s: Time step [s].
        orientation: Neutral orientation of every hand (4,), wxyz.
    """

    def __init__(
        self,
        *,
        persons: int,
        cfg: PersonCfg | None = None,
        rng: np.random.Generator,
        slot_s: float = 0.01,
        orientation: tuple[float, float, float, float] | Array = (1.0, 0.0, 0.0, 0.0),
    ) -> None:
        if persons < 1 or not 0.001 <= slot_s <= 0.02:
            raise ConfigError(
                "persons cannot be simulated so",
                given=f"{persons} persons, slots of {slot_s} s",
                allowed="1 or more, 0.001 ... 0.02 s",
            )
        self._cfg, self._slot_s = cfg or PersonCfg(), slot_s
        # Rows: quaternions i * neutral of the basis, so that a small turn is a weighted sum of them.
        self._neutral = quat_multiply(np.eye(4), quat_normalize(np.asarray(orientation, dtype=np.float64)))
        seed = int(rng.integers(2**63))
        self._streams = PersonalStreams(persons=persons, channels=unrest.CHANNELS + corrections.CHANNELS, seed=seed)
        self._unrest = Unrest(persons=persons, body=self._cfg.body, slot_s=slot_s)
        slots = round((self._cfg.reaction_s[1] + _ACCELERATION_S) / slot_s) + 2
        self._seen = Seen(persons=persons, channels=6, slots=slots)
        self._corrections = Corrections(persons=persons, cfg=self._cfg, slot_s=slot_s)
        self._delay = DelaySense(
            persons=persons, guess_s=self._cfg.delay_guess_s, adapt_s=self._cfg.delay_adapt_s, slot_s=slot_s
        )
        self._traits = {name: np.zeros((persons, 1)) for name in TRAITS}
        self._continuous = np.zeros((persons, 1), dtype=np.bool_)
        self._start, self._place, self._hand, self._velocity = np.zeros((4, persons, 3))
        self._muscle = np.zeros((2, persons, 3))
        everybody = np.arange(persons, dtype=np.intp)
        self.reset(everybody, np.zeros((persons, 3)), np.zeros((persons, 3)))

    @property
    def traits(self) -> dict[str, Array]:
        """Who they are: arrays (N,) by the names in cfg.TRAITS, and `continuous` (1 or 0)."""
        drawn = {name: values[:, 0].copy() for name, values in self._traits.items()}
        return {**drawn, "continuous": self._continuous[:, 0].astype(np.float64)}

    def reset(self, rows: NDArray[np.intp], position: Array, target: Array) -> None:
        """Put new persons into rows; until now they have looked at a tool and a dot at rest.

        Args:
            rows: Which (k,).
            position: Where their hands are, and the tool on the screen (k, 3) [m].
            target: Where the dot is (k, 3) [m].
        """
        count = len(TRAITS) + len(unrest.TRAITS) + 2
        even = np.array([self._streams.renew(int(row), uniforms=count) for row in rows]).reshape(len(rows), count)
        for column, name in enumerate(TRAITS):
            low, high = getattr(self._cfg, name)
            self._traits[name][rows, 0] = low + (high - low) * even[:, column]
        body = {}
        for column, name in enumerate(unrest.TRAITS, start=len(TRAITS)):
            low, high = getattr(self._cfg.body, name)
            body[name] = low + (high - low) * even[:, column]
        self._unrest.reset(rows, body)
        self._continuous[rows, 0] = even[:, -1] < self._cfg.continuous_share
        self._corrections.reset(rows, even[:, -2])
        self._delay.reset(rows)
        self._start[rows] = self._place[rows] = self._hand[rows] = position
        self._velocity[rows] = 0.0
        self._muscle[:, rows] = 0.0
        self._seen.reset(rows, np.concatenate([target - position, np.zeros((len(rows), 3))], axis=1))
        self._learn_times()

    def step(self, shown: Array, target: Array, target_velocity: Array) -> Array:
        """Look at this slot's picture; return the hands' poses (N, 7) in the next slot, quaternion wxyz.

        Args:
            shown: The tool on the screen (N, 3) [m], finite; the hand's axes and scale, any origin.
            target: The dot on the screen (N, 3) [m].
            target_velocity: The dot's velocity (N, 3) [m/s].
        """
        white = self._streams.next()
        delay_s = self._delay.update(self._hand, shown, self._velocity)
        self._seen.push(target - shown, target_velocity)
        error = self._seen.ago(self._reaction)[:, :3]
        # Crossover falls as delay grows, else the loop would ring (McRuer and Jex 1967).
        rate = np.minimum(
            self._traits["crossover_rad_s"], self._cfg.phase_rad / np.maximum(self._own_s + delay_s, 0.05)
        )
        self._correct(error, rate, delay_s, white[:, unrest.CHANNELS :])
        command = self._anticipated(delay_s) + (self._continuous * rate) * error
        first, second = self._muscle
        first += self._opening * (command - first)
        second += self._opening * (first - second)
        self._velocity = _shortened(second + self._corrections.step() / self._slot_s, self._cfg.speed_max_m_s)
        return self._pose(white[:, : unrest.CHANNELS])

    def _learn_times(self) -> None:
        """Turn the persons' times into slots and shares of a slot."""
        reaction_s, preview_s, lag_s = (self._traits[name] for name in ("reaction_s", "preview_s", "lag_s"))
        self._reaction = np.round(reaction_s[:, 0] / self._slot_s).astype(np.intp)
        self._own_s = reaction_s + lag_s
        left_s = np.maximum(reaction_s - preview_s, 0.0)
        self._left = np.round(left_s[:, 0] / self._slot_s).astype(np.intp)
        self._earlier = self._left + round(_ACCELERATION_S / self._slot_s)
        self._bridge_s = self._traits["extrapolation"] * (left_s + lag_s)
        self._opening = 1.0 - np.exp(-2.0 * self._slot_s / lag_s)

    def _anticipated(self, delay_s: Array) -> Array:
        """Velocity (N, 3) [m/s] that persons expect of the dot, and take over, when they lead a display by delay_s."""
        late = self._seen.ago(self._left)[:, 3:]
        earlier = self._seen.ago(self._earlier)[:, 3:]
        ahead_s = self._bridge_s + self._traits["delay_lead"] * np.maximum(delay_s, 0.0)
        return self._traits["pursuit_gain"] * (late + ahead_s / _ACCELERATION_S * (late - earlier))

    def _correct(self, error: Array, rate: Array, delay_s: Array, white: Array) -> None:
        """Start submovements where an error is worth one and no other began just before."""
        ready = self._corrections.ready() & ~self._continuous[:, 0]
        if not ready.any():
            return
        known = np.round((self._traits["reaction_s"] + np.maximum(delay_s, 0.0))[:, 0] / self._slot_s)
        rest = error - self._traits["discount"] * self._corrections.unseen(known.astype(np.intp))
        ready &= (rest * rest).sum(axis=1) > self._traits["dead_zone_m"][:, 0] ** 2
        rows = np.flatnonzero(ready)
        self._corrections.start(rows, rest[rows], rate[rows], white[rows])

    def _pose(self, white: Array) -> Array:
        """Move the intention on and add the body's unrest, within the bounds; poses (N, 7)."""
        cfg, start = self._cfg, self._start
        speed = np.sqrt((self._velocity * self._velocity).sum(axis=1, keepdims=True))
        away = self._place + self._slot_s * self._velocity - start
        self._place = start + _shortened(away, cfg.reach_m - _ROOM_M)
        shift, turn = self._unrest.step(white, speed)
        hand = start + _shortened(self._place + shift - start, cfg.reach_m)
        self._hand = self._hand + _shortened(hand - self._hand, cfg.speed_max_m_s * self._slot_s)
        quat = self._neutral[0] + (0.5 * turn[:, :, None] * self._neutral[1:]).sum(axis=1)
        quat /= np.sqrt((quat * quat).sum(axis=1, keepdims=True))
        return np.concatenate([self._hand, quat], axis=1)


def _shortened(vectors: Array, most: float) -> Array:
    """Vectors (N, 3), none longer than `most`."""
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return vectors * np.minimum(1.0, most / np.maximum(length, 1e-12))
