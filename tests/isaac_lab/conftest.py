"""Isaac Lab itself where it is installed (the opt-in lane), else the stand-in beside this file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "exts/isaaclab_teletwin/src"
STANDIN = Path(__file__).parent / "standin"
OURS = {"isaaclab_teletwin", *(path.name for path in STANDIN.iterdir())}


def is_installed() -> bool:
    """Whether Isaac Lab is there; this very folder does not count."""
    spec = find_spec("isaaclab")
    return spec is not None and spec.origin is not None and STANDIN not in Path(spec.origin).parents


def forget() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]
    if "gymnasium" in sys.modules:
        registry = sys.modules["gymnasium"].registry
        for task in [task for task in registry if task.startswith("Teletwin-UR3e-")]:
            del registry[task]


@pytest.fixture
def isaac_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """`isaaclab` and `isaaclab_teletwin` can be imported; True: the real one. The stand-in leaves nothing behind."""
    monkeypatch.syspath_prepend(str(PROJECT))
    is_real = is_installed()
    if not is_real:
        monkeypatch.syspath_prepend(str(STANDIN))
    yield is_real
    if not is_real:
        forget()
