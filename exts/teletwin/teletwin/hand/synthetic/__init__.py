"""Operators made up: seeded hands that trace, reach, write, draw and use tools, as restless as people's hands are.

Same seed, same bytes. Calibration and its sources: docs/forecasting.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.recording import HandRecording
from teletwin.hand.synthetic.body import BodyCfg, embody
from teletwin.hand.synthetic.line import draw_lines
from teletwin.hand.synthetic.reach import draw_reaches
from teletwin.hand.synthetic.trace import draw_traces
from teletwin.hand.synthetic.work import draw_pair, draw_screws, draw_turning
from teletwin.hand.synthetic.write import draw_writing

SYNTHETIC_HANDS: dict[str, Callable[..., Array]] = {
    "line": draw_lines,
    "reach": draw_reaches,
    "write": draw_writing,
    "trace": draw_traces,
}
"""What the hand does, by name; the wrist leans and sways with it."""
TOOL_HANDS: dict[str, Callable[..., Array]] = {"turning": draw_turning, "pair": draw_pair, "screws": draw_screws}
"""Work with a tool, by name: the wrist turns as much as the hand moves, at up to 80 deg/s, with stops in between."""
MADE_UP_HANDS: dict[str, Callable[..., Array]] = {**SYNTHETIC_HANDS, **TOOL_HANDS}
"""All of them. The order of names is a part of their seeds."""
_HANDS_AT_ONCE = 32
"""What is made in between is many times larger than the poses: this bounds it. Other values give other hands."""


def draw_hands(
    kind: str,
    *,
    hands: int = 1,
    duration_s: float = 30.0,
    rate_hz: float = 100.0,
    seed: int = 0,
    motion: Any = None,
    body: BodyCfg | None = None,
) -> Array:
    """Poses (hands, n, 7) of made-up operators on an even grid; position [m] about the origin, quaternion wxyz.

    Args:
        kind: One of MADE_UP_HANDS.
        hands: How many, each with its own curve, tremor and habits.
        duration_s: How long [s].
        rate_hz: Samples per second.
        seed: Same seed (and same other arguments), same bytes.
        motion: The kind's own configuration (LineCfg, ReachCfg, WriteCfg, TraceCfg, WorkCfg).
        body: Tremor, drift, noise and wrist.

    Raises:
        ConfigError: No such kind, or a number out of range.
    """
    if kind not in MADE_UP_HANDS:
        raise ConfigError("no such synthetic hand", given=kind, allowed=", ".join(MADE_UP_HANDS))
    if hands < 1 or not 20.0 <= rate_hz <= 2000.0 or not 1.0 <= duration_s <= 3600.0 or seed < 0:
        raise ConfigError(
            "a synthetic hand cannot be made so",
            given=f"{hands} hands, {duration_s} s at {rate_hz} Hz, seed {seed}",
            allowed="1 hand or more, 1 ... 3600 s, 20 ... 2000 Hz, a seed of 0 or more",
        )
    rng = np.random.default_rng([list(MADE_UP_HANDS).index(kind), seed])
    poses = np.empty((hands, round(duration_s * rate_hz), 7))
    for first in range(0, hands, _HANDS_AT_ONCE):
        some = poses[first : first + _HANDS_AT_ONCE]
        intention = MADE_UP_HANDS[kind](rng, hands=len(some), count=some.shape[1], rate_hz=rate_hz, cfg=motion)
        some[:] = embody(rng, intention, rate_hz=rate_hz, cfg=body)
    return poses


def draw_recording(kind: str, *, seed: int = 0, duration_s: float = 60.0, rate_hz: float = 200.0) -> HandRecording:
    """One made-up operator as a recording."""
    poses = draw_hands(kind, duration_s=duration_s, rate_hz=rate_hz, seed=seed)[0]
    t_ns = np.round(np.arange(len(poses)) * (NS_PER_S / rate_hz)).astype(np.int64)
    return HandRecording(name=f"{kind}:seed={seed}", t_ns=t_ns, poses=poses)


def recording_by_name(name: str) -> HandRecording | None:
    """The hand of a name such as 'line', 'line:seed=3' or 'reach:seed=1,duration=20'; None for another name.

    Raises:
        ConfigError: The kind is known, but what follows it is not.
    """
    kind, _, rest = name.partition(":")
    if kind not in MADE_UP_HANDS:
        return None
    given: dict[str, float] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in ("seed", "duration", "rate") or not _is_number(value):
            raise ConfigError(
                "a synthetic hand is not named so", given=name, allowed=f"{kind}:seed=3,duration=60,rate=200"
            )
        given[key] = float(value)
    if given.get("seed", 0.0) % 1.0:
        raise ConfigError("a seed is a whole number", given=name, allowed=f"{kind}:seed=3")
    return draw_recording(
        kind,
        seed=int(given.get("seed", 0)),
        duration_s=given.get("duration", 60.0),
        rate_hz=given.get("rate", 200.0),
    )


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
