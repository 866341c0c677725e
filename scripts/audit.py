"""Ask a public database of advisories (osv.dev) about every pinned dependency.

The exit status is 0 when it knows of no hole, 1 when it knows of one that nobody has looked into, and 3 when it could
not be asked, as on a machine without internet: that is no pass. scripts/test.py only reports it; a release fails on it.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "scripts").glob("requirements-*.txt"))
DATABASE = "https://api.osv.dev/v1/querybatch"
ACCEPTED: dict[str, str] = {}
"""Advisories that were looked into and do not concern teletwin, with the reason."""
NOT_LOOKED = 3
"""Exit status when the database did not answer for every package."""
_TIMEOUT_S = 20.0
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;#]+)", re.MULTILINE)


def pinned(locks: Sequence[Path]) -> list[tuple[str, str]]:
    """Name and version of everything that the lock files pin, sorted, each once."""
    return sorted({pair for lock in locks for pair in _PINNED.findall(lock.read_text(encoding="utf-8"))})


def run(locks: Sequence[Path], *, url: str = DATABASE) -> int:
    """Ask, tell what was found; the exit status."""
    packages = pinned(locks)
    try:
        found = _ask(packages, url)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:  # no connection, or no such answer
        print(f"not looked: {len(packages)} packages; the database of advisories cannot be reached ({error})")
        return NOT_LOOKED
    open_count = 0
    for name, version in packages:
        advisories = sorted(found.get((name, version), []))
        new = [each for each in advisories if each not in ACCEPTED]
        open_count += bool(new)
        if new:
            print(f"{name} {version}: {', '.join(new)}")
        for each in set(advisories) - set(new):
            print(f"{name} {version}: accepted {each}: {ACCEPTED[each]}")
    print(f"audit: {len(packages)} pinned packages, {open_count} with known holes")
    return 1 if open_count else 0


def _ask(packages: Sequence[tuple[str, str]], url: str) -> dict[tuple[str, str], list[str]]:
    """Advisories by package and version.

    Raises:
        OSError: The database cannot be reached.
        ValueError: Its answer is none.
    """
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in packages]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        results = json.load(response).get("results", [])
    if len(results) != len(packages):
        raise ValueError(f"{len(results)} answers to {len(packages)} questions")
    told = [[each["id"] for each in result.get("vulns") or []] for result in results]
    return dict(zip(packages, told, strict=True))


if __name__ == "__main__":
    sys.exit(run(LOCKS))
