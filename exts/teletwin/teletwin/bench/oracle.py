"""A forecast that knows the hand's future: the bound that no forecaster can pass."""

from __future__ import annotations

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.hand import HandSource
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S, HORIZON_MAX_S, PoseSample
from teletwin.session.build import build_hand
from teletwin.session.config import SessionCfg
from teletwin.session.virtual import VirtualSession

_AHEAD_NS = int(1.2 * HORIZON_MAX_S * NS_PER_S)


class KnownHand:
    """Plays a hand and knows what it will do: samples are polled early and given out on time."""

    def __init__(self, hand: HandSource) -> None:
        self._hand = hand
        self._future = PoseHistory(capacity=4096)
        self._waiting: list[PoseSample] = []
        self._start_ns: int | None = None
        self._newest_ns = 0

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples up to now_ns; those of the next moments are kept."""
        if self._start_ns is None:  # the hand starts at its first poll
            self._keep(self._hand.poll(now_ns))
            self._start_ns = now_ns
        self._keep(self._hand.poll(now_ns + _AHEAD_NS))
        due = [sample for sample in self._waiting if sample.t_ns <= now_ns]
        self._waiting = self._waiting[len(due) :]
        self._newest_ns = due[-1].t_ns if due else self._newest_ns
        return due

    def _keep(self, samples: list[PoseSample]) -> None:
        """Remember samples of the future."""
        for sample in samples:
            self._future.append(sample.t_ns, sample.pose)
        self._waiting += samples

    def forecast(self, window: Array, *, out: Array) -> None:
        """Write what the hand will do into the curve."""
        out[:] = window[-1]
        for knot in range(1, CURVE_KNOTS):
            pose = self._future.at(self._newest_ns + int(knot * CURVE_STEP_S * NS_PER_S))
            if pose is not None:
                out[knot] = pose if float(pose[3:] @ window[-1, 3:]) >= 0.0 else pose * _FLIPPED

    def reset(self) -> None:
        """Nothing is learned."""


_FLIPPED = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0]


def oracle_session(session: SessionCfg) -> VirtualSession:
    """A virtual session whose forecaster knows the future."""
    known = KnownHand(build_hand(session))
    virtual = VirtualSession(session, hand=known)
    virtual.operator.forecaster = known
    return virtual
