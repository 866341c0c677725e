"""Install what the tests need into .venv, then run every check; arguments are passed on to pytest.

With --kit NUMBER only the tests of that lane run, in its own environment: see kit_lanes.py.
"""

import os
import sys

if not (3, 11) <= sys.version_info < (3, 13):
    sys.exit(
        "teletwin needs Python 3.11 or 3.12, this is {}.{}; install one (apt-get install python3.12 python3.12-venv)"
        " and run: python3.12 scripts/test.py".format(*sys.version_info)
    )

import json
import shutil
import subprocess
import time
from pathlib import Path

from bootstrap import (
    CHECKED,
    ROOT,
    BootstrapError,
    ensure_environment,
    ensure_system,
    say,
    take_check_hashes,
    venv_command,
)
from kit_lanes import KIT_LANES, ensure_lane

_KIT = "--kit"
_NOTHING_COLLECTED = 5
"""pytest's exit status when no test fits the arguments."""
_NOT_LOOKED = 3
"""audit.py's exit status when it could ask nobody: told, but no failure of the code."""


def main() -> int:
    """Prepare, run every check, print a summary; 0 only when all of them passed."""
    os.chdir(ROOT)
    check_hashes, number = take_check_hashes(), _take_kit()
    whole = len(sys.argv) == 1 and not number
    lanes = [lane for lane in KIT_LANES if whole or lane.kit == number]
    notes = [] if lanes else [f"the lanes of Kit are left out; {_KIT} NUMBER with arguments runs some of a lane"]
    try:
        if not number:
            ensure_environment("test", check_hashes=check_hashes)
        notes += [note for lane in lanes for note in ensure_lane(lane, check_hashes=check_hashes)]
    except BootstrapError as error:
        sys.exit(f"teletwin: {error}")
    checks = {lane.name: lane.command(*sys.argv[1:]) for lane in lanes}
    if not number:
        notes += _ensure_browser()
        checks = _checks(checks)
    revision = _clean_revision()
    results = {name: _run(name, command) for name, command in checks.items()}
    if whole and revision and revision == _clean_revision():
        outcomes = {name: outcome for name, (outcome, _) in results.items()}
        CHECKED.write_text(json.dumps({"revision": revision, "outcomes": outcomes}))
    return _summarize(results, notes)


def _checks(lanes: dict[str, list[str]]) -> dict[str, list[str]]:
    """Every check's command by its name, in the order in which they run."""
    python = venv_command("python")
    pytest = [python, "-m", "pytest", *sys.argv[1:]]
    return {
        "ruff": [venv_command("ruff"), "check", "."],
        "format": [venv_command("ruff"), "format", "--check", "."],
        "spelling": [venv_command("codespell"), "README.md", "docs", "exts", "scripts", "tests", "training"],
        "imports": [venv_command("lint-imports")],
        "types": [venv_command("pyright")],
        "advisories": [python, "scripts/audit.py"],
        "tests": [*pytest, "-m", "not live", "-n", "2", "--dist", "loadfile"],
        **lanes,
        "live tests": [*pytest, "-m", "live"],
    }


def _take_kit() -> int:
    """Kit's number of a lane that is to run alone, the option taken out; 0 without it."""
    if _KIT not in sys.argv:
        return 0
    at = sys.argv.index(_KIT)
    given = sys.argv[at + 1 : at + 2]
    del sys.argv[at : at + 2]
    known = [str(lane.kit) for lane in KIT_LANES]
    if not set(given) & set(known):
        sys.exit(f"teletwin: {_KIT} takes {' or '.join(known)}, given: {' '.join(given) or 'nothing'}")
    return int(given[0])


def _clean_revision() -> str:
    """The revision that is checked; empty where files differ from it, or without git."""
    told = []
    for arguments in (["status", "--porcelain"], ["rev-parse", "HEAD"]):
        try:
            done = subprocess.run(["git", *arguments], capture_output=True, text=True)
        except OSError:
            return ""
        told.append(done.stdout.strip() if done.returncode == 0 else "unknown")
    changed, revision = told
    return "" if changed else revision


def _ensure_browser() -> list[str]:
    """Install Chromium and a font for the browser tests; return what is left to say about it."""
    missing = [] if _chromium() else ["chromium"]
    if not Path("/usr/share/fonts/truetype/dejavu").exists():
        missing.append("fonts-dejavu-core")
    try:
        if "chromium" in missing and _is_ubuntu():  # its chromium package is only a door to the snap store
            missing.remove("chromium")
            _install_playwright_chromium()
        ensure_system(missing)
    except BootstrapError as error:
        if os.environ.get("CI"):
            sys.exit(f"teletwin: {error}")
        return [f"the browser tests are left out: {error}"]
    return _ensure_firefox()


def _ensure_firefox() -> list[str]:
    """Install Firefox, which a few of the browser tests drive beside Chromium; without it they say so and go on."""
    if any(map(shutil.which, filter(None, (os.environ.get("TELETWIN_FIREFOX"), "firefox-esr", "firefox")))):
        return []
    if _is_ubuntu():  # as its chromium, its firefox package is only a door to the snap store
        return ["the tests in Firefox are left out: install it and name it in TELETWIN_FIREFOX"]
    try:
        ensure_system(["firefox-esr"])
    except BootstrapError as error:
        return [f"the tests in Firefox are left out: {error}"]
    return []


def _chromium() -> str | None:
    given = os.environ.get("TELETWIN_CHROMIUM")
    found = [shutil.which(name) for name in (given, "chromium", "google-chrome") if name]
    playwright = Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome")
    path = next((each for each in (*found, *map(str, playwright)) if each), None)
    if path:
        os.environ["TELETWIN_CHROMIUM"] = path
    return path


def _is_ubuntu() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and "ID=ubuntu" in release.read_text().splitlines()


def _install_playwright_chromium() -> None:
    say("installing Chromium by playwright")
    options = ["--with-deps"] if os.geteuid() == 0 else []
    command = [venv_command("playwright"), "install", *options, "chromium"]
    if subprocess.run(command).returncode != 0 or _chromium() is None:
        raise BootstrapError(f"Chromium could not be installed; run: sudo {' '.join(command)}")


def _run(name: str, command: list[str]) -> tuple[str, float]:
    say(f"{name}: {' '.join(command[:1] and [Path(command[0]).name, *command[1:]])}")
    started = time.monotonic()
    status = subprocess.run(command).returncode
    return _outcome(name, status), time.monotonic() - started


def _outcome(name: str, status: int) -> str:
    if name == "advisories" and status == _NOT_LOOKED:
        return "NOT LOOKED"
    passed = status == 0 or (status == _NOTHING_COLLECTED and len(sys.argv) > 1)
    return "passed" if passed else "FAILED"


def _summarize(results: dict[str, tuple[str, float]], notes: list[str]) -> int:
    print("\n" + "-" * 40)
    for name, (outcome, took_s) in results.items():
        print(f"{name:<12} {outcome:<10} {took_s:7.1f} s")
    for note in notes:
        print(f"note: {note}")
    failed = [name for name, (outcome, _) in results.items() if outcome == "FAILED"]
    not_looked = [name for name, (outcome, _) in results.items() if outcome == "NOT LOOKED"]
    took_s = sum(took for _, took in results.values())
    done = "all passed" if not not_looked else f"passed; not looked: {', '.join(not_looked)}"
    print(f"{'failed: ' + ', '.join(failed) if failed else done} in {took_s:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
