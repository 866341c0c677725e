"""Runs every method on the same stretches of hands and the same networks, and puts the errors side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin_training.horizon.conditions import EVALUATED
from teletwin_training.horizon.evaluation.effective import effective_mtp_ms
from teletwin_training.horizon.evaluation.methods import Method
from teletwin_training.horizon.hands import HandBank, load_hands, motion_of, source_of
from teletwin_training.horizon.left_out import LeftOut
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.probe import Run, common_stretch, mean_squares, measure
from teletwin_training.horizon.seen import Rows
from teletwin_training.horizon.sessions import SessionBank, draw_sessions
from teletwin_training.horizon.tables import recorded_tables

ERRORS = ("control_position_mm", "control_orientation_deg", "display_position_mm", "display_orientation_deg")
_LOG = logging.getLogger(__name__)
_LEAST = 1e-9
_UNITS = np.array([1e3, 180.0 / np.pi, 1e3, 180.0 / np.pi])


@dataclass(frozen=True, kw_only=True)
class CompareCfg:
    """What policies are compared on."""

    conditions: tuple[str, ...] = EVALUATED
    """Networks."""
    sessions: int = 4
    """Of each network, for every hand."""
    slots: int = 2500
    """At most, of each stretch."""
    seed: int = 900_000
    """Of the networks; training draws others."""
    arm: str = "rmpflow"
    """'rmpflow' (joint space, with limits) or 'lag' (six times faster, some per cent too good)."""

    def __post_init__(self) -> None:
        if not self.conditions or not 1 <= self.sessions <= 200 or not 300 <= self.slots <= 100_000 or self.seed < 0:
            raise ConfigError(
                "the comparison cannot be made so",
                given=f"{len(self.conditions)} networks, {self.sessions} sessions, {self.slots} slots",
                allowed="1 network or more, 1 ... 200 sessions, 300 ... 100000 slots",
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """Mean squares by method, on the same runs."""

    cfg: CompareCfg
    names: tuple[str, ...]
    """Hand of each run."""
    motions: tuple[str, ...]
    """Kind of motion of each run."""
    conditions: tuple[str, ...]
    """Network of each run."""
    squares: dict[str, Array]
    """Method to mean squares (runs, 4) [m^2, rad^2]: arm's position, orientation, then the picture's."""
    effective_mtp_ms: dict[str, Array]
    """Method to the effective motion-to-photon time (runs,) [ms]."""
    labels: dict[str, str]
    hands: list[dict[str, Any]]
    """Name, scale and speed of each hand."""
    slots: int
    """Slots [10 ms] of each stretch that were judged: as many as the shortest of these hands has."""
    left_out: tuple[LeftOut, ...] = ()
    """Hands that were asked for and could not be judged."""

    def pick(self, *, condition: str | None = None, motion: str | None = None) -> Rows:
        """Numbers of the runs on a network and of a motion."""
        keep = [
            (condition is None or c == condition) and (motion is None or m == motion)
            for c, m in zip(self.conditions, self.motions, strict=True)
        ]
        return np.flatnonzero(keep)

    @property
    def kinds(self) -> list[str]:
        """Kinds of motion, as they come."""
        return list(dict.fromkeys(self.motions))

    def grid(self, condition: str, motion: str) -> Rows:
        """Numbers (hands, networks) of the runs on a network and of a motion."""
        count = len(self.hands)  # the hand varies fastest
        hands = [index for index, hand in enumerate(self.hands) if hand["motion"] == motion]
        starts = [first for first in range(0, len(self.names), count) if self.conditions[first] == condition]
        return np.add.outer(hands, starts)

    def by_hand(self, method: str, condition: str, motion: str) -> Array:
        """Root mean square errors (hands, 4) over networks, in the units of ERRORS."""
        return np.sqrt(self.squares[method][self.grid(condition, motion)].mean(axis=1)) * _UNITS

    def errors(self, method: str, condition: str, motion: str) -> Array:
        """Geometric means (4,) over hands of their root mean square errors, in the units of ERRORS."""
        return np.exp(np.log(np.maximum(self.by_hand(method, condition, motion), _LEAST)).mean(axis=0))

    def hands_of(self, motion: str) -> list[str]:
        """Names of the hands of a motion."""
        return [str(hand["name"]) for hand in self.hands if hand["motion"] == motion]

    def told(self, motion: str) -> str:
        """On how many hands of how many generators or sets of recordings what is said of a motion rests."""
        sources = {str(hand["source"]) for hand in self.hands if hand["motion"] == motion}
        return f"{len(self.hands_of(motion))} of {len(sources)}"


def compare(
    names: Sequence[str],
    methods: Sequence[Method],
    cfg: CompareCfg,
    *,
    progress: Callable[[str], None] = lambda method: None,
) -> Outcome:
    """Every method on every hand and network.

    Args:
        names: Hands by name or path.
        methods: What is compared; each is run with its own forecaster and motion policy.
        cfg: Networks and lengths.
        progress: Told each method's name before it runs.
    """
    spoiled: dict[str, LeftOut] = {}

    def leave_out(left: LeftOut) -> None:
        if left.name not in spoiled:
            _LOG.warning("left out: %s: %s", left.name, left.why)
        spoiled[left.name] = left

    forecasters = dict.fromkeys(method.forecaster for method in methods)
    banks = {name: load_hands(names, forecaster=name, on_left_out=leave_out) for name in forecasters}
    first = next(iter(banks.values()))
    need_s = 0.01 * (min(cfg.slots, int(first.slot_count.max())) + 700)
    sessions = draw_sessions(cfg.conditions, each=cfg.sessions, duration_s=need_s, seed=cfg.seed)
    stretches = common_stretch(first, sessions, range(len(first.names)), most=cfg.slots)
    numbers, slots = stretches.numbers, stretches.slots
    for hand in stretches.short:
        leave_out(LeftOut(name=first.names[hand], why="too short to be judged"))
    runs = [Run(hand=h, session=s) for s in range(len(sessions)) for h in numbers]
    squares, effective = {}, {}
    loops = LoopsCfg(arm=cfg.arm, causal=cfg.arm != "lag")
    for method in methods:
        progress(method.label)
        bank = banks[method.forecaster]
        squares[method.name], effective[method.name] = _run(method, bank, sessions, runs, slots, loops)
    return Outcome(
        cfg=cfg,
        names=tuple(first.names[run.hand] for run in runs),
        motions=tuple(motion_of(first.names[run.hand]) for run in runs),
        conditions=tuple(sessions.conditions[run.session] for run in runs),
        squares=squares,
        effective_mtp_ms=effective,
        labels={method.name: method.label for method in methods},
        hands=[
            {
                "name": name,
                "motion": motion_of(name),
                "source": source_of(name),
                "scale": first.scales[hand],
                "speed_mm_s": 1e3 * first.speed_m_s(hand),
            }
            for hand, name in ((hand, first.names[hand]) for hand in numbers)
        ],
        slots=slots,
        left_out=tuple(spoiled.values()),
    )


def _run(
    method: Method, hands: HandBank, sessions: SessionBank, runs: Sequence[Run], slots: int, loops: LoopsCfg
) -> tuple[Array, Array]:
    session = np.array([run.session for run in runs])
    choose = method.make(hands, sessions, session)
    own = [Run(hand=run.hand, session=run.session, stock=method.stock) for run in runs]
    tables = recorded_tables(hands, sessions)
    total = measure(hands, sessions, own, choose, slots=slots, tables=tables, loops=loops)
    return mean_squares(total), effective_mtp_ms(method, choose, hands, sessions, runs, slots)


def outcome_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """Errors by network, motion and method, geometric means over hands; JSON-ready."""
    rows = []
    for condition in outcome.cfg.conditions:
        for motion in outcome.kinds:
            runs = outcome.pick(condition=condition, motion=motion)
            for method in outcome.squares:
                errors = dict(zip(ERRORS, outcome.errors(method, condition, motion).tolist(), strict=True))
                mtp = float(outcome.effective_mtp_ms[method][runs].mean())
                rows.append(
                    {"condition": condition, "motion": motion, "method": method, "runs": len(runs)}
                    | {"hands": len(outcome.hands_of(motion))}
                    | errors
                    | {"effective_mtp_ms": mtp}
                )
    return rows


def outcome_facts(outcome: Outcome) -> dict[str, Any]:
    """What was compared on, JSON-ready."""
    return {
        "cfg": asdict(outcome.cfg),
        "hands": outcome.hands,
        "labels": outcome.labels,
        "slots": outcome.slots,
        "left_out": [asdict(left) for left in outcome.left_out],
    }
