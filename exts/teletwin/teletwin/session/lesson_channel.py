"""Between a running session and its learner: what was seen, done and got goes out, new policies come in.

A local socket that keeps messages whole (SOCK_SEQPACKET). The session never waits for it: what does not fit is dropped
and counted. Out go rows: a header, the observation and the action in float32. In come JSON texts:
{"kind": "policy", "number": 3, "path": "...", "spread": [...]} with a file written whole, and
{"kind": "state", ...} with what the page shows of the learner.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from teletwin.errors import ConfigError, MessageError, TeletwinError
from teletwin.geometry import Array
from teletwin.horizon.policy_file import PolicyFile, load_policy

MESSAGE_BYTES_MAX = 65_536
_HEADER = struct.Struct("<4sIIfffHH")
_MARK = b"TTL1"
_CLOSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One slot of a lesson."""

    slot: int
    """Number of the slot; a row whose number does not follow begins anew."""
    policy: int
    """Number of the policy that acted; 0 is the one that the session began with."""
    reward: float
    """What is learned from."""
    metric: float
    """Eq. 16 [m]."""
    drawing_m: float
    observation: Array
    """What the policy saw (n,), not normalised."""
    action: Array
    """What was done (m,), noise and all."""


def pack_row(row: Row) -> bytes:
    """The bytes of a row."""
    counts = len(row.observation), len(row.action)
    header = _HEADER.pack(_MARK, row.slot, row.policy, row.reward, row.metric, row.drawing_m, *counts)
    return header + row.observation.astype("<f4").tobytes() + row.action.astype("<f4").tobytes()


def unpack_row(data: bytes) -> Row:
    """The row in some bytes; MessageError when they are none."""
    if len(data) < _HEADER.size or data[:4] != _MARK:
        raise MessageError("not a row of a lesson", given=f"{len(data)} bytes")
    _, slot, policy, reward, metric, drawing_m, seen, done = _HEADER.unpack_from(data)
    if len(data) != _HEADER.size + 4 * (seen + done):
        raise MessageError("a row of a lesson is cut", given=f"{len(data)} bytes")
    values = np.frombuffer(data, dtype="<f4", offset=_HEADER.size).astype(np.float64)
    if not np.isfinite(values).all() or not np.isfinite((reward, metric, drawing_m)).all():
        raise MessageError("a row of a lesson is not finite")
    return Row(
        slot=slot,
        policy=policy,
        reward=reward,
        metric=metric,
        drawing_m=drawing_m,
        observation=values[:seen],
        action=values[seen:],
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewPolicy:
    """A policy that the learner has sent, loaded."""

    number: int
    policy: PolicyFile
    spread: Array
    """Standard deviations of the noise on its actions (m,)."""


class LearnerLink:
    """The session's end of the channel; a context manager. Files are loaded on a thread of its own."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._box: deque[NewPolicy] = deque(maxlen=1)
        self.learner: dict[str, Any] = {"phase": "starting"}
        """What the learner last said of itself."""
        self.fault = ""
        """Why nothing is learned any more, in words."""
        self.sent_count = 0
        self.dropped_count = 0
        """Rows that the learner was too slow for."""
        self.refused_count = 0
        """Policies that could not be loaded."""

    def __enter__(self) -> Self:
        try:
            self._socket.connect(self._path)
        except OSError as error:
            self._socket.close()
            raise ConfigError("the learner cannot be reached", given=f"{self._path} ({error.strerror})") from None
        self._thread = threading.Thread(target=self._listen, name="learner-link", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_CLOSE_S)
        self._socket.close()

    def send(self, row: Row) -> bool:
        """Send a row now or drop it."""
        try:
            self._socket.send(pack_row(row), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:  # full, or nobody there any more
            self.dropped_count += 1
            return False
        self.sent_count += 1
        return True

    def take(self) -> NewPolicy | None:
        """The newest policy that has come since the last call."""
        try:
            return self._box.pop()
        except IndexError:
            return None

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._socket.recv(MESSAGE_BYTES_MAX):
                self._hear(data)
        self.fault = self.fault or "the learner has ended"

    def _hear(self, data: bytes) -> None:
        try:
            said = json.loads(data)
            if said.get("kind") == "policy":
                spread = np.array(said["spread"], dtype=np.float64)
                new = NewPolicy(number=int(said["number"]), policy=load_policy(said["path"]), spread=spread)
                self._box.append(new)
            else:
                self.learner = {key: value for key, value in said.items() if key != "kind"}
        except (TeletwinError, ValueError, KeyError, TypeError, AttributeError):
            self.refused_count += 1
