"""How much parity a loss asks for, how a receiver measures that loss, and how it says so."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache

from teletwin.errors import MessageError

_HEAD = struct.Struct("<BIHB")
ASKED_MAX = 32
"""Pieces that are asked for at once."""
_LOST_MESSAGES = 2e-4
"""Share of messages that may be lost for good."""
_STEP = 0.005


@dataclass(frozen=True, slots=True)
class Wish:
    """Of a receiver: the loss that it measures, and pieces that it lacks."""

    kind: int
    seq: int
    """Of the message that lacks pieces."""
    loss: float
    """Share of pieces lost, 0 ... 1."""
    pieces: tuple[int, ...] = ()

    def pack(self) -> bytes:
        """Payload of a datagram."""
        head = _HEAD.pack(self.kind, self.seq, round(65535 * min(max(self.loss, 0.0), 1.0)), len(self.pieces))
        return head + struct.pack(f"<{len(self.pieces)}H", *self.pieces)

    @staticmethod
    def unpack(payload: bytes) -> Wish:
        """Read one; MessageError where its length is wrong or it asks for too much."""
        if len(payload) < _HEAD.size:
            raise MessageError("a wish for pieces was cut", given=len(payload))
        kind, seq, loss, count = _HEAD.unpack_from(payload)
        if count > ASKED_MAX or len(payload) != _HEAD.size + 2 * count:
            raise MessageError("a wish for pieces has a wrong length", given=len(payload))
        return Wish(kind, seq, loss / 65535, struct.unpack_from(f"<{count}H", payload, _HEAD.size))


class LossMeter:
    """A receiver's side: which share of a sender's pieces does not come; settles within some hundred pieces."""

    def __init__(self) -> None:
        self.share, self._weight = 0.0, 0.0
        self.is_worth_telling = False
        """Whether something was counted since it was told; a path that never lost anything says nothing."""

    def count(self, expected: int, came: int) -> None:
        """A message is over: so many pieces were sent, so many came."""
        keep = 0.995**expected
        self._weight = keep * self._weight + (1.0 - keep)
        self.share += (1.0 - keep) / self._weight * ((expected - came) / expected - self.share)
        self.is_worth_telling = self.share > 0.0


def parity_count(pieces: int, loss: float) -> int:
    """How many parity pieces a message of so many pieces gets: one at least, half as many at most.

    So many that, of independent losses, 2 messages in 10 000 lose more.
    """
    return _parity_count(pieces, min(math.ceil(loss / _STEP), round(1.0 / _STEP)))


@lru_cache(maxsize=4096)
def _parity_count(pieces: int, steps: int) -> int:
    loss, most = steps * _STEP, max(math.ceil(pieces / 2), 1)
    for parities in range(1, most):
        total = pieces + parities
        kept = sum(math.comb(total, n) * loss**n * (1.0 - loss) ** (total - n) for n in range(parities + 1))
        if 1.0 - kept <= _LOST_MESSAGES:
            return parities
    return most
