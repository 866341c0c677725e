"""The stage: what stands in it, and where."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fake import FakeKit

from teletwin.geometry import quat_to_matrix
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.sim.mujoco_world import MujocoWorld
from teletwin.view.camera import Camera

pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Gf, Usd, UsdGeom, UsdPhysics  # noqa: TID253


def test_the_objects_stand_where_the_embedded_world_has_them_and_weigh_the_same(stage: Any) -> None:
    world = MujocoWorld()
    world.reset(HOME_Q)
    cache = UsdGeom.XformCache()
    for described, pose in zip(world.objects, world.object_poses, strict=True):
        prim = stage.GetPrimAtPath(f"/World/teletwin/{described.name}")
        matrix = cache.GetLocalToWorldTransform(prim)
        np.testing.assert_allclose(matrix.ExtractTranslation(), pose[:3], atol=1e-9)
        rotation = np.array(matrix.RemoveScaleShear().ExtractRotationMatrix()).T
        np.testing.assert_allclose(rotation, quat_to_matrix(pose[3:]), atol=1e-7)
        box = UsdGeom.Boundable(prim).ComputeLocalBound(Usd.TimeCode.Default(), "default").ComputeAlignedRange()
        assert box.GetSize()[2] == pytest.approx(_height_m(described), abs=1e-6)
        assert UsdPhysics.MassAPI(prim).GetMassAttr().Get() > 0.0
        assert prim.HasAPI(UsdPhysics.RigidBodyAPI)
        assert prim.HasAPI(UsdPhysics.CollisionAPI)


def _height_m(described: Any) -> float:
    return 2.0 * described.size[{"box": 2, "cylinder": 1, "sphere": 0}[described.kind]]


def test_the_table_is_at_height_zero_and_does_not_move(stage: Any) -> None:
    table = stage.GetPrimAtPath("/World/teletwin/table")
    box = UsdGeom.Imageable(table).ComputeWorldBound(Usd.TimeCode.Default(), "default").ComputeAlignedRange()
    assert box.GetMax()[2] == pytest.approx(0.0, abs=1e-9)
    assert table.HasAPI(UsdPhysics.CollisionAPI)
    assert not table.HasAPI(UsdPhysics.RigidBodyAPI)


def test_the_world_is_the_ur_base_frame(stage: Any) -> None:
    """At zero joints the tool of the stage's arm is where our kinematics put it in the UR base frame."""
    tool = stage.GetPrimAtPath("/World/ur3e/wrist_3_link/flange/tool0")
    position = UsdGeom.XformCache().GetLocalToWorldTransform(tool).ExtractTranslation()
    np.testing.assert_allclose(position, tool_pose_in_ur_base(np.zeros(6))[:3], atol=1e-6)


def test_the_physics_rate_is_authored_and_gravity_points_down(stage: Any) -> None:
    (scene,) = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    assert scene.GetAttribute("physxScene:timeStepsPerSecond").Get() == 250
    assert UsdPhysics.Scene(scene).GetGravityDirectionAttr().Get() == Gf.Vec3f(0.0, 0.0, -1.0)


def test_a_physics_scene_that_is_there_is_used(fake: FakeKit) -> None:
    from teletwin.assets import asset_path
    from teletwin.kit.scene import SceneCfg, build_scene

    stage = fake.context.get_stage()
    UsdPhysics.Scene.Define(stage, "/physicsScene")
    build_scene(stage, SceneCfg(robot_usd=str(asset_path("robots", "ur3e", "ur3e.usda")), physics_rate_hz=500.0))
    (scene,) = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    assert str(scene.GetPath()) == "/physicsScene"
    assert scene.GetAttribute("physxScene:timeStepsPerSecond").Get() == 500


def test_the_camera_sees_what_the_embedded_renderers_camera_sees(stage: Any) -> None:
    prim = stage.GetPrimAtPath("/World/teletwin/camera")
    frustum = UsdGeom.Camera(prim).GetCamera(Usd.TimeCode.Default()).frustum
    ours, width, height = Camera(), 640, 360
    matrix = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
    for point in ((-0.38, -0.13, 0.24), (0.0, 0.0, 0.1), (-0.3, 0.2, 0.0)):
        x, y, _ = matrix.Transform(Gf.Vec3d(*point))
        pixel = ((0.5 + 0.5 * x) * width, (0.5 - 0.5 * y) * height)
        np.testing.assert_allclose(pixel, ours.project(np.array(point), width, height), atol=0.05)


def test_an_asset_with_single_precision_keeps_it(fake: FakeKit) -> None:
    from teletwin.kit.scene import place

    shape = UsdGeom.Xform.Define(fake.context.get_stage(), "/single")
    shape.AddOrientOp(UsdGeom.XformOp.PrecisionFloat).Set(Gf.Quatf(1.0, 0.0, 0.0, 0.0))
    place(shape, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0))
    matrix = UsdGeom.XformCache().GetLocalToWorldTransform(shape.GetPrim())
    np.testing.assert_allclose(matrix.Transform(Gf.Vec3d(1.0, 0.0, 0.0)), (0.0, 2.0, 3.0), atol=1e-6)


def test_the_focal_length_gives_the_cameras_angle(stage: Any) -> None:
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/World/teletwin/camera"))
    half = 0.5 * camera.GetVerticalApertureAttr().Get() / camera.GetFocalLengthAttr().Get()
    assert 2.0 * math.degrees(math.atan(half)) == pytest.approx(Camera().vertical_fov_deg, abs=1e-3)
