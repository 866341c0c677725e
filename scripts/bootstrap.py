"""Makes `.venv` with exactly the locked packages, and what the system must bring; standard library only.

Shared by demo.py, train.py and test.py. A stamp in `.venv` remembers what was installed, so that a later start costs
nothing but reading it.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from hashes import HASHES, UNHASHED, pinned_lines, recorded_hashes
from pip_install import BootstrapError, make_environment, only_recorded, run_pip, say

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "teletwin-installed.json"
CHECKED = VENV / "teletwin-checked.json"
"""What came of the last whole run of scripts/test.py, and of which revision."""
LOCKS = {name: ROOT / "scripts" / f"requirements-{name}.txt" for name in ("demo", "train", "test")}
KIT_LOCKS = sorted((ROOT / "scripts").glob("requirements-kit-*.txt"))
"""What each Kit brings itself, in other versions than the locks'; see kit_lanes.py."""
CHECK_HASHES = "--check-hashes"
"""Option of the starting scripts: install nothing whose hash is not the recorded one."""
_PROJECT_FILES = (ROOT / "pyproject.toml", ROOT / "exts/teletwin/config/extension.toml")


def venv_command(name: str) -> str:
    """Path of a command of the environment, for example 'python'."""
    return str(VENV / "bin" / name)


def ensure_environment(purpose: str, *, check_hashes: bool = False) -> None:
    """Make or mend `.venv` for 'demo', 'train' or 'test'; return at once when the stamp is current.

    With check_hashes every locked package is installed anew unless that was done before, and pip refuses a file whose
    SHA-256 is not in hashes.txt.

    Raises:
        BootstrapError: Something is missing that only a person can bring.
    """
    if check_hashes and _stamps().get(f"{purpose} checked") != _fingerprint(purpose, HASHES):
        STAMP.unlink(missing_ok=True)  # what was installed before was not looked at
    elif _stamps().get(purpose) == _fingerprint(purpose):
        return
    started = time.monotonic()
    ensure_system(_missing_for_python() + ([] if purpose == "train" else _missing_for_pictures()))
    _make_venv()
    _install_locked(purpose, check_hashes=check_hashes)
    _install_project()
    covered = tuple(LOCKS) if purpose == "test" else (purpose,)  # the test lock holds all the others
    stamps = {each: _fingerprint(each) for each in covered}
    if check_hashes:
        stamps |= {f"{each} checked": _fingerprint(each, HASHES) for each in covered}
    STAMP.write_text(json.dumps({**_stamps(), **stamps}))
    say(f"installed in {time.monotonic() - started:.0f} s")


def take_check_hashes() -> bool:
    """Whether the command line asks for checked hashes; the option is taken out, the others are passed on."""
    asked = CHECK_HASHES in sys.argv[1:]
    sys.argv[1:] = [each for each in sys.argv[1:] if each != CHECK_HASHES]
    return asked


def _fingerprint(purpose: str, *more: Path) -> str:
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (LOCKS[purpose], *_PROJECT_FILES, *more):
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def _stamps() -> dict[str, str]:
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def ensure_system(packages: list[str]) -> None:
    """Install Debian packages when this is root, else name the one line that does it.

    Raises:
        BootstrapError: They are missing and cannot be installed from here.
    """
    if not packages:
        return
    line = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise BootstrapError(f"this system lacks what Debian calls {' '.join(packages)}; install that and start again")
    if os.geteuid() != 0:
        raise BootstrapError(f"system packages are missing; run once: sudo sh -c '{line}'")
    say(f"installing system packages: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["apt-get failed"])[-1]
        raise BootstrapError(f"system packages could not be installed ({reason}); run: {line}")


def has_library(name: str) -> bool:
    """Tell whether the dynamic loader finds a library, for example 'libEGL.so.1'."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _missing_for_python() -> list[str]:
    if (VENV / "bin" / "python").exists() or importlib.util.find_spec("ensurepip"):
        return []
    return [f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"]


def _missing_for_pictures() -> list[str]:
    libraries = {"libegl1": "libEGL.so.1", "libgl1": "libGL.so.1", "libgles2": "libGLESv2.so.2"}
    missing = [package for package, library in libraries.items() if not has_library(library)]
    folders = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"))
    drivers = ("*/dri/*_dri.so", "dri/*_dri.so", "*/libgallium*.so", "*/libEGL_nvidia.so*")
    if not any(next(folder.glob(driver), None) for folder in folders for driver in drivers):
        missing.append("libgl1-mesa-dri")
    return missing


def _make_venv() -> None:
    python = VENV / "bin" / "python"
    if python.exists():
        probe = "import sys, pip; print(sys.version_info[:2])"
        done = subprocess.run([str(python), "-c", probe], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip() == str(sys.version_info[:2]):
            return
    say(f"making .venv with Python {sys.version_info[0]}.{sys.version_info[1]}")
    base = getattr(sys, "_base_executable", sys.executable)  # not the python inside a .venv that is cleared
    make_environment(VENV, base)


def _install_locked(purpose: str, *, check_hashes: bool = False) -> None:
    lock = LOCKS[purpose]
    pins = pinned_lines(lock)
    torch = [pin for pin in pins if pin.partition("==")[0] in UNHASHED]
    others = [pin for pin in pins if pin not in torch]
    say(f"installing {len(pins)} packages at the versions of {lock.relative_to(ROOT)} (first start only)")
    # No dependency resolution: the lock is the whole set. Byte code is compiled at first import instead.
    install = ["install", "--no-deps", "--no-compile"]
    if check_hashes:
        _install_hashed(install, others)
    else:
        _pip([*install, *others], count=len(pins))
    if torch:
        # Torch alone brings its dependencies: builds for CUDA need NVIDIA's libraries and triton, others do not, and
        # the lock can hold neither for all machines. What else torch needs stands in the lock and is there by now.
        say(f"installing {torch[0]} as it is built for this machine")
        _pip(["install", "--no-compile", *torch], count=len(torch))


def _install_hashed(install: list[str], pins: list[str]) -> None:
    """Install pins again, whatever is there, from files whose hash is recorded."""
    with only_recorded(pins, recorded_hashes(HASHES)) as arguments:
        _pip([*install, *arguments], count=len(pins))


def _install_project() -> None:
    say("installing teletwin itself")
    _pip(["install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)], count=1)


def _pip(arguments: list[str], *, count: int) -> None:
    run_pip(venv_command("python"), arguments, count=count)
