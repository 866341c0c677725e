"""What a learned policy is held against: the best fixed horizons and the calibrated Age-of-Loop rules.

All are found on the training's hands and networks by full enumeration with the arm as a lag in task space: there
neither arm and picture nor position and orientation act on each other, so that one horizon for all four at once judges
every combination. In joint space they do: a wrist that is turned ahead moves the tool. So pairs of the arm's horizons
around those are tried once more with the arm in joint space (`refining`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.rule import STOCK_ORIENTATION_LAG_S, STOCK_POSITION_LAG_S, RuleCfg
from teletwin.messages import HORIZON_MAX_S
from teletwin.session.build import FED_LAG_S, FED_TURN_LAG_S
from teletwin_training.horizon.actions import LATE_RULE, NO_PREDICTION
from teletwin_training.horizon.conditions import EVALUATED
from teletwin_training.horizon.hands import HandBank, is_paced, motion_of
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.probe import Run, common_stretch, mean_squares, measure
from teletwin_training.horizon.refining import refine
from teletwin_training.horizon.rules import sender_rule
from teletwin_training.horizon.seen import Rows
from teletwin_training.horizon.sessions import SessionBank, draw_sessions
from teletwin_training.horizon.tables import Tables, recorded_tables

HORIZONS_S = np.arange(0.0, HORIZON_MAX_S + 1e-9, 0.01)
"""Absolute horizons that are tried: all 51 of 10 ms."""
AVERAGING_S = (0.05, 1.0)
"""Averaging times of the sender's rule that are held against [s]."""
OFFSETS_S = np.arange(-0.16, 0.1201, 0.01)
"""Offsets of a rule that are tried [s]."""
Four = tuple[float, float, float, float]
"""Arm's position, the picture's position, arm's orientation, the picture's orientation [s]."""
_ORDER = (0, 2, 1, 3)
"""From the order of errors to that of horizons."""


@dataclass(frozen=True, kw_only=True)
class ProbeCfg:
    """On how much of the training's material baselines are found."""

    sessions: int = 2
    """Of each condition, for every hand."""
    slots: int = 1500
    """At most, of each stretch."""


JOINT_PROBE = ProbeCfg(slots=400)
"""The same in joint space, where a slot costs six to eight times as much."""


