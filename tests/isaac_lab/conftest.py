"""Isaac Lab itself where it is installed, else the stand-in beside this file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "exts/isaaclab_teletwin/src"
STANDIN = Path(__file__).parent / "standin"
OURS = ("isaaclab_teletwin", "isaaclab")


def forget() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]


@pytest.fixture
def isaac_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`isaaclab` and `isaaclab_teletwin` can be imported; the stand-in leaves nothing behind."""
    monkeypatch.syspath_prepend(str(PROJECT))
    spec = find_spec("isaaclab")
    is_real = spec is not None and spec.origin is not None
    if not is_real:
        monkeypatch.syspath_prepend(str(STANDIN))
    yield
    if not is_real:
        forget()
