"""Joint commands of a recording beside those of its replay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.messages import JointCommand


@dataclass(slots=True, kw_only=True)
class CommandDifference:
    """Counts, and the largest differences, over all commands that both have."""

    recorded_count: int = 0
    replayed_count: int = 0
    equal_count: int = 0
    """Commands that are the same to the last bit."""
    position_max_rad: float = 0.0
    speed_max_rad_s: float = 0.0
    shadow_max_rad: float = 0.0
    time_max_ns: int = 0
    mode_count: int = 0
    """Commands that ask for another mode."""
    first_unequal_s: float | None = None
    """When the first one differed, from the first command on [s]."""

    @property
    def is_exact(self) -> bool:
        """Whether every recorded command came again, bit for bit."""
        return self.recorded_count == self.replayed_count == self.equal_count

    def add(self, recorded: JointCommand, replayed: JointCommand, *, t_s: float) -> None:
        """Compare the commands of one tick, t_s [s] after the first."""
        apart = float(np.abs(recorded.q - replayed.q).max())
        is_equal = _bits(recorded) == _bits(replayed)
        self.equal_count += is_equal
        self.position_max_rad = max(self.position_max_rad, apart)
        self.speed_max_rad_s = max(self.speed_max_rad_s, float(np.abs(recorded.qd - replayed.qd).max()))
        self.shadow_max_rad = max(self.shadow_max_rad, float(np.abs(recorded.q_shadows - replayed.q_shadows).max()))
        self.time_max_ns = max(self.time_max_ns, abs(recorded.t_ns - replayed.t_ns))
        self.mode_count += recorded.mode is not replayed.mode
        if not is_equal and self.first_unequal_s is None:
            self.first_unequal_s = t_s


def _bits(command: JointCommand) -> tuple[object, ...]:
    arrays = (command.q, command.qd, command.q_shadows, command.qd_shadows)
    return (command.t_ns, command.pose_t_ns, int(command.mode), *(array.tobytes() for array in arrays))