class Bench:
    """Hands, sessions and their tables, with what no prediction errs on each hand."""

    def __init__(
        self,
        hands: HandBank,
        sessions: SessionBank,
        cfg: ProbeCfg | None = None,
        *,
        numbers: Sequence[int] | None = None,
        loops: LoopsCfg | None = None,
    ) -> None:
        """Judges these hands (all where None) with loops that are run so; the arm is a lag where None."""
        self.hands, self.sessions, self.cfg, self._loops = hands, sessions, cfg or ProbeCfg(), loops
        self._asked = list(range(len(hands.names)) if numbers is None else numbers)
        stretches = common_stretch(hands, sessions, self._asked, most=self.cfg.slots)
        self.numbers = stretches.numbers
        """Hands that are looked at."""
        self.short = stretches.short
        """Hands too short to be looked at; they have a norm all the same."""
        self.slots, self._short_slots = stretches.slots, stretches.short_slots
        self.tables: Tables = recorded_tables(hands, sessions)
        self.weights = _motion_weights([hands.names[hand] for hand in self.numbers])

    def runs(self, sessions: Rows, *, stock: bool, numbers: Sequence[int] | None = None) -> list[Run]:
        """Every hand (or these) on each of these sessions, the hand slowest."""
        numbers = self.numbers if numbers is None else numbers
        return [Run(hand=h, session=int(s), stock=stock) for h in numbers for s in sessions]

    def squares(self, choose: Callable, sessions: Rows, *, stock: bool, candidates: int = 1) -> Array:
        """Mean squares (hands, candidates, 4), over the sessions; candidates vary fastest."""
        runs = [run for run in self.runs(sessions, stock=stock) for _ in range(candidates)]
        total = measure(
            self.hands, self.sessions, runs, choose, slots=self.slots, tables=self.tables, loops=self._loops
        )
        return mean_squares(total).reshape(len(self.numbers), len(sessions), candidates, 4).mean(axis=1)

    def each(self, choose: Callable, sessions: Rows, *, stock: bool) -> Array:
        """Mean squares (hands, sessions, 4)."""
        runs = self.runs(sessions, stock=stock)
        total = measure(
            self.hands, self.sessions, runs, choose, slots=self.slots, tables=self.tables, loops=self._loops
        )
        return mean_squares(total).reshape(len(self.numbers), len(sessions), 4)

    def some(self, condition: str) -> Rows:
        """The first sessions of a condition."""
        return self.sessions.of(condition)[: self.cfg.sessions]

    def rule_norm(self, *, stock: bool = False) -> Array:
        """What rewards are measured by (hands, sessions, 4): the late bound rule's mean squares.

        The geometric mean of those on the hand and session and those on the hand over all sessions: every network
        counts, but none where the rule is nearly perfect counts for all the others.
        """
        rows = np.arange(len(self.sessions))
        each = np.zeros((len(self._asked), len(rows), 4))
        for numbers, slots in ((self.numbers, self.slots), (self.short, self._short_slots)):
            if numbers:
                runs = self.runs(rows, stock=stock, numbers=numbers)
                choose = _always(LATE_RULE)
                total = measure(
                    self.hands, self.sessions, runs, choose, slots=slots, tables=self.tables, loops=self._loops
                )
                places = [self._asked.index(hand) for hand in numbers]
                each[places] = mean_squares(total).reshape(len(numbers), len(rows), 4)
        return np.sqrt(each * each.mean(axis=1, keepdims=True))

    def best_fixed(self, condition: str, *, stock: bool, joint: Bench | None = None) -> Four:
        """The best absolute horizons on a condition, over all hands, each kind of motion alike."""

        def choose_among(rows: Array, bench: Bench) -> Callable:
            return _cycle(np.concatenate([rows, np.tile([1.0, 0.0], (len(rows), 1))], axis=1))

        return self._found(condition, HORIZONS_S, choose_among, stock=stock, joint=joint, least_s=0.0)

    def best_offsets(self, condition: str, base: Array | None, *, stock: bool, joint: Bench | None = None) -> Four:
        """The best constant offsets of a rule: the late bound one, or the sender's horizons (sessions, slots, 4)."""

        def choose_among(rows: Array, bench: Bench) -> Callable:
            session = np.repeat(np.tile(self.some(condition), len(bench.numbers)), len(rows))

            def choose(number: Rows, row: Rows, slot: Rows) -> Array:
                offset, out = rows[number % len(rows)], np.empty((len(number), 6))
                said = 0.0 if base is None else base[session[number], slot] + self.hands.usual_age_s(row)[:, None]
                out[:, :4] = offset if base is None else np.clip(said + offset, 0.0, HORIZON_MAX_S)
                out[:, 4:] = 1.0, float(base is None)
                return out

            return choose

        return self._found(condition, OFFSETS_S, choose_among, stock=stock, joint=joint, least_s=-HORIZON_MAX_S)

    def _found(
        self,
        condition: str,
        grid_s: Array,
        choose_among: Callable[[Array, Bench], Callable],
        *,
        stock: bool,
        joint: Bench | None,
        least_s: float,
    ) -> Four:
        """The best of a grid for all four by themselves, then of pairs around it in joint space where that is given."""
        rows, chosen = np.repeat(grid_s[:, None], 4, axis=1), self.some(condition)
        best = grid_s[self._best(self._ratios(choose_among(rows, self), chosen, len(rows), stock=stock))]
        if joint is None:
            return _four(best)

        def judge(rows: Array) -> Array:
            return joint._ratios(choose_among(rows, joint), chosen, len(rows), stock=stock)

        return _four(refine(best, judge, joint.weights, least_s=least_s))

    def _ratios(self, choose: Callable, sessions: Rows, candidates: int, *, stock: bool) -> Array:
        """Root mean squares (hands, candidates, 4) over no prediction's."""
        squares = self.squares(choose, sessions, stock=stock, candidates=candidates)
        none = self.squares(_always(NO_PREDICTION), sessions, stock=stock)
        return np.sqrt(squares / np.maximum(none, 1e-12))

    def _best(self, ratio: Array) -> Rows:
        """Number of the best candidate (4,) in the order of horizons, by ratios (hands, candidates, 4)."""
        return np.argmin((self.weights[:, None, None] * ratio).sum(axis=0), axis=0)[list(_ORDER)]


