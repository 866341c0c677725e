"""The folder with what Kit's Python lacks: put behind everything of Kit's, asked at start, named when it is empty.

Kit's importer takes the first of `x.py` and `x.abi3.so` that a directory lists. Python's own, which serves what stands
on `sys.path`, always prefers the compiled one; so the folder is no `[[python.module]]` of the extension. At the end of
the path it replaces nothing: whatever Kit or another extension has comes first.
"""

from __future__ import annotations

import importlib
import itertools
import os
import shlex
import subprocess
import sys
from pathlib import Path

from teletwin.errors import MissingPartError
from teletwin.kit.packages import PACKAGES, Package, foreign_version, missing_names, origin_of, owner_of

FOLDER = "pip_prebundle"
REQUIREMENTS = "requirements-kit.txt"
_STARTER = "python.bat" if os.name == "nt" else "python.sh"


class Prebundle:
    """The folder of one extension, on the path from `open` to `close`.

    Args:
        extension: The extension's own folder.
    """

    def __init__(self, extension: Path) -> None:
        self.folder = extension / FOLDER
        self._requirements = extension / REQUIREMENTS
        self._added = False

    def open(self) -> None:
        """Let Python find what is in the folder, after everything else; what came into it meanwhile too."""
        if str(self.folder) not in sys.path:
            sys.path.append(str(self.folder))
            self._added = True
        importlib.invalidate_caches()

    def close(self) -> None:
        """Take the folder off the path again, when it was put there here."""
        if self._added and str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))
        self._added = False

    def problem(self) -> MissingPartError | None:
        """What is missing, what for, and the command that brings it; None when all is there."""
        return self._lacking(_missing())

    def missing_command(self) -> str:
        """The command that brings what is missing; empty when all is there."""
        names = _names(_missing())
        return self.command(names) if names else ""

    def remarks(self) -> list[str]:
        """Packages that Kit brings in a version that teletwin was never run with, a line each."""
        found = {package: foreign_version(package) for package in PACKAGES}
        return [
            f"{package.name} {version} of this Isaac Sim is used for {package.use};"
            f" made for {_dotted(package.least)} up to, without, {_dotted(package.below)}"
            for package, version in found.items()
            if version
        ]

    def require(self, role: str) -> MissingPartError | None:
        """Import what a role needs, and whatever the folder holds; slow the first time.

        Returns:
            What of the folder does not work and the role can do without; None when all is well.

        Raises:
            MissingPartError: Something that the role needs is missing, or was built for another Python.
        """
        needed = [package for package in PACKAGES if role in package.roles]
        problem = self._lacking([each for each in needed if missing_names(each) or not _works(each)])
        if problem is not None:
            raise problem
        others = [package for package in PACKAGES if package not in needed and self._holds(package)]
        return self._lacking([each for each in others if not _works(each)])

    def explained(self, error: Exception) -> Exception:
        """The same error; what says no more than that a module is missing, with the command that brings it."""
        module = error.name if isinstance(error, ImportError) else None
        package = owner_of(module) if module else None
        if package is not None:
            return self._lacking([package]) or error
        if module == "warp":
            return MissingPartError("warp is missing", mend="enable Kit's extension omni.warp.core")
        return error

    def command(self, names: list[str], *, upgrade: bool = False) -> str:
        """The line for a terminal that brings packages, by their names on the index, into the folder."""
        words = [_python(), "-m", "pip", "install", "--no-deps", *(["--upgrade"] if upgrade else [])]
        words += ["--target", str(self.folder), *(self._pins().get(name.lower(), name) for name in names)]
        return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)

    def _lacking(self, packages: list[Package]) -> MissingPartError | None:
        if not packages:
            return None
        uses = ", ".join(f"{package.name} ({package.use})" for package in packages)
        if any(origin_of(package.module) is not None for package in packages):
            command = self.command(_names(packages), upgrade=True)
            mend = f"run: {command} ; then start Isaac Sim anew"
            return MissingPartError("packages do not work in this Isaac Sim's Python", given=uses, mend=mend)
        mend = f"run: {self.command(_names(packages))} ; then press Start"
        return MissingPartError("packages are missing", given=uses, mend=mend)

    def _holds(self, package: Package) -> bool:
        """Whether a package would be imported from the folder."""
        origin = origin_of(package.module)
        return origin is not None and self.folder in origin.parents

    def _pins(self) -> dict[str, str]:
        """Lines of the requirements by the package's name in small letters; none when the file is not there."""
        try:
            lines = self._requirements.read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        return {line.partition("==")[0].lower(): line for line in lines if "==" in line}


def _missing() -> list[Package]:
    return [package for package in PACKAGES if missing_names(package)]


def _names(packages: list[Package]) -> list[str]:
    """What to bring for packages; for one that is there and does not work, all that belongs to it."""
    names = [missing_names(each) or [each.name, *(name for name, _ in each.brings)] for each in packages]
    return list(dict.fromkeys(itertools.chain.from_iterable(names)))


def _works(package: Package) -> bool:
    try:
        importlib.import_module(package.module)
    except ImportError:
        return False
    return True


def _python() -> str:
    """What runs Isaac Sim's own Python in a terminal; inside Kit, `sys.executable` may be Kit itself."""
    told = os.environ.get("ISAAC_PATH")
    for folder in [*([Path(told)] if told else []), *Path(sys.executable).parents]:
        if (folder / _STARTER).is_file():
            return str(folder / _STARTER)
    return sys.executable if Path(sys.executable).name.startswith("python") else f"<isaac-sim>/{_STARTER}"


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
