"""What a learned policy does: numbers in [-1, 1] become horizons; nothing at all is exactly the rule."""

from __future__ import annotations

from dataclasses import dataclass, fields

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.messages import HORIZON_MAX_S, Horizons

ACTIONS = ("late", "sender", "paper")
"""Corrections on top of late binding; the same on top of the sender's average; absolute horizons as in the paper."""
ACTION_COUNTS = {"late": 5, "sender": 5, "paper": 2}
"""Numbers of an action: control, render, gain and both for orientation; in the paper's form control and render."""
GAIN_MAX = 1.3
"""No forecast displacement is stretched further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLimits:
    """How far an action of +-1 goes from the rule."""

    correction_s: float = 0.1
    """Position [s]."""
    orientation_correction_s: float = 0.15
    """Orientation [s]."""
    gain_least: float = 0.25
    """Gain at -1."""
    gain_most: float = GAIN_MAX
    """Gain at +1."""

    def __post_init__(self) -> None:
        ranges = {
            "correction_s": (0.0, HORIZON_MAX_S),
            "orientation_correction_s": (0.0, HORIZON_MAX_S),
            "gain_least": (0.0, 1.0),
            "gain_most": (1.0, GAIN_MAX),
        }
        for entry in fields(self):
            value, (least, most) = getattr(self, entry.name), ranges[entry.name]
            if not least <= value <= most:
                raise ConfigError(
                    f"{entry.name} of the actions is out of range", given=value, allowed=f"{least:g} ... {most:g}"
                )


def action_count(kind: str) -> int:
    """How many numbers an action of this kind has.

    Raises:
        ConfigError: No action has this name.
    """
    if kind not in ACTION_COUNTS:
        raise ConfigError("no action has this name", given=kind, allowed=", ".join(ACTIONS))
    return ACTION_COUNTS[kind]


def horizons_of(action: Array, *, kind: str, limits: ActionLimits, base: Horizons) -> Horizons:
    """The horizons [s] that an action means.

    Args:
        action: Numbers (ACTION_COUNTS[kind],), clipped to [-1, 1]; one that is not a number counts as 0.
        kind: One of ACTIONS.
        limits: How far +-1 goes.
        base: What the rule says in this slot: late bound for 'late', absolute for 'sender'; not read for 'paper'.
    """
    values = [min(max(value, -1.0), 1.0) if value == value else 0.0 for value in action.tolist()]
    if kind == "paper":
        return _paper(*values)
    control, render, gain, control_turn, render_turn = values
    straight, turning = limits.correction_s, limits.orientation_correction_s
    late = kind == "late"
    least, most = (-HORIZON_MAX_S if late else 0.0), HORIZON_MAX_S
    return Horizons(
        control_s=min(max(base.control_s + straight * control, least), most),
        render_s=min(max(base.render_s + straight * render, least), most),
        control_orientation_s=min(max(base.control_orientation_s + turning * control_turn, least), most),
        render_orientation_s=min(max(base.render_orientation_s + turning * render_turn, least), most),
        gain=1.0 + ((limits.gain_most - 1.0) if gain > 0.0 else (1.0 - limits.gain_least)) * gain,
        late_binding_control=late,
        late_binding_render=late,
    )


def _paper(control: float, render: float) -> Horizons:
    """Absolute horizons over the whole range, the same for orientation."""
    control_s, render_s = 0.5 * HORIZON_MAX_S * (1.0 + control), 0.5 * HORIZON_MAX_S * (1.0 + render)
    return Horizons(
        control_s=control_s,
        render_s=render_s,
        control_orientation_s=control_s,
        render_orientation_s=render_s,
        late_binding_control=False,
        late_binding_render=False,
    )
