"""Make and judge everything that a release consists of, but for what a person alone may do: sign, tag and publish.

Every step is tried and told; the exit status is 0 only when all of them succeeded. With --dry-run the files go to a
folder that is removed again.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import audit
from bootstrap import CHECKED, LOCKS, ROOT
from hashes import HASHES, UNHASHED, pinned_lines, recorded_hashes
from sbom import SbomError, project_version, write_bills

CHANGELOG = ROOT / "exts/teletwin/docs/CHANGELOG.md"
SUMS = "SHA256SUMS"


class ReleaseError(Exception):
    """Why a step failed, in one line."""


Step = Callable[[Path], str]
"""Does or judges one thing, given the folder of the release's files; returns what to tell."""


def main() -> int:
    """Try every step; 0 only when nothing is in the way of the release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="leave nothing behind")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the files (default: dist)")
    options = parser.parse_args()
    if not options.dry_run:
        return release(options.out, STEPS)
    with tempfile.TemporaryDirectory(prefix="teletwin-release-") as folder:
        return release(Path(folder), STEPS)


def release(out: Path, steps: Mapping[str, Step]) -> int:
    """Try the steps in their order, tell each, and at the end what is left for a person."""
    failed = []
    for name, step in steps.items():
        try:
            print(f"{name:<12} ok      {step(out)}", flush=True)
        except (ReleaseError, SbomError) as error:
            failed.append(name)
            print(f"{name:<12} FAILED  {error}", flush=True)
    if failed:
        print(f"no release: {', '.join(failed)}")
        return 1
    print("left for the person who holds the key:\n  " + "\n  ".join(signing_commands(out)))
    return 0


def signing_commands(out: Path) -> list[str]:
    """What a person runs with a key of their own; nothing here touches it."""
    tag = f"v{project_version()}"
    sign = f"gpg --armor --detach-sign {out / SUMS}"
    return [f"git tag --sign {tag} --message 'teletwin {tag}'", sign, f"git push origin {tag}"]


def tree(out: Path) -> str:
    """Nothing is changed or unknown to git, and the tag is free."""
    if changed := _git("status", "--porcelain"):
        raise ReleaseError(
            f"the tree is not clean: {len(changed.splitlines())} files, as {changed.splitlines()[0][3:]}"
        )
    if _git("tag", "--list", f"v{project_version()}"):
        raise ReleaseError(f"the tag v{project_version()} is there already")
    return f"clean at {_git('rev-parse', '--short', 'HEAD')}"


def changelog(out: Path) -> str:
    """The version has a dated heading."""
    version = project_version()
    heading = re.search(rf"^## \[{re.escape(version)}\] - (\S+)$", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    if heading is None:
        raise ReleaseError(f"no heading '## [{version}] - DATE' in {CHANGELOG.relative_to(ROOT)}")
    try:
        datetime.date.fromisoformat(heading[1])
    except ValueError:
        raise ReleaseError(f"the date of [{version}] is none: {heading[1]}") from None
    return f"[{version}] of {heading[1]}"


def checks(out: Path) -> str:
    """Every check passed on this very revision."""
    try:
        told = json.loads(CHECKED.read_text(encoding="utf-8"))
        revision, outcomes = told["revision"], dict(told["outcomes"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ReleaseError("no whole run of the checks is known; run: .ci/run") from None
    if revision != _git("rev-parse", "HEAD"):
        raise ReleaseError("the checks ran on another revision; run: .ci/run")
    if failed := [name for name, outcome in outcomes.items() if outcome == "FAILED"]:
        raise ReleaseError(f"failed: {', '.join(failed)}")
    return f"{len(outcomes)} passed or told"


def hashes(out: Path) -> str:
    """Every locked package has a recorded SHA-256."""
    recorded = recorded_hashes()
    pins = {pin for lock in LOCKS.values() for pin in pinned_lines(lock) if pin.partition("==")[0] not in UNHASHED}
    if missing := sorted(pins - set(recorded)):
        raise ReleaseError(f"{HASHES.name} lacks {', '.join(missing[:5])}; run: python3 scripts/lock.py --hashes")
    return f"{len(pins)} packages, without {', '.join(UNHASHED)}"


def advisories(out: Path) -> str:
    """The database of advisories was asked, and knows of nothing."""
    status = audit.run(audit.LOCKS)
    if status == audit.NOT_LOOKED:
        raise ReleaseError("nobody looked: a release needs the answer of the database")
    if status:
        raise ReleaseError("known holes: mend them, or accept them with a reason in scripts/audit.py")
    return "looked"


def bills(out: Path) -> str:
    """The bills of materials."""
    return ", ".join(path.name for path in write_bills(out))


def packages(out: Path) -> str:
    """Wheel and source, built from the tree without a network; the same bytes for the same revision."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _git("log", "-1", "--format=%ct")}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise ReleaseError((done.stderr.strip().splitlines() or ["hatchling gave no reason"])[-1])
    built = [path.name for path in sorted(out.iterdir()) if path.suffix in (".whl", ".gz")]
    if len(built) != 2:
        raise ReleaseError(f"{out} holds {len(built)} packages, 2 are expected; empty it")
    return ", ".join(built)


def checksums(out: Path) -> str:
    """SHA-256 of every file, as sha256sum --check reads them."""
    files = [path for path in sorted(out.iterdir()) if path.is_file() and not path.name.startswith(SUMS)]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    if not any(path.suffix == ".whl" for path in files):
        raise ReleaseError("there is no wheel")
    (out / SUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
    return f"{len(sums)} files in {SUMS}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


STEPS: dict[str, Step] = {
    step.__name__: step for step in (tree, changelog, checks, hashes, advisories, bills, packages, checksums)
}


if __name__ == "__main__":
    sys.exit(main())
