"""The shown arm stands where it is told to, whichever UR3e was loaded: its drives carry no weight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake import FakeKit

from teletwin.assets import asset_path
from teletwin.robot.drives import load_drives
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES, tool_pose_in_ur_base

pytest.importorskip("pxr", reason="usd-core is not installed")
from fake.gravity import Weight
from pxr import Sdf, Usd, UsdPhysics  # noqa: TID253

OURS = str(asset_path("robots", "ur3e", "ur3e.usda"))
WEAK = (1600.0, 1600.0, 1200.0, 400.0, 400.0, 400.0)
POSES = (HOME_Q, np.zeros(6), np.array([0.3, -0.4, 0.9, -2.0, 1.2, 0.5]))


@pytest.fixture
def heavy(tmp_path: Path) -> str:
    """A UR3e as Isaac's own is: the same joints and links, weak drives, and gravity that pulls."""
    path = str(tmp_path / "heavy.usda")
    stage = Usd.Stage.CreateNew(path)
    robot = stage.DefinePrim("/ur3e", "Xform")
    robot.GetReferences().AddReference(OURS)
    stage.SetDefaultPrim(robot)
    for prim in Usd.PrimRange(robot):
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            prim.CreateAttribute("physxRigidBody:disableGravity", Sdf.ValueTypeNames.Bool).Set(False)
        if prim.IsA(UsdPhysics.RevoluteJoint):
            UsdPhysics.DriveAPI(prim, "angular").GetStiffnessAttr().Set(float(np.radians(1600.0)))
    stage.GetRootLayer().Save()
    return path


def shown_arm(fake: FakeKit, robot_usd: str) -> Any:
    """The arm of the authored scene in PhysX, just taken hold of."""
    from teletwin.kit.scene import SceneCfg, build_scene
    from teletwin.kit.world import IsaacWorld, simulated_prims

    build_scene(fake.context.get_stage(), SceneCfg(robot_usd=robot_usd))
    fake.physics.play()
    world = IsaacWorld()
    world.attach(*simulated_prims("/World/ur3e", ()))
    return world


def sag_mm(q: np.ndarray, stiffness: tuple[float, ...]) -> float:
    """How far the tool hangs at q [rad] in drives of this stiffness [N m/rad] that carry the arm's weight."""
    stage = Usd.Stage.Open(OURS)
    weight = Weight(stage.GetDefaultPrim())
    weight.is_on[:] = True
    hanging = q + weight.torques(list(JOINT_NAMES), q) / np.array(stiffness)
    return float(1e3 * np.linalg.norm((tool_pose_in_ur_base(hanging) - tool_pose_in_ur_base(q))[:3]))


def rest_at(fake: FakeKit, world: Any, q: np.ndarray) -> float:
    """How far the tool is from where it was sent, once the arm rests [m]."""
    world.reset(q)
    for _ in range(40):
        world.flush()
        fake.physics.step(0.004)
        world.refresh()
    return float(np.linalg.norm((tool_pose_in_ur_base(world.q) - tool_pose_in_ur_base(q))[:3]))


@pytest.mark.parametrize("q", POSES, ids=["home", "stretched", "bent"])
def test_the_tool_is_within_a_tenth_of_a_millimetre_whichever_ur3e_was_loaded(
    fake: FakeKit, heavy: str, q: np.ndarray
) -> None:
    for robot_usd in (OURS, heavy):
        assert rest_at(fake, shown_arm(fake, robot_usd), q) < 1e-4
        fake.physics.stop()


def test_the_stand_in_lets_an_arm_hang_that_carries_its_own_weight(
    fake: FakeKit, heavy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the test above would see it: millimetres, as Isaac's own asset hung in weak drives."""
    with monkeypatch.context() as patch:
        patch.setattr("teletwin.kit.world.apply_drives", lambda articulation, index: None)
        assert rest_at(fake, shown_arm(fake, heavy), HOME_Q) > 2e-3


@pytest.mark.parametrize(("drives", "most_mm"), [(load_drives().stiffness, 1.0), (WEAK, 8.0)], ids=["ours", "weak"])
def test_weight_in_the_drives_would_be_seen(drives: tuple[float, ...], most_mm: float) -> None:
    """What is avoided by taking gravity away: under a millimetre in our drives, several in weak ones."""
    sags = [sag_mm(q, drives) for q in POSES]
    assert 0.1 < min(sags) < max(sags) < most_mm


def test_the_shown_arm_gets_every_drive_of_the_one_source(fake: FakeKit, heavy: str) -> None:
    shown_arm(fake, heavy)
    (arm,), drives = fake.physics.arms, load_drives()
    assert tuple(arm.dof_names) == JOINT_NAMES
    assert np.array(arm.gains) == pytest.approx(np.array([drives.stiffness, drives.damping]))
    assert tuple(arm.max_efforts) == drives.effort
    assert tuple(arm.armatures) == drives.armature


def test_the_stand_ins_weights_are_those_that_mujoco_knows() -> None:
    mujoco = pytest.importorskip("mujoco")
    model = mujoco.MjModel.from_xml_path(str(asset_path("robots", "ur3e", "ur3e.xml")))
    model.body_gravcomp[:] = 0.0
    data = mujoco.MjData(model)
    stage = Usd.Stage.Open(OURS)
    weight = Weight(stage.GetDefaultPrim())
    weight.is_on[:] = True
    for q in POSES:
        data.qpos[:] = q
        mujoco.mj_forward(model, data)
        assert weight.torques(list(JOINT_NAMES), q) == pytest.approx(-data.qfrc_bias, abs=2e-3)
