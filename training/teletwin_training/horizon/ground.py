"""What environments stand on, from a few words: hands by name, networks by condition, rewards over the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teletwin.geometry import Array
from teletwin_training.horizon.baselines import Bench, ProbeCfg
from teletwin_training.horizon.hands import HandBank, load_hands
from teletwin_training.horizon.sessions import START_SLOT, SessionBank, draw_sessions
from teletwin_training.horizon.tables import Tables

HANDS = ("handwriting", *(f"{kind}:seed={seed},duration=40" for kind in ("line", "reach", "trace") for seed in (0, 1)))
"""Hands that need no file."""
_RULE_SLOTS = 1200


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """Hands, networks, and what rewards are measured by."""

    hands: HandBank
    sessions: SessionBank
    norm: Array
    """(hands, sessions, 4) the rule's mean squares; see `Bench.rule_norm`."""
    tables: Tables
    """Those of hands and sessions on the CPU."""


def make_ground(
    names: Sequence[str],
    *,
    condition: str,
    sessions: int,
    forecaster: str,
    episode_slots: int,
    stock: bool = False,
    seed: int = 0,
) -> Ground:
    """Hands by name, so many networks of a condition drawn by seed, and the rule's errors on them.

    Raises:
        ConfigError: There is no such condition.
        RecordingError: A hand cannot be read or is too short.
    """
    bank = load_hands(names, forecaster=forecaster)
    needed_s = 0.01 * (max(episode_slots, _RULE_SLOTS) + 3 * START_SLOT)
    networks = draw_sessions([condition], each=sessions, duration_s=needed_s, seed=seed)
    bench = Bench(bank, networks, ProbeCfg(slots=_RULE_SLOTS))
    return Ground(hands=bank, sessions=networks, norm=bench.rule_norm(stock=stock), tables=bench.tables)
