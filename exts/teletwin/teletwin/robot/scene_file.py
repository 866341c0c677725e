"""Scene files (MJCF) as MuJoCo reads them: in bounded memory, and with one line for what it cannot read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from teletwin.bounded import memory_capped
from teletwin.errors import RobotError


@contextlib.contextmanager
def scene_read(path: Path | str) -> Iterator[None]:
    """Read or compile the scene in `path` within; a few words in it can ask MuJoCo for any amount of memory.

    Raises:
        RobotError: MuJoCo cannot read it.
        TooLargeError: It would take more memory than a file may.
    """
    with memory_capped(path):
        try:
            yield
        except (ValueError, RuntimeError) as error:
            told = " ".join(str(error).split())[:200] or type(error).__name__
            if "allocate" in told or isinstance(error, RuntimeError):  # std::bad_alloc is "an unknown exception" there
                raise MemoryError(told) from None
            raise RobotError(f"MuJoCo cannot read the scene: {told}", given=str(path)) from error
