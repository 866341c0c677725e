#!/usr/bin/env python3
"""The Kit extension as one complete folder, assets included, to be copied into any folder of extensions.

    python3 scripts/make_extension.py --out DIR
    python3 scripts/make_extension.py --out DIR --prebundle <isaac-sim>/python.sh

The folder is DIR/teletwin; with --prebundle, pip of that Python brings into it what Kit's Python lacks. An older
DIR/teletwin is replaced, and what pip brought into its `pip_prebundle` stays. What lies where is read from
pyproject.toml, so the folder holds what the wheel holds. Any Python from 3.11 on will do; it needs no package.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTENSION = ROOT / "exts" / "teletwin"
CONFIG = Path("config", "extension.toml")
PREBUNDLE = "pip_prebundle"
OWN_FILES = ("README.md", ".gitignore")
"""Of the prebundle; the rest of it was brought by pip for one machine's Python."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache")


class ExtensionError(Exception):
    """Why the folder cannot be made, in one line."""


def main(arguments: list[str] | None = None) -> int:
    """Make the folder and say where it is; 1 with one line when it cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of extensions to put it in")
    parser.add_argument("--prebundle", default="", metavar="PYTHON", help="Isaac Sim's Python; runs its pip")
    parser.add_argument("--repository", default="", metavar="URL", help="address to be shown in Kit's extension list")
    options = parser.parse_args(arguments)
    try:
        made = make_extension(options.out, repository=options.repository)
        if options.prebundle:
            prebundle(made, options.prebundle)
    except (ExtensionError, OSError) as error:
        print(f"make_extension: {error}", file=sys.stderr)
        return 1
    print(made)
    return 0


def make_extension(out: Path, *, repository: str = "") -> Path:
    """Lay the complete folder in `out`; returns it.

    Raises:
        ExtensionError: There is something else of that name, or the address is none.
    """
    target = (out / EXTENSION.name).resolve()
    if any(source in (target, *target.parents) for source in (EXTENSION, *(source for source, _ in layout()))):
        raise ExtensionError(f"the extension's source lies there; given: {out}; take another folder")
    if target.exists() and not (target / CONFIG).is_file():
        raise ExtensionError(f"{target} is there and is no extension; remove it or take another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".teletwin-") as work:
        fresh, old = Path(work, "fresh"), Path(work, "old")
        for source, place in layout():
            _copy(source, fresh / place)
        _state_repository(fresh / CONFIG, repository)
        if target.exists():
            target.rename(old)
            _keep_packages(old / PREBUNDLE, fresh / PREBUNDLE)
        fresh.rename(target)
    return target


def layout() -> Iterator[tuple[Path, Path]]:
    """What goes where in the folder: the extension's own parts, and what the wheel puts into the package."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    packages = [ROOT / each for each in wheel["packages"] if EXTENSION in (ROOT / each).parents]
    for part in sorted(EXTENSION.iterdir()):
        if part.name == PREBUNDLE:
            yield from ((part / name, Path(PREBUNDLE, name)) for name in OWN_FILES)
        elif part.is_file() or part in packages or (part.is_dir() and not (part / "__init__.py").is_file()):
            yield part, Path(part.name)
    names = [package.name for package in packages]
    yield from (
        (ROOT / source, Path(at)) for source, at in wheel["force-include"].items() if Path(at).parts[0] in names
    )
    yield ROOT / "LICENSE", Path("LICENSE")


def prebundle(extension: Path, python: str) -> None:
    """Bring what Kit's Python lacks into the folder, as pip of that Python finds it.

    Raises:
        ExtensionError: It cannot be run, or pip failed.
    """
    command = [python, "-m", "pip", "install", "--no-deps", "--upgrade", "--target", str(extension / PREBUNDLE)]
    command += ["-r", str(extension / "requirements-kit.txt")]
    try:
        done = subprocess.run(command, check=False)
    except OSError as error:
        raise ExtensionError(f"{python} cannot be run ({error.strerror}); take Isaac Sim's python.sh") from None
    if done.returncode:
        raise ExtensionError(f"pip ended with {done.returncode}; {extension} is complete but for the packages")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=LEFT_OUT, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _keep_packages(old: Path, fresh: Path) -> None:
    """Move what pip brought over from an older folder."""
    for part in sorted(old.iterdir()) if old.is_dir() else ():
        if part.name not in OWN_FILES:
            part.rename(fresh / part.name)


def _state_repository(config: Path, url: str) -> None:
    """Write the address into the copy's configuration; without one, what pyproject.toml says of it stays."""
    if not url:
        return
    if not re.fullmatch(r"https://[^\s\"\\@]+", url):
        raise ExtensionError(f"an address cannot be used; given: {url}; allowed: https://..., without a name in it")
    text = config.read_text(encoding="utf-8")
    config.write_text(re.sub(r'(?m)^repository = "[^"]*".*$', f'repository = "{url}"', text), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
