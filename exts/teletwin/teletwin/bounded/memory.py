"""The backstop for libraries that take memory by what a file says: for a while this process gets no more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from teletwin.bounded.allowance import MIB, read_bytes_max, too_large

_SLACK_BYTES = 32 * MIB
"""What else the process may do meanwhile."""
_GUEST_BYTES = 8192 * MIB
"""A process that has more is a host program, Isaac Sim for one, whose other threads must not be refused memory."""
_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def memory_capped(source: object) -> Iterator[None]:
    """Refuse allocations beyond what a file may take, in this whole process, while `source` is read.

    The reader's own checks come first; this holds where a file lies to a library. Only Linux counts memory in a way
    that can be capped; elsewhere nothing is.

    Raises:
        TooLargeError: The library asked for more.
    """
    allowed = read_bytes_max() + _SLACK_BYTES
    with _ONE_AT_A_TIME, _data_limit(allowed):
        try:
            yield
        except MemoryError:
            raise too_large(source, needed=allowed) from None


@contextlib.contextmanager
def _data_limit(more_bytes: int) -> Iterator[None]:
    """Let the writable memory of this process grow by more_bytes only, where it is ours and can be told."""
    used = _data_bytes()
    if used is None or used > _GUEST_BYTES:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + more_bytes
    bounds = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *bounds]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    """Writable private memory of this process [bytes]; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData:"))
    except (OSError, StopIteration, ValueError):
        return None
