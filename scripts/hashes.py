"""SHA-256 sums of the locked packages' files, for installations that check them; standard library only.

They stand beside the locks, not in them: a lock alone installs from any index, also where a package is built anew.
The sums are those of the index that scripts/lock.py --hashes was given, without its address.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HASHES = Path(__file__).resolve().parent / "hashes.txt"
"""Pins with the sums that their files may have, as pip's --require-hashes reads them."""
KIT_HASHES = HASHES.with_name("hashes-kit.txt")
"""The same for the versions that Kit brings, which stand beside others of the same packages."""
UNHASHED = ("torch",)
"""Locked packages whose files differ from machine to machine, each a build of its own."""
_TITLE = (
    "# SHA-256 of the locked packages' files. Made by scripts/lock.py --hashes, on each Python and platform once.\n"
)


def pinned_lines(lock: Path) -> list[str]:
    """The pins of a lock, such as 'numpy==2.4.6'."""
    return [line for line in lock.read_text().splitlines() if "==" in line]


def recorded_hashes(path: Path = HASHES) -> dict[str, list[str]]:
    """SHA-256 sums (hex) that a pin's file may have: one for each Python and platform that was recorded."""
    recorded: dict[str, list[str]] = {}
    pin = ""
    for line in path.read_text().splitlines() if path.exists() else []:
        pin = line.split()[0] if "==" in line else pin
        recorded.setdefault(pin, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return {pin: hashes for pin, hashes in recorded.items() if hashes}


def hashed_lines(hashes: dict[str, list[str]]) -> str:
    """Pins with their hashes as pip's --require-hashes reads them."""
    lines = [" \\\n    ".join([pin, *(f"--hash=sha256:{each}" for each in sums)]) for pin, sums in hashes.items()]
    return "\n".join(lines) + "\n"


def record_hashes(locks: Iterable[Path], path: Path = HASHES) -> int:
    """Ask the configured index, through pip, for the files that this Python would install; return how many there are.

    Sums of other Pythons and platforms stay, as long as the version does.

    Raises:
        ValueError: The index told no SHA-256 of a package.
        CalledProcessError: pip found a version no more.
    """
    found: dict[str, str] = {}
    for lock in locks:  # by itself: locks may hold different versions
        pins = [pin for pin in pinned_lines(lock) if pin.partition("==")[0] not in UNHASHED and pin not in found]
        found |= _asked(pins) if pins else {}
    before = recorded_hashes(path)
    sums = {pin: sorted({*before.get(pin, []), found[pin]}) for pin in sorted(found, key=str.lower)}
    path.write_text(_TITLE + hashed_lines(sums))
    return len(sums)


def _asked(pins: list[str]) -> dict[str, str]:
    """SHA-256 by pin of what pip would install; nothing is installed."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", *quiet]
    done = subprocess.run([*command, "--report", "-", *pins], check=True, stdout=subprocess.PIPE, text=True)
    items: list[dict[str, Any]] = json.loads(done.stdout)["install"]
    told = {package_key(each["metadata"]["name"]): each["download_info"].get("archive_info", {}) for each in items}
    sums = {pin: told.get(package_key(pin), {}).get("hashes", {}).get("sha256") for pin in pins}
    missing = [pin for pin, digest in sums.items() if not digest]
    if missing:
        raise ValueError(f"the index tells no SHA-256 of {', '.join(missing)}")
    return {pin: str(digest) for pin, digest in sums.items()}


def package_key(pin: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower()
