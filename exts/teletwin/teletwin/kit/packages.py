"""Which packages the extension needs beyond numpy and warp, and where each comes from. Imports nothing of Kit."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path

BOTH = ("local", "twin")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package by its name on the index and the module that tells whether it is there."""

    name: str
    module: str
    use: str
    """What is lost without it, in words."""
    least: tuple[int, ...]
    """Lowest version that teletwin runs with."""
    below: tuple[int, ...]
    """First version that it was never tried with."""
    roles: tuple[str, ...] = ()
    """Roles of the extension that cannot start without it."""
    brings: tuple[tuple[str, str], ...] = ()
    """What it needs itself (name, module); of interest only where the package itself is missing."""


PACKAGES = (
    Package(name="PyYAML", module="yaml", use="robot descriptions", least=(6,), below=(7,), roles=BOTH),
    Package(name="av", module="av", use="pictures", least=(14,), below=(19,)),
    Package(
        name="aiohttp",
        module="aiohttp",
        use="the operator's page",
        least=(3, 10),
        below=(4,),
        roles=("local",),
        brings=(
            ("aiohappyeyeballs", "aiohappyeyeballs"),
            ("aiosignal", "aiosignal"),
            ("attrs", "attr"),
            ("frozenlist", "frozenlist"),
            ("idna", "idna"),
            ("multidict", "multidict"),
            ("propcache", "propcache"),
            ("typing_extensions", "typing_extensions"),
            ("yarl", "yarl"),
        ),
    ),
    Package(
        name="mujoco",
        module="mujoco",
        use="the simulated arm",
        least=(3, 3),
        below=(5,),
        roles=("local",),
        brings=(("mujoco-core", "mujoco._structs"), ("glfw", "glfw")),
    ),
    Package(
        name="cryptography",
        module="cryptography",
        use="a session with a secret",
        least=(42,),
        below=(51,),
        brings=(("cffi", "cffi"), ("pycparser", "pycparser")),
    ),
    Package(
        name="mcap",
        module="mcap",
        use="recordings",
        least=(1, 6),
        below=(2,),
        brings=(("lz4", "lz4"), ("zstandard", "zstandard")),
    ),
    Package(name="simplejpeg", module="simplejpeg", use="JPEG pictures", least=(1, 8), below=(2,)),
)
"""Ranges are those of pyproject.toml, exact versions those of requirements-kit.txt."""


def owner_of(module: str) -> Package | None:
    """The package of the table that a module belongs to or is brought for."""
    top = module.partition(".")[0]
    for package in PACKAGES:
        if top in (package.module, *(each.partition(".")[0] for _, each in package.brings)):
            return package
    return None


def origin_of(module: str) -> Path | None:
    """The file that `import module` would run, without running it; None where it would fail."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        return Path(getattr(loaded, "__file__", None) or module)
    if "." in module and origin_of(module.rpartition(".")[0]) is None:
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None  # no origin: a folder without a module


def can_import(module: str) -> bool:
    """Whether a module can be imported; it then has been."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError):  # OSError: a library that it loads itself
        return False
    return True


def is_there(module: str) -> bool:
    """Whether a module is found, working or not; Kit's importer is asked by an import where it tells nothing before."""
    return origin_of(module) is not None or can_import(module)


def missing_names(package: Package) -> list[str]:
    """Names on the index of what must be brought for a package; none where it is there."""
    if is_there(package.module):
        return []
    return [package.name, *(name for name, module in package.brings if not is_there(module))]


def foreign_version(package: Package) -> str:
    """The version of a package that is there and outside of the range; empty when all is well or nothing is known."""
    origin = origin_of(package.module)
    if origin is None:
        return ""
    folder = origin.parent.parent if origin.stem == "__init__" else origin.parent
    found = next(iter(importlib.metadata.distributions(name=package.name, path=[str(folder)])), None)
    text = found.version if found is not None else ""
    numbers = tuple(int(each) for each in re.findall(r"\d+", text)[:3])
    return text if numbers and not package.least <= numbers < package.below else ""
