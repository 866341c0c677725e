"""Installs pinned packages into an environment by that environment's own pip; standard library only."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hashes import UNHASHED, hashed_lines


class BootstrapError(Exception):
    """One clear line for the person at the terminal."""


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(f"teletwin: {text}", flush=True)


def make_environment(folder: Path, python: str) -> None:
    """Make a virtual environment anew.

    Args:
        folder: Where; what is there is cleared.
        python: The interpreter that it is made of, none inside of folder.

    Raises:
        BootstrapError: It cannot be made.
    """
    done = subprocess.run([python, "-m", "venv", "--clear", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
        raise BootstrapError(f"{folder} cannot be made: {reason[-1]}; install python3-venv or free that folder")


def run_pip(python: str, arguments: Sequence[str], *, count: int) -> None:
    """Run pip with an environment's Python and show its progress towards count packages.

    Raises:
        BootstrapError: It failed, with its own reason.
    """
    command = [python, "-m", "pip", *arguments, "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--no-warn-script-location"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        _show_progress(lines, count)
    if process.wait() != 0:
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason given")
        raise BootstrapError(f"pip failed: {reason}; look at the network or the package index and start again")


@contextlib.contextmanager
def only_recorded(pins: Sequence[str], recorded: dict[str, list[str]]) -> Iterator[list[str]]:
    """Arguments of `pip install` that take these pins, whatever is there, from files of a recorded SHA-256 alone.

    Raises:
        BootstrapError: None is recorded of a pin.
    """
    missing = [pin for pin in pins if not recorded.get(pin)]
    if missing:
        raise BootstrapError(f"no hash is recorded for {', '.join(missing[:5])}; run: python3 scripts/lock.py --hashes")
    say(f"checking the SHA-256 of every file (not of {', '.join(UNHASHED)}, which is built for this machine)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hashed.txt"
        path.write_text(hashed_lines({pin: recorded[pin] for pin in pins}))
        yield ["--force-reinstall", "--require-hashes", "-r", str(path)]


def _show_progress(lines: list[str], count: int) -> None:
    if lines[-1].startswith("Collecting "):
        number = sum(1 for line in lines if line.startswith("Collecting "))
        if sys.stdout.isatty():
            print(f"\r  {number}/{max(number, count)} {lines[-1].split()[1]:<50.50}", end="", flush=True)
        elif number % 10 == 0:
            print(f"  {number}/{max(number, count)}", flush=True)
    elif lines[-1].startswith("Installing collected"):
        print(f"{chr(13) if sys.stdout.isatty() else ''}  unpacking {'':<60}".rstrip(), flush=True)
