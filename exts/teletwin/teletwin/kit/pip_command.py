"""The line for a terminal that brings packages into the extension's folder. Imports nothing of Kit."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

FOLDER = "pip_prebundle"
REQUIREMENTS = "requirements-kit.txt"
_STARTER = "python.bat" if os.name == "nt" else "python.sh"


def pip_command(extension: Path, names: list[str], *, upgrade: bool = False) -> str:
    """Bring packages, by their names on the index, in the versions of the extension's requirements.

    `--no-deps`: Kit brings numpy, warp and pxr, and a second one must not stand beside them.
    """
    pins = _pins(extension / REQUIREMENTS)
    words = [_python(), "-m", "pip", "install", "--no-deps", *(["--upgrade"] if upgrade else [])]
    words += ["--target", str(extension / FOLDER), *(pins.get(name.lower(), name) for name in names)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _pins(requirements: Path) -> dict[str, str]:
    """Lines of the requirements by the package's name in small letters; none when the file is not there."""
    try:
        lines = requirements.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {line.partition("==")[0].lower(): line for line in lines if "==" in line}


def _python() -> str:
    """What runs Isaac Sim's own Python in a terminal; inside Kit, `sys.executable` may be Kit itself."""
    told = os.environ.get("ISAAC_PATH")
    for folder in [*([Path(told)] if told else []), *Path(sys.executable).parents]:
        if (folder / _STARTER).is_file():
            return str(folder / _STARTER)
    return sys.executable if Path(sys.executable).name.startswith("python") else f"<isaac-sim>/{_STARTER}"
