"""Which checks are near, and how far each is: looked at only where something could meet; loads warp.

`State.clearance` holds every check's clearance, or a lower bound of it: what was seen last less how far the bodies can
have come nearer since. Far bodies are looked at a few times a second, near ones at every tick.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN202, RUF046, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.twin.limits.distance import clearance_functions
from teletwin.twin.limits.model import limits_types

_ZERO = wp.constant(wp.float64(0.0))
_LOOK_TIME = wp.constant(wp.float64(0.12))
"""Bodies that could meet within this time are looked at; longer than the slide's and than a stop takes [s]."""
_SPEED_SPARE = wp.constant(wp.float64(0.1))
"""What a joint may be faster within this tick and the ramp behind it [rad/s]."""


@cache
def look_functions(count: int) -> SimpleNamespace:
    """Functions `ask_near`, `look` and `leave`."""
    t = limits_types(count)
    vecn, Limits, State = t.vecn, t.Limits, t.State
    clearance = clearance_functions(count).clearance

    @wp.func
    def ask_near(m: Limits, s: State, e: int, w: vecn):
        """Mark the checks that a motion at speeds w, or the stop from now, could come near; return how many.

        What s.clearance holds of the others is a bound that is far enough away.
        """
        asked = int(0)
        for k in range(m.check_kind.shape[0]):
            rate = _ZERO
            for i in range(count):
                rate = rate + m.check_reach[k, i] * (wp.max(wp.abs(w[i]), wp.abs(s.v[e, i])) + _SPEED_SPARE)
            s.is_needed[e, k] = 0
            if s.clearance[e, k] < rate * _LOOK_TIME:
                s.is_needed[e, k] = 1
                asked = asked + 1
        return asked

    @wp.func
    def look(m: Limits, s: State, e: int):
        """Write the clearance of every marked check at the capsules placed last."""
        for k in range(m.check_kind.shape[0]):
            if s.is_needed[e, k] == 1:
                distance, _normal, _point, _other = clearance(m, s, e, k)
                s.clearance[e, k] = distance

    @wp.func
    def leave(m: Limits, s: State, e: int, u: vecn, dt: wp.float64):
        """Keep s.clearance a lower bound while the joints go on at speeds u."""
        for k in range(m.check_kind.shape[0]):
            rate = _ZERO
            for i in range(count):
                rate = rate + m.check_reach[k, i] * wp.abs(u[i])
            s.clearance[e, k] = s.clearance[e, k] - rate * dt

    return SimpleNamespace(ask_near=ask_near, look=look, leave=leave)
