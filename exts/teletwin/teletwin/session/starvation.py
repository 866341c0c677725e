"""How long a process was kept from running: what tells a busy computer from somebody who is silent."""

from __future__ import annotations

import contextlib
from pathlib import Path

_NS_PER_S = 1_000_000_000


def waited_s(pid: int) -> float:
    """For how long [s] the first thread of a process has been ready to run and got no core; 0 where nobody tells.

    A process that hangs, sleeps or was suspended waits for no core.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / _NS_PER_S
    return 0.0
