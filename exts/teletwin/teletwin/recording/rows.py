"""Rows of numbers out of a log's messages, as arrays that grow, and the trajectory that they make."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

import numpy as np

from teletwin.bounded import Allowance
from teletwin.geometry import Array
from teletwin.recording.logged_message import LoggedMessage
from teletwin.recording.message_table import ROW_BYTES
from teletwin.recording.session_recording import SessionRecording
from teletwin.recording.trajectory import increasing

ToolPose = Callable[[Array], Array]
"""Joint positions (n, 6) [rad] to tool poses (n, 7) in the UR base frame."""
Trajectory = tuple[np.ndarray, Array]
"""Times [ns] (n,) and poses (n, 7)."""
OTHER_CLOCK_NS = 200_000_000
"""Nothing of ours waits so long between its own time and its sending: a larger lag is another clock's offset."""
_BYTES_A_NUMBER = 24
"""Of a row: the number itself, and what sorting takes."""
_AT_ONCE = 20_000
"""Rows whose kinematics are computed together."""


def allowance_beside(log: SessionRecording) -> Allowance:
    """What may be taken beside the table of a log's messages."""
    allowance = Allowance(log.path)
    allowance.take(ROW_BYTES * len(log.messages))
    return allowance


class Rows:
    """Times and `width` numbers each, of the messages of a log."""

    def __init__(self, log: SessionRecording, *, width: int) -> None:
        self.allowance = allowance_beside(log)
        self._width = width
        self._t_ns, self._lag_ns, self._numbers = array("q"), array("q"), array("d")

    def __len__(self) -> int:
        return len(self._t_ns)

    def add(self, t_ns: int, numbers: Sequence[float], *, lag_ns: int = 0) -> None:
        """One more row.

        Raises:
            ValueError: It has another width.
            TooLargeError: The rows would take more memory than a file may.
        """
        if len(numbers) != self._width:
            raise ValueError(f"{len(numbers)} numbers instead of {self._width}")
        self.allowance.take(_BYTES_A_NUMBER * (self._width + 2))
        self._numbers.extend(np.nan if number is None else number for number in numbers)
        self._t_ns.append(t_ns)
        self._lag_ns.append(lag_ns)

    def add_own(self, each: LoggedMessage, numbers: Sequence[float]) -> None:
        """One more row at the message's own time; a clock that plainly is another host's is set to the log's."""
        t_ns = each.values["t_ns"]
        self.add(t_ns + each.shift_ns, numbers, lag_ns=each.t_publish_ns - each.shift_ns - t_ns)

    def trajectory(self, tool_pose: ToolPose | None = None) -> Trajectory:
        """Times [ns] and poses, in the order of time; the poses of joints by tool_pose."""
        lags_ns, count = np.sort(np.asarray(self._lag_ns)), len(self)
        lag_ns = int(lags_ns[count // 2]) if count else 0
        t_ns = np.asarray(self._t_ns) + (lag_ns if abs(lag_ns) > OTHER_CLOCK_NS else 0)
        numbers = np.asarray(self._numbers).reshape(count, self._width)
        if tool_pose is None or not count:
            return increasing(t_ns, numbers if tool_pose is None else np.empty((0, 7)))
        poses = np.empty((count, 7))
        for start in range(0, count, _AT_ONCE):
            poses[start : start + _AT_ONCE] = tool_pose(numbers[start : start + _AT_ONCE])
        return increasing(t_ns, poses)
