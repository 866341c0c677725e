"""How long the roles of a session were kept from running: what tells a busy computer from somebody who is silent."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from teletwin.clock import NS_PER_MS, NS_PER_S

_LOOK_NS, _FIND_NS = 200 * NS_PER_MS, 2 * NS_PER_S
_LEAST_S = 0.4
"""A shorter wait for a core lets nobody seem silent [s]."""
_LEAST_SHARE = 0.7
"""Of the time between two looks: less may be many short waits."""
_MODULE = "teletwin.session.process"


def waited_s(pid: int) -> float:
    """For how long [s] the first thread of a process has been ready to run and got no core; 0 where nobody tells.

    A process that hangs, sleeps or was suspended waits for no core.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / NS_PER_S
    return 0.0


def roles_beside() -> dict[str, int]:
    """Process numbers of the roles that this process's launcher has started, this one's among them."""
    parent = os.getppid()
    found: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            if _MODULE in words[:-1]:
                found[words[words.index(_MODULE) + 1]] = int(pid)
    return found


class Starvation:
    """Notices when a role of this computer got no core for long; cheap enough for every slot.

    Args:
        find: Process numbers by role.
        waited: How long a process has waited for a core so far [s].
    """

    def __init__(
        self,
        *,
        find: Callable[[], Mapping[str, int]] = roles_beside,
        waited: Callable[[int], float] = waited_s,
    ) -> None:
        self._find, self._waited = find, waited
        self._pids: Mapping[str, int] = {}
        self._before_s: dict[int, float] = {}
        self._found_ns = self._looked_ns = -_FIND_NS
        self.starved_ns = -1
        """When the newest long wait was noticed [ns]; -1: never."""
        self.starved_role = ""
        """Whose it was."""
        self.starved_s: dict[str, float] = {}
        """Long waits of each role together [s]."""

    @property
    def roles(self) -> frozenset[str]:
        """Roles of this session that run on this computer."""
        return frozenset(self._pids)

    def look(self, now_ns: int) -> bool:
        """Look, when it is time again; whether a role that moves the arm was starved since the last look."""
        if now_ns - self._looked_ns < _LOOK_NS:
            return False
        if now_ns - self._found_ns >= _FIND_NS:
            self._found_ns, self._pids = now_ns, self._find()
        since_s = (now_ns - self._looked_ns) / NS_PER_S
        self._looked_ns = now_ns
        starved = [self._note(role, pid, since_s) for role, pid in self._pids.items() if role != "renderer"]
        if any(starved):
            self.starved_ns = now_ns
        return any(starved)

    def _note(self, role: str, pid: int, since_s: float) -> bool:
        total_s = self._waited(pid)
        waited_s = total_s - self._before_s.get(pid, total_s)
        self._before_s[pid] = total_s
        if waited_s < max(_LEAST_S, _LEAST_SHARE * since_s):
            return False
        self.starved_role = role
        self.starved_s[role] = self.starved_s.get(role, 0.0) + waited_s
        return True
