"""Finds Pythons of other versions on this machine by running what may be one; standard library only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
_TIMEOUT_S = 30.0


def find_python(version: tuple[int, int]) -> str | None:
    """Path of an interpreter of this version that can make environments; None where no candidate runs.

    A command of the right name proves nothing: pyenv lays one for each version that it knows, and it fails for those
    that are not chosen. So each candidate is run and asked.
    """
    return next(filter(None, (_asked(each, version) for each in _candidates(version))), None)


def _candidates(version: tuple[int, int]) -> Iterator[str]:
    """What may be one: this Python, the command of that name, every one that pyenv has."""
    if sys.version_info[:2] == version:
        yield sys.executable
    name = f"python{version[0]}.{version[1]}"
    found = shutil.which(name)
    if found:
        yield found
    for installed in _lines("pyenv", "versions", "--bare"):
        if re.match(rf"{version[0]}\.{version[1]}(?!\d)", installed):
            for prefix in _lines("pyenv", "prefix", installed):
                yield str(Path(prefix) / "bin" / "python")


def _asked(candidate: str, version: tuple[int, int]) -> str | None:
    """The interpreter behind a candidate, outside of any environment; None unless it runs and has the version."""
    words = " ".join(_lines(candidate, "-c", _PROBE)).split(maxsplit=2)
    if words[:2] != [str(part) for part in version]:
        return None
    return words[2] if os.path.exists(words[2]) else candidate


def _lines(*command: str) -> list[str]:
    """What a command prints; nothing when it fails or does not exist."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []
