"""Messages that must arrive: kept and sent again until the peer confirms them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from teletwin.clock import NS_PER_MS
from teletwin.errors import MessageError
from teletwin.link.wire import Kind

_CONFIRM = struct.Struct("<BI")
_FIRST_WAIT_NS = 60 * NS_PER_MS
_LONGEST_WAIT_NS = 500 * NS_PER_MS
_MAX_TRIES = 40
_MAX_WAITING = 64


@dataclass(slots=True)
class Pending:
    """One message on its way; `due_ns` is when it is sent again."""

    peer: str
    kind: Kind
    seq: int
    payload: bytes
    due_ns: int
    wait_ns: int = _FIRST_WAIT_NS
    tries: int = 1


class Resender:
    """The messages of one role that no peer has confirmed yet."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, int, int], Pending] = {}
        self.resent_count = 0
        self.undelivered_count = 0

    def __len__(self) -> int:
        return len(self._pending)

    def keep(self, peer: str, kind: Kind, seq: int, payload: bytes, now_ns: int) -> None:
        """Remember a message that was just sent."""
        if len(self._pending) >= _MAX_WAITING:
            del self._pending[next(iter(self._pending))]
            self.undelivered_count += 1
        self._pending[peer, int(kind), seq] = Pending(peer, kind, seq, payload, now_ns + _FIRST_WAIT_NS)

    def confirm(self, peer: str, payload: bytes) -> None:
        """Forget the message that peer confirms."""
        if len(payload) != _CONFIRM.size:
            raise MessageError("a confirmation has a wrong length", given=len(payload))
        kind, seq = _CONFIRM.unpack(payload)
        self._pending.pop((peer, kind, seq), None)

    def due(self, now_ns: int) -> list[Pending]:
        """Messages to send again now; each waits longer than before, and the 40th try is the last."""
        if not self._pending:
            return []
        due = [pending for pending in self._pending.values() if pending.due_ns <= now_ns]
        again: list[Pending] = []
        for pending in due:
            if pending.tries >= _MAX_TRIES:
                del self._pending[pending.peer, int(pending.kind), pending.seq]
                self.undelivered_count += 1
                continue
            pending.tries += 1
            pending.wait_ns = min(2 * pending.wait_ns, _LONGEST_WAIT_NS)
            pending.due_ns = now_ns + pending.wait_ns
            again.append(pending)
        self.resent_count += len(again)
        return again

    def next_due_ns(self) -> int | None:
        """When the next message is sent again [ns]; None when none waits."""
        return min((pending.due_ns for pending in self._pending.values()), default=None)


def confirmation(kind: Kind, seq: int) -> bytes:
    """Payload that confirms one message."""
    return _CONFIRM.pack(kind, seq)
