"""NVIDIA's asset validator finds nothing wrong with the USD that we ship and with the stages that we author."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake import kit

from teletwin.assets import asset_path

pytest.importorskip("pxr", reason="usd-core is not installed")
validator = pytest.importorskip("omni.asset_validator", reason="omniverse-asset-validator is not installed")
from pxr import Usd, UsdGeom  # noqa: E402, TID253

ALLOWED: dict[str, str] = {}
"""Rules that cannot hold for us, each with the reason; none so far."""
OURS = str(asset_path("robots", "ur3e", "ur3e.usda"))


def found(asset: str) -> list[str]:
    """Every issue of every rule, failures and warnings alike, that is not allowed."""
    issues = validator.ValidationEngine().validate(asset).issues()
    return [str(issue) for issue in issues if issue.rule is None or issue.rule.__name__ not in ALLOWED]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Any, str]]:
    """An empty stage in a file, inside the stand-in of Kit."""
    path = str(tmp_path / "stage.usda")
    with kit("6.0"):
        made = Usd.Stage.CreateNew(path)
        UsdGeom.SetStageMetersPerUnit(made, 1.0)
        yield made, path


@pytest.mark.parametrize("name", ["ur3e.usda", "meshes/ur3e.usdc"])
def test_nothing_is_wrong_with_the_robot(name: str) -> None:
    assert found(str(asset_path("robots", "ur3e", *name.split("/")))) == []


def test_nothing_is_wrong_with_the_twins_scene(stage: tuple[Any, str]) -> None:
    from teletwin.kit.scene import SceneCfg, build_scene

    made, path = stage
    build_scene(made, SceneCfg(robot_usd=OURS))
    made.GetRootLayer().Save()
    assert found(path) == []


def test_nothing_is_wrong_with_the_stage_that_is_cloned(stage: tuple[Any, str]) -> None:
    from teletwin.kit.cloned import ClonedArmsCfg, author_first_arm

    made, path = stage
    author_first_arm(made, ClonedArmsCfg(count=1))
    made.GetRootLayer().Save()
    assert found(path) == []


def test_the_validator_sees_what_is_wrong(tmp_path: Path) -> None:
    """So that finding nothing means something: an untyped prim, and three faces at one edge."""
    path = str(tmp_path / "wrong.usda")
    stage = Usd.Stage.CreateNew(path)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/thing").GetPrim())
    stage.DefinePrim("/thing/Looks")
    mesh = UsdGeom.Mesh.Define(stage, "/thing/mesh")
    mesh.CreatePointsAttr([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, -1, 0)])
    mesh.CreateFaceVertexCountsAttr([3, 3, 3])
    mesh.CreateFaceVertexIndicesAttr([0, 1, 2, 0, 1, 3, 0, 1, 4])
    stage.GetRootLayer().Save()
    words = " ".join(found(path))
    assert "Missing type" in words
    assert "non-manifold" in words
