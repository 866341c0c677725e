"""The kernels and Kit's part tested once more with what each Isaac Sim brings: its Python, numpy and warp.

Each lane has an environment beside `.venv`, of the versions that are locked but for those that Isaac Sim brings itself.
A stamp in it remembers what was installed, so that a later run installs nothing. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bootstrap import LOCKS, ROOT, ensure_system
from hashes import HASHES, KIT_HASHES, package_key, pinned_lines, recorded_hashes
from kernel_tests import kernel_tests
from pip_install import BootstrapError, make_environment, only_recorded, run_pip, say
from pythons import find_python

GOLDEN_TRACE = "tests/system/test_virtual_loop.py::test_the_motion_is_the_one_on_record"
"""Joint commands of a whole session, the same under every warp as those on record."""
EXTENSION_PINS = ROOT / "exts/teletwin/requirements-kit.txt"
_SUPPORTED = ((3, 11), (3, 12))
_TEST_TOOLS = (
    "execnet",
    "hypothesis",
    "iniconfig",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "sortedcontainers",
    "usd-core",
)
"""What the tests need beside the demo's packages; usd-core stands for Kit's own pxr."""
_NOT_IN_KIT = ("editables", "glcontext", "hatchling", "moderngl", "ur-rtde")
"""What the demo has, and neither Isaac Sim nor the extension brings."""
_OURS = ("exts/teletwin", "training")


@dataclass(frozen=True, kw_only=True)
class KitLane:
    """The versions of one Isaac Sim."""

    kit: int
    """Major version of its Kit."""
    python: tuple[int, int]

    @property
    def name(self) -> str:
        """As the summary of the checks has it."""
        return f"Kit {self.kit}"

    @property
    def folder(self) -> Path:
        """Its environment."""
        return ROOT / f".venv-kit-{self.kit}"

    @property
    def kit_pins(self) -> list[str]:
        """What this Kit brings itself."""
        return pinned_lines(ROOT / f"scripts/requirements-kit-{self.kit}.txt")

    def command(self, *arguments: str) -> list[str]:
        """The environment's pytest; without arguments on all that the lane is for."""
        whole = ("-m", "not live", "-n", "2", "--dist", "loadfile", "--timeout", "300", "tests/kit", GOLDEN_TRACE)
        wanted = arguments or whole
        tests = () if arguments else kernel_tests()
        return [_python_in(self.folder), "-m", "pytest", "-p", "no:cacheprovider", *wanted, *tests]


KIT_LANES = (KitLane(kit=107, python=(3, 11)), KitLane(kit=110, python=(3, 12)))


def lane_pins(lane: KitLane) -> list[str]:
    """What an environment holds: the demo's packages and the tests' tools as they are locked, and in their place what
    the extension brings, and in its place what Kit brings itself.
    """
    demo = [pin for pin in pinned_lines(LOCKS["demo"]) if package_key(pin) not in _NOT_IN_KIT]
    tools = [pin for pin in pinned_lines(LOCKS["test"]) if package_key(pin) in _TEST_TOOLS]
    pins = {package_key(pin): pin for pin in (*demo, *tools, *pinned_lines(EXTENSION_PINS), *lane.kit_pins)}
    return [pins[name] for name in sorted(pins)]


def ensure_lane(lane: KitLane, *, check_hashes: bool = False) -> list[str]:
    """Make or mend an environment, which costs nothing when it is current; return what is left to say about it.

    Raises:
        BootstrapError: Something is missing that only a person can bring, or what was made is not what was wanted.
    """
    python, version = lane_python(lane)
    pins, stamp = lane_pins(lane), lane.folder / "teletwin-installed.json"
    recorded = {**recorded_hashes(HASHES), **recorded_hashes(KIT_HASHES)}
    facts = {"installed": _digest(python, ROOT, pins), "checked": _digest(python, ROOT, pins, recorded)}
    if not check_hashes:
        facts.pop("checked")
    if not facts.items() <= _stamped(stamp).items() or _found(lane) != _wanted(lane, version):
        _install(lane, python, version, pins, recorded if check_hashes else None)
        if _found(lane) != _wanted(lane, version):
            raise BootstrapError(f"{lane.folder} holds {_found(lane)}, wanted {_wanted(lane, version)}")
        stamp.write_text(json.dumps(facts))
    if version == lane.python:
        return []
    return [f"{lane.name} ran on Python {_dotted(version)}: this machine has no Python {_dotted(lane.python)}"]


def lane_python(lane: KitLane) -> tuple[str, tuple[int, int]]:
    """The interpreter that a lane is made of, and its version: Isaac Sim's, or where there is none another supported.

    Raises:
        BootstrapError: There is none at all.
    """
    for version in sorted(_SUPPORTED, key=lambda each: each != lane.python):
        found = find_python(version)
        if found:
            return found, version
    raise BootstrapError("no Python 3.11 or 3.12 was found")


def _install(
    lane: KitLane, python: str, version: tuple[int, int], pins: list[str], recorded: dict[str, list[str]] | None
) -> None:
    started = time.monotonic()
    say(f"making {lane.folder.name} for {lane.name}: {', '.join(_wanted(lane, version))} (first time only)")
    if subprocess.run([python, "-c", "import ensurepip"], capture_output=True).returncode != 0:
        ensure_system([f"python{_dotted(version)}-venv"])
    make_environment(lane.folder, python)
    install = ["install", "--no-deps", "--no-compile"]
    if recorded is None:
        run_pip(_python_in(lane.folder), [*install, *pins], count=len(pins))
    else:
        with only_recorded(pins, recorded) as arguments:
            run_pip(_python_in(lane.folder), [*install, *arguments], count=len(pins))
    (packages,) = lane.folder.glob("lib/python3*/site-packages")
    (packages / "teletwin.pth").write_text("".join(f"{ROOT / folder}\n" for folder in _OURS))
    say(f"installed in {time.monotonic() - started:.0f} s")


def _wanted(lane: KitLane, version: tuple[int, int]) -> list[str]:
    return [f"python=={_dotted(version)}", *lane.kit_pins]


def _found(lane: KitLane) -> list[str]:
    """The same of what is there; nothing where it does not run."""
    names = [pin.partition("==")[0] for pin in lane.kit_pins]
    code = (
        "import sys; from importlib.metadata import version\n"
        "print('python==%d.%d' % sys.version_info[:2], *(f'{name}=={version(name)}' for name in sys.argv[1:]))"
    )
    try:
        done = subprocess.run([_python_in(lane.folder), "-c", code, *names], capture_output=True, text=True)
    except OSError:
        return []
    return done.stdout.split() if done.returncode == 0 else []


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _stamped(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _python_in(folder: Path) -> str:
    return str(folder / "bin" / "python")
