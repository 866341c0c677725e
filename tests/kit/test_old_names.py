"""Who asks for `omni.isaac.core` inside Isaac Sim is told in one line what stands for it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from fake import EXT_ID, FakeKit, kit

pytest.importorskip("pxr", reason="usd-core is not installed")


@pytest.fixture(params=["5.1", "6.0"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeKit]:
    before = list(sys.meta_path)
    with kit(request.param) as made:
        extension = made.extension()
        extension.on_startup(EXT_ID)
        yield made
        extension.on_shutdown()
        del extension
        assert sys.meta_path == before
        assert made.leftovers() == []


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of omni.isaac in 6.0: other modules lie in it."""
    left = ModuleType("omni.isaac")
    left.__path__ = []
    monkeypatch.setitem(sys.modules, "omni.isaac", left)


def told(fake: FakeKit) -> list[str]:
    return [line for line in fake.log if "omni.isaac" in line]


def test_a_script_that_asks_is_refused_and_told_once_what_stands_for_it(fake: FakeKit, namespace: None) -> None:
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match=r"omni\.isaac\.core"):
            importlib.import_module("omni.isaac.core.articulations")
    (line,) = told(fake)
    assert line.startswith("warn: [teletwin] omni.isaac.core was asked for")
    assert "isaacsim.core.api, .prims and .utils" in line
    assert "docs/isaac.md" in line
    where = "Isaac Sim 5.1 has it as an extension: enable omni.isaac.core"
    assert (where if fake.version == "5.1" else "Isaac Sim 6.0 has no omni.isaac.* any more") in line
    from teletwin.kit import api

    assert any("omni.isaac.core was asked for" in text for text in api.status()["warnings"])  # type: ignore[union-attr]


def test_where_nothing_of_omni_isaac_is_left_it_is_told_too(fake: FakeKit) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"omni\.isaac"):
        importlib.import_module("omni.isaac.core")
    assert "isaacsim.core.api" in told(fake)[0]


def test_who_only_looks_whether_it_is_there_learns_the_truth(fake: FakeKit, namespace: None) -> None:
    assert importlib.util.find_spec("omni.isaac.kit") is None
    assert "SimulationApp" in told(fake)[0]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("omni.something_else")
    assert len(told(fake)) == 1


def test_what_is_there_is_what_the_script_gets(fake: FakeKit, namespace: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at 5.1, where the deprecated extension is enabled."""
    theirs = ModuleType("omni.isaac.core")
    monkeypatch.setitem(sys.modules, "omni.isaac.core", theirs)
    assert importlib.import_module("omni.isaac.core") is theirs
    assert told(fake) == []


def test_after_the_extension_nothing_is_told_any_more() -> None:
    with kit("6.0") as made:
        extension = made.extension()
        extension.on_startup(EXT_ID)
        extension.on_shutdown()
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("omni.isaac.core")
        assert told(made) == []
        del extension
