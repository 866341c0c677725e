"""The folder with what Kit's Python lacks: put behind everything of Kit's, asked at start, named when it is empty.

Kit's importer takes the first of `x.py` and `x.abi3.so` that a directory lists. Python's own, which serves what stands
on `sys.path`, always prefers the compiled one; so the folder is no `[[python.module]]` of the extension. At the end of
the path it replaces nothing: whatever Kit or another extension has comes first.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Collection
from pathlib import Path

from teletwin.errors import MissingPartError
from teletwin.kit.packages import (
    PACKAGES,
    Package,
    can_import,
    foreign_version,
    is_there,
    missing_names,
    origin_of,
    owner_of,
)
from teletwin.kit.pip_command import FOLDER, pip_command


class Prebundle:
    """The folder of one extension, on the path from `open` to `close`.

    Args:
        extension: The extension's own folder.
    """

    def __init__(self, extension: Path) -> None:
        self._extension, self.folder = extension, extension / FOLDER
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

    def lacking(self, name: str) -> MissingPartError | None:
        """Why a package of the table, by its name, cannot be used, with the mend; None when it can."""
        return self._lacking([each for each in PACKAGES if each.name == name and not can_import(each.module)])

    def missing_command(self) -> str:
        """The command that brings what is missing; empty when all is there."""
        names = _names(_missing())
        return pip_command(self._extension, names) if names else ""

    def remarks(self) -> list[str]:
        """Packages that are there in a version that teletwin was never run with, a line each."""
        found = {package: foreign_version(package) for package in PACKAGES}
        return [
            f"{package.name} {version} is used for {package.use}; given: {origin_of(package.module)};"
            f" allowed: {_dotted(package.least)} or later, below {_dotted(package.below)}"
            for package, version in found.items()
            if version
        ]

    def require(self, role: str, also: Collection[str] = ()) -> MissingPartError | None:
        """Import what a session needs, and whatever the folder holds; slow the first time.

        Args:
            role: The extension's role.
            also: Names of further packages that the session asks for.

        Returns:
            What of the folder does not work and the session can do without; None when all is well.

        Raises:
            MissingPartError: Something that the session needs is missing, or was built for another Python.
        """
        needed = [package for package in PACKAGES if role in package.roles or package.name in also]
        problem = self._lacking([each for each in needed if not can_import(each.module)])
        if problem is not None:
            raise problem
        others = [package for package in PACKAGES if package not in needed and self._holds(package)]
        return self._lacking([each for each in others if not can_import(each.module)])

    def explained(self, error: Exception) -> Exception:
        """The same error; what says no more than that a module is missing, with the command that brings it."""
        module = error.name if isinstance(error, ImportError) else None
        package = owner_of(module) if module else None
        if package is not None:
            return self._lacking([package]) or error
        if module == "warp":
            return MissingPartError("warp is missing", mend="enable Kit's extension omni.warp.core")
        return error

    def _lacking(self, packages: list[Package]) -> MissingPartError | None:
        if not packages:
            return None
        uses = ", ".join(f"{package.name} ({package.use})" for package in packages)
        if any(is_there(package.module) for package in packages):
            command = pip_command(self._extension, _names(packages), upgrade=True)
            mend = f"run: {command} ; then start Isaac Sim anew"
            return MissingPartError("packages do not work in this Isaac Sim's Python", given=uses, mend=mend)
        mend = f"run: {pip_command(self._extension, _names(packages))} ; then press Start"
        return MissingPartError("packages are missing", given=uses, mend=mend)

    def _holds(self, package: Package) -> bool:
        """Whether a package would be imported from the folder."""
        origin = origin_of(package.module)
        return origin is not None and self.folder in origin.parents


def _missing() -> list[Package]:
    return [package for package in PACKAGES if missing_names(package)]


def _names(packages: list[Package]) -> list[str]:
    """What to bring for packages; for one that is there and does not work, all that belongs to it."""
    names = [missing_names(each) or [each.name, *(name for name, _ in each.brings)] for each in packages]
    return list(dict.fromkeys(itertools.chain.from_iterable(names)))


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
