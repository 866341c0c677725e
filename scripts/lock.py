"""Write requirements-demo.txt and requirements-test.txt anew from the ranges of pyproject.toml.

Run it with the lowest supported Python (3.11), so that every version has wheels for all of them. The result
is checked by a fresh install on each: see docs/contributing.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from bootstrap import LOCKS, ROOT

_LEFT_OUT = {"pip", "setuptools", "wheel", "teletwin"}


def main() -> None:
    """Resolve the demo first, then the tests on top of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    demo = [*project["project"]["dependencies"], *project["build-system"]["requires"], "editables>=0.5,<1"]
    extras = project["project"]["optional-dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        _lock(Path(folder), demo, LOCKS["demo"], "What `teletwin demo` runs with.")
        _lock(Path(folder), extras["dev"], LOCKS["test"], "What the tests run with: the demo's packages and more.")


def _lock(venv: Path, requirements: list[str], path: Path, title: str) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip"]
    subprocess.run([*pip, "install", "--quiet", *requirements], check=True)
    frozen = subprocess.run([*pip, "freeze", "--all"], check=True, capture_output=True, text=True).stdout
    lines = [line for line in frozen.splitlines() if re.fullmatch(r"[\w.-]+==[\w.!]+", line)]  # no local tags
    kept = [line for line in lines if line.partition("==")[0].lower() not in _LEFT_OUT]
    path.write_text(f"# {title} Made by scripts/lock.py.\n" + "\n".join(sorted(kept, key=str.lower)) + "\n")


if __name__ == "__main__":
    main()
