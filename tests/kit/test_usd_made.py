"""The USD that we ship is what its script makes of URDF, bodies, drives and meshes, and looks as the meshes do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.robot.ur3e import JOINT_NAMES

pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Sdf, Usd, UsdGeom  # noqa: TID253

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(asset_path("robots", "ur3e"))
LINKS = ("base_link_inertia", "shoulder_link", "upper_arm_link", "forearm_link")
LINKS += ("wrist_1_link", "wrist_2_link", "wrist_3_link")


@pytest.fixture
def make_usd(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    import make_usd

    return make_usd


def text(path: Path) -> str:
    return Sdf.Layer.OpenAsAnonymous(str(path)).ExportToString()


def schemas(prim: Any) -> list[str]:
    """By name: without Isaac's own schema modules USD leaves out those that it does not know."""
    return list(prim.GetMetadata("apiSchemas").GetAppliedItems())


def test_the_files_are_what_the_script_makes_today(make_usd: Any, tmp_path: Path) -> None:
    (tmp_path / "meshes").mkdir()
    make_usd.write_meshes(make_usd.new_stage(tmp_path / make_usd.MESHES, make_usd.MESHES_COMMENT), FOLDER)
    make_usd.write_robot(tmp_path / "ur3e.usda")
    for name in ("ur3e.usda", "meshes/ur3e.usdc"):
        assert text(tmp_path / name) == text(FOLDER / name), f"run scripts/make_usd.py: {name}"


def test_isaacs_robot_tools_find_robot_links_and_joints_from_base_to_tool() -> None:
    """By name, as Isaac's own schema calls them (RobotSchema.usda of isaacsim.robot.schema)."""
    stage = Usd.Stage.Open(str(FOLDER / "ur3e.usda"))
    robot = stage.GetDefaultPrim()
    assert "IsaacRobotAPI" in schemas(robot)
    assert robot.GetAttribute("isaac:robotType").Get() == "Manipulator"
    assert robot.GetAttribute("isaac:license").Get() == "Other"
    links = robot.GetRelationship("isaac:physics:robotLinks").GetTargets()
    joints = robot.GetRelationship("isaac:physics:robotJoints").GetTargets()
    assert [path.name for path in links] == list(LINKS)
    assert [path.name for path in joints] == ["root_joint", *JOINT_NAMES]
    assert all("IsaacLinkAPI" in schemas(stage.GetPrimAtPath(path)) for path in links)
    assert all("IsaacJointAPI" in schemas(stage.GetPrimAtPath(path)) for path in joints)


def test_another_stage_may_add_to_the_robots_links() -> None:
    stage = Usd.Stage.CreateInMemory()
    arm = UsdGeom.Xform.Define(stage, "/World/arm").GetPrim()
    arm.GetReferences().AddReference(str(FOLDER / "ur3e.usda"))
    arm.GetRelationship("isaac:physics:robotLinks").AddTarget("/World/arm/gripper")
    names = [path.name for path in arm.GetRelationship("isaac:physics:robotLinks").GetTargets()]
    assert sorted(names) == sorted([*LINKS, "gripper"])


@pytest.mark.parametrize("link", LINKS)
def test_every_face_of_a_link_is_drawn_once_where_its_mesh_has_it(make_usd: Any, link: str) -> None:
    from make_usd_meshes import LINKS as FILES
    from make_usd_meshes import read_obj
    from surface import APART_M, make_surface

    points, faces, _ = read_obj(FOLDER / "meshes" / f"{FILES[link]}.obj")
    made = make_surface(points, faces)
    stage = Usd.Stage.Open(str(FOLDER / "meshes/ur3e.usdc"))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath(f"/ur3e_meshes/{link}/mesh"))
    assert np.array_equal(np.array(mesh.GetPointsAttr().Get()), made.points)
    assert np.array_equal(np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3), made.faces)
    there, here = points[faces], made.points[made.faces]
    moved = np.linalg.norm(here - there[made.origin], axis=2).max(axis=1)
    turned = np.linalg.norm(here - there[made.origin][:, ::-1], axis=2).max(axis=1)
    assert np.minimum(moved, turned).max() < 1.01 * APART_M
    places = {frozenset(map(tuple, corners)) for corners in there.tolist()}
    assert len(made.faces) == len(places)
    assert {frozenset(map(tuple, corners)) for corners in there[made.origin].tolist()} == places
