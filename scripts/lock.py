"""Write requirements-demo.txt, -train.txt and -test.txt anew from the ranges of pyproject.toml.

Run it with the lowest supported Python (3.11), so that every version has wheels for all of them. The result
is checked by a fresh install on each: see docs/contributing.md. With --keep, versions that are locked already stay and
only what is missing is added.

With --hashes no lock is written: the SHA-256 sums of what is locked are, into hashes.txt, for this Python and platform
beside those of others; of what Kit brings into hashes-kit.txt.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from functools import partial
from pathlib import Path

from bootstrap import KIT_LOCKS, LOCKS, ROOT
from hashes import HASHES, KIT_HASHES, record_hashes

_LEFT_OUT = {"pip", "setuptools", "wheel", "teletwin"}
_BY_BUILD_OF_TORCH = ("nvidia-", "cuda-", "triton")
"""Brought by the builds of torch for some machines only; bootstrap.py leaves them to pip."""


def main() -> None:
    """Write the locks, or the sums of what they hold."""
    if "--hashes" in sys.argv:
        for path, locks in ((HASHES, LOCKS.values()), (KIT_HASHES, KIT_LOCKS)):
            print(f"{record_hashes(locks, path)} packages: {path.relative_to(ROOT)}")
        return
    _write_locks()


def _write_locks() -> None:
    """Resolve the demo first, training on top of it, then the tests on top of both."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    demo = [*project["project"]["dependencies"], *project["build-system"]["requires"], "editables>=0.5,<1"]
    extras = project["project"]["optional-dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        lock = partial(_lock, Path(folder), _constraints(Path(folder)) if "--keep" in sys.argv else [])
        lock(demo, LOCKS["demo"], "What `teletwin demo` runs with.")
        lock(extras["train"], LOCKS["train"], "What `teletwin train` runs with: the demo's packages and more.")
        lock(extras["dev"], LOCKS["test"], "What the tests run with: the packages of demo and training and more.")


def _constraints(folder: Path) -> list[str]:
    """Options of pip that hold what is locked now; written where the locks can be overwritten meanwhile."""
    path = folder / "constraints.txt"
    path.write_text("".join(lock.read_text() for lock in LOCKS.values() if lock.exists()))
    return ["-c", str(path)]


def _lock(venv: Path, options: list[str], requirements: list[str], path: Path, title: str) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip"]
    subprocess.run([*pip, "install", "--quiet", *options, *requirements], check=True)
    frozen = subprocess.run([*pip, "freeze", "--all"], check=True, capture_output=True, text=True).stdout
    public = [line.partition("+")[0] for line in frozen.splitlines()]  # without the tag of a local build
    lines = [line for line in public if re.fullmatch(r"[\w.-]+==[\w.!]+", line)]
    kept = [line for line in lines if _is_locked(line.partition("==")[0].lower())]
    path.write_text(f"# {title} Made by scripts/lock.py.\n" + "\n".join(sorted(kept, key=str.lower)) + "\n")


def _is_locked(name: str) -> bool:
    return name not in _LEFT_OUT and not name.replace("_", "-").startswith(_BY_BUILD_OF_TORCH)


if __name__ == "__main__":
    main()