def sender_rule_cfg(averaging_s: float, *, stock: bool) -> RuleCfg:
    """The sender's rule with the motion policy's lags, before it is calibrated."""
    lag_s, turn_s = (STOCK_POSITION_LAG_S, STOCK_ORIENTATION_LAG_S) if stock else (FED_LAG_S, FED_TURN_LAG_S)
    return RuleCfg(late_binding=False, averaging_s=averaging_s, position_lag_s=lag_s, orientation_lag_s=turn_s)


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """What was found on the training's hands, for one motion policy and forecaster; JSON-ready by `asdict`."""

    fixed: dict[str, Four]
    """Condition to the best absolute horizons [s]."""
    late_offsets: Four
    """Best offsets of the late bound rule over all conditions [s]."""
    sender_offsets: dict[str, Four]
    """Averaging time of the sender's rule ('0.05', '1.0') to its best offsets [s]."""
    stock: bool
    forecaster: str


def find_baselines(
    hands: HandBank,
    *,
    stock: bool,
    seed: int,
    conditions: Sequence[str] = EVALUATED,
    progress: Callable[[str], None] = lambda condition: None,
    loops: LoopsCfg | None = None,
) -> Baselines:
    """Every baseline, on the training's hands at their own pace and networks drawn anew.

    Args:
        hands: The training's.
        stock: The stock motion policy.
        seed: Of the networks.
        conditions: Networks that horizons are fixed for.
        progress: Told each network before it is looked at.
        loops: In joint space, to try the arm's horizons there as well; None leaves them as found with a lag.
    """
    probe = ProbeCfg()
    sessions = draw_sessions([*conditions, "mixed"], each=probe.sessions, duration_s=28.0, seed=seed)
    recorded = [number for number, name in enumerate(hands.names) if not is_paced(name)]
    bench = Bench(hands, sessions, probe, numbers=recorded)
    joint = Bench(hands, sessions, JOINT_PROBE, numbers=recorded, loops=loops) if loops else None
    given: dict[str, Any] = {"stock": stock, "joint": joint}
    fixed = {}
    for condition in conditions:
        progress(condition)
        fixed[condition] = bench.best_fixed(condition, **given)
    progress("mixed")
    senders = {tau: sender_rule(sessions, sender_rule_cfg(tau, stock=stock)) for tau in AVERAGING_S}
    return Baselines(
        fixed=fixed,
        late_offsets=bench.best_offsets("mixed", None, **given),
        sender_offsets={str(tau): bench.best_offsets("mixed", base, **given) for tau, base in senders.items()},
        stock=stock,
        forecaster=hands.forecaster,
    )


def baselines_from(values: Mapping[str, Any]) -> Baselines:
    """What a policy's note holds.

    Raises:
        ConfigError: It holds none.
    """
    try:
        return Baselines(
            fixed={str(name): _four(np.array(four)) for name, four in values["fixed"].items()},
            late_offsets=_four(np.array(values["late_offsets"])),
            sender_offsets={str(tau): _four(np.array(four)) for tau, four in values["sender_offsets"].items()},
            stock=bool(values["stock"]),
            forecaster=str(values["forecaster"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            "the policy does not tell the baselines of its training", given=error, mend="train it with this version"
        ) from None


def _always(horizons: tuple[float, ...]) -> Callable:
    row = np.array(horizons)
    return lambda number, row_, slot: np.repeat(row[None], len(number), axis=0)


def _cycle(grid: Array) -> Callable:
    return lambda number, row, slot: grid[number % len(grid)]


def _four(values: Array) -> Four:
    a, b, c, d = (round(float(v), 4) for v in values)
    return a, b, c, d


def _motion_weights(names: Sequence[str]) -> Array:
    """Weights (hands,) that count every kind of motion alike."""
    kinds = [motion_of(name) for name in names]
    return np.array([1.0 / kinds.count(kind) for kind in kinds]) / len(set(kinds))
