"""Loads NVIDIA warp on demand, without a word on the terminal."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

TESTED_VERSIONS = ("1.8.1", "1.13.0", "1.19.0")
"""Versions of warp-lang that the kernels were checked under: those that Isaac Sim 5.1 and 6.0 bring, and the newest."""


def load_warp() -> ModuleType:
    """Import and start warp once, silently; kernels are compiled on first use and kept in its cache.

    A machine without an NVIDIA driver is a normal one here, so its notice is swallowed.
    """
    import warp

    if hasattr(warp.config, "log_level"):
        warp.config.log_level = max(int(warp.config.log_level), 30)  # warnings and worse
    else:
        setattr(warp.config, "quiet", True)  # noqa: B010 - its name before 1.10
    with _muted() if not _has_cuda_driver() else contextlib.nullcontext():
        warp.init()
    return warp


class RecordedLaunch:
    """A kernel bound to its arguments: every `launch` runs it on what their arrays hold then.

    It keeps the arguments. Warp before 1.16 keeps their addresses only, and a kernel would write to freed memory.
    """

    __slots__ = ("_arguments", "_command")

    def __init__(self, command: Any, arguments: Sequence[Any]) -> None:
        self._command, self._arguments = command, tuple(arguments)

    def launch(self) -> None:
        """Run the kernel."""
        self._command.launch()


def record(kernel: Any, *, dim: int, inputs: Sequence[Any], outputs: Sequence[Any] = (), device: str) -> RecordedLaunch:
    """Compile a kernel if needed and bind it to its arguments, once; a launch then takes microseconds."""
    import warp

    command = warp.launch(kernel, dim=dim, inputs=list(inputs), outputs=list(outputs), device=device, record_cmd=True)
    return RecordedLaunch(command, (*inputs, *outputs))


def _has_cuda_driver() -> bool:
    for name in ("libcuda.so.1", "libcuda.so", "nvcuda.dll"):
        with contextlib.suppress(OSError):
            ctypes.CDLL(name)
            return True
    return False


@contextlib.contextmanager
def _muted() -> Iterator[None]:
    """Send file descriptor 2 nowhere, as the notice comes from C below sys.stderr, and sys.stdout, where 1.8 has it."""
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(sink)
        os.close(kept)
