"""The UR3e as USD holds what the URDF says, and all four descriptions put the tool at the same place."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.robot import forward, load_ur3e, tool_pose_in_ur_base
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES
from teletwin.robot.urdf import load_urdf

pxr = pytest.importorskip("pxr")
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdShade  # noqa: E402, TID253

BODIES = ("base_link_inertia", "shoulder_link", "upper_arm_link", "forearm_link")
BODIES += ("wrist_1_link", "wrist_2_link", "wrist_3_link")
FRAMES = {
    "base_link": "/ur3e/base_link",
    "base": "/ur3e/base_link/base",
    "flange": "/ur3e/wrist_3_link/flange",
    "tool0": "/ur3e/wrist_3_link/flange/tool0",
} | {name: f"/ur3e/{name}" for name in BODIES}


@pytest.fixture(scope="module")
def stage():
    return Usd.Stage.Open(str(asset_path("robots", "ur3e", "ur3e.usda")))


@pytest.fixture(scope="module")
def urdf():
    return {joint.name: joint for joint in load_urdf(asset_path("robots", "ur3e", "ur3e.urdf")).joints}


def joint_prim(stage, name):
    return stage.GetPrimAtPath(f"/ur3e/joints/{name}")


def local_pose(joint, which):
    """A joint's frame in one of its bodies (4, 4), column vectors."""
    q = getattr(joint, f"GetLocalRot{which}Attr")().Get()
    pose = np.eye(4)
    pose[:3, :3] = np.array(Gf.Matrix3d(Gf.Quatd(q))).T
    pose[:3, 3] = getattr(joint, f"GetLocalPos{which}Attr")().Get()
    return pose


def usd_forward(stage, q):
    """Tool in the frame of the default prim (4, 4), as a physics engine reads the joints."""
    root = UsdPhysics.FixedJoint(stage.GetPrimAtPath("/ur3e/root_joint"))
    pose = local_pose(root, 0) @ np.linalg.inv(local_pose(root, 1))
    for name, angle in zip(JOINT_NAMES, q, strict=True):
        joint = UsdPhysics.RevoluteJoint(joint_prim(stage, name))
        turn = np.eye(4)
        turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        pose = pose @ local_pose(joint, 0) @ turn @ np.linalg.inv(local_pose(joint, 1))
    cache = UsdGeom.XformCache()
    wrist, tool = (stage.GetPrimAtPath(FRAMES[name]) for name in ("wrist_3_link", "tool0"))
    offset, _ = cache.ComputeRelativeTransform(tool, wrist)
    return pose @ np.array(offset).T


def matrix(pose):
    out = np.eye(4)
    out[:3, :3] = np.array(Gf.Matrix3d(Gf.Quatd(*(float(v) for v in pose[3:])))).T
    out[:3, 3] = pose[:3]
    return out


def test_the_stage_is_in_metres_and_kilograms_with_z_up(stage):
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert UsdPhysics.GetStageKilogramsPerUnit(stage) == 1.0
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert stage.GetDefaultPrim().GetPath() == "/ur3e"


def test_one_articulation_is_fixed_to_the_prim_that_carries_it(stage):
    roots = [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.ArticulationRootAPI)]
    assert [str(prim.GetPath()) for prim in roots] == ["/ur3e/root_joint"]
    fixed = UsdPhysics.FixedJoint(roots[0])
    assert [str(path) for path in fixed.GetBody0Rel().GetTargets()] == ["/ur3e"]
    assert [str(path) for path in fixed.GetBody1Rel().GetTargets()] == ["/ur3e/base_link_inertia"]
    assert not stage.GetDefaultPrim().HasAPI(UsdPhysics.RigidBodyAPI)


def test_joints_are_the_urdfs_in_the_order_of_the_chain(stage, urdf):
    found = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.RevoluteJoint)]
    assert tuple(prim.GetName() for prim in found) == JOINT_NAMES
    for prim in found:
        joint, told = UsdPhysics.RevoluteJoint(prim), urdf[prim.GetName()]
        assert joint.GetBody0Rel().GetTargets() == [f"/ur3e/{told.parent}"]
        assert joint.GetBody1Rel().GetTargets() == [f"/ur3e/{told.child}"]
        assert joint.GetAxisAttr().Get() == "Z"
        place = np.eye(4)
        place[:3, :3], place[:3, 3] = told.rotation, told.translation
        assert local_pose(joint, 0) == pytest.approx(place, abs=1e-7)
        assert local_pose(joint, 1) == pytest.approx(np.eye(4))


@pytest.mark.parametrize("name", JOINT_NAMES)
def test_limits_are_the_urdfs_in_degrees(stage, urdf, name):
    joint = UsdPhysics.RevoluteJoint(joint_prim(stage, name))
    told = urdf[name]
    assert np.radians(joint.GetLowerLimitAttr().Get()) == pytest.approx(told.lower, rel=1e-6)
    assert np.radians(joint.GetUpperLimitAttr().Get()) == pytest.approx(told.upper, rel=1e-6)
    speed = joint_prim(stage, name).GetAttribute("physxJoint:maxJointVelocity").Get()
    assert np.radians(speed) == pytest.approx(told.velocity, rel=1e-6)


@pytest.mark.parametrize("name", JOINT_NAMES)
def test_drives_are_those_of_the_embedded_simulator_per_degree_and_as_strong_as_the_urdf_says(stage, urdf, name):
    drive = UsdPhysics.DriveAPI(joint_prim(stage, name), "angular")
    tree = ET.parse(asset_path("robots", "ur3e", "ur3e.xml"))
    short = name.removesuffix("_joint")
    position = tree.find(f".//position[@name='{short}_position']").attrib
    velocity = tree.find(f".//velocity[@name='{short}_velocity']").attrib
    assert drive.GetStiffnessAttr().Get() == pytest.approx(np.radians(float(position["kp"])), rel=1e-6)
    assert drive.GetDampingAttr().Get() == pytest.approx(np.radians(float(velocity["kv"])), rel=1e-6)
    assert drive.GetMaxForceAttr().Get() == urdf[name].effort
    assert drive.GetTypeAttr().Get() == "force"
    armature = joint_prim(stage, name).GetAttribute("physxJoint:armature").Get()
    assert armature == pytest.approx(float(tree.find(f".//joint[@name='{short}']").attrib["armature"]))


@pytest.mark.parametrize("name", BODIES)
def test_masses_and_inertias_are_the_urdfs(stage, name):
    link = ET.parse(asset_path("robots", "ur3e", "ur3e.urdf")).find(f"./link[@name='{name}']/inertial")
    prim = stage.GetPrimAtPath(FRAMES[name])
    mass = UsdPhysics.MassAPI(prim)
    assert prim.HasAPI(UsdPhysics.RigidBodyAPI)
    assert mass.GetMassAttr().Get() == pytest.approx(float(link.find("mass").attrib["value"]))
    center = [float(word) for word in link.find("origin").attrib["xyz"].split()]
    assert list(mass.GetCenterOfMassAttr().Get()) == pytest.approx(center)
    diagonal = [float(link.find("inertia").attrib[axis]) for axis in ("ixx", "iyy", "izz")]
    assert list(mass.GetDiagonalInertiaAttr().Get()) == pytest.approx(diagonal, rel=1e-6)


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_every_frame_stands_where_the_urdf_has_it_at_zero(stage, name):
    at = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(stage.GetPrimAtPath(FRAMES[name]))).T
    assert at == pytest.approx(matrix(forward(load_ur3e().chain, np.zeros(6), name)), abs=1e-12)


def test_bodies_are_siblings_so_that_physics_may_move_each(stage):
    for prim in stage.Traverse():
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            assert prim.GetParent() == stage.GetDefaultPrim()


def test_four_descriptions_put_the_tool_at_the_same_place(stage):
    from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg

    world = MujocoWorld(MujocoWorldCfg(scene="bare"))
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])  # URDF base_link to UR base
    rng = np.random.default_rng(5)
    for q in [np.zeros(6), HOME_Q, *rng.uniform(-np.pi, np.pi, (50, 6))]:
        usd = turn @ usd_forward(stage, q)
        own = matrix(tool_pose_in_ur_base(q))
        mujoco = matrix(world.tool_pose_at(q))
        assert usd == pytest.approx(own, abs=1e-6)
        assert mujoco == pytest.approx(own, abs=1e-6)


def test_collision_capsules_lie_where_the_embedded_simulator_has_them(stage):
    import mujoco

    model = mujoco.MjModel.from_xml_path(str(asset_path("robots", "ur3e", "ur3e.xml")))
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    cache = UsdGeom.XformCache()
    numbered = [(name, k) for name in BODIES for k in range(1, len(load_ur3e().bodies.of(name)) + 1)]
    assert len(numbered) == model.ngeom
    for geom, (name, k) in enumerate(numbered):
        prim = stage.GetPrimAtPath(f"/ur3e/{name}/collisions/capsule_{k}")
        capsule = UsdGeom.Capsule(prim)
        at = np.array(cache.GetLocalToWorldTransform(prim)).T
        assert prim.HasAPI(UsdPhysics.CollisionAPI)
        assert at[:3, 3] * [-1, -1, 1] == pytest.approx(data.geom_xpos[geom], abs=1e-5)
        half = 0.5 * capsule.GetHeightAttr().Get() * at[:3, 2] * [-1, -1, 1]
        there = model.geom_size[geom, 1] * data.geom_xmat[geom].reshape(3, 3)[:, 2]
        assert half == pytest.approx(there if half @ there > 0.0 else -there, abs=2e-5)
        assert capsule.GetRadiusAttr().Get() == pytest.approx(model.geom_size[geom, 0])
        assert capsule.GetPurposeAttr().Get() == "guide"


def test_the_arm_can_stand_anywhere_in_another_stage_with_its_picture():
    scene = Usd.Stage.CreateInMemory()
    arm = UsdGeom.Xform.Define(scene, "/World/arm")
    arm.AddTranslateOp().Set((1.0, 2.0, 0.5))
    arm.GetPrim().GetReferences().AddReference(str(asset_path("robots", "ur3e", "ur3e.usda")))
    fixed = UsdPhysics.FixedJoint(scene.GetPrimAtPath("/World/arm/root_joint"))
    assert [str(path) for path in fixed.GetBody0Rel().GetTargets()] == ["/World/arm"]
    everything = Usd.PrimRange(scene.GetPseudoRoot(), Usd.TraverseInstanceProxies())
    meshes = [prim for prim in everything if prim.IsA(UsdGeom.Mesh)]
    assert len(meshes) == len(BODIES)
    assert sum(len(UsdGeom.Mesh(prim).GetFaceVertexCountsAttr().Get()) for prim in meshes) > 20000
    box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default"]).ComputeWorldBound(arm.GetPrim()).ComputeAlignedRange()
    assert max(box.GetSize()) < 0.8
    for prim in meshes:
        for subset in UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets():
            material, _ = UsdShade.MaterialBindingAPI(subset.GetPrim()).ComputeBoundMaterial()
            assert material.GetPrim().IsValid()


@pytest.mark.parametrize("name", ["ur3e.usda", "meshes/ur3e.usdc"])
def test_usds_own_validators_find_nothing_wrong(name):
    validation = pytest.importorskip("pxr.UsdValidation")
    registry = validation.ValidationRegistry()
    context = validation.ValidationContext(registry.GetOrLoadAllValidators())
    faults = context.Validate(Usd.Stage.Open(str(asset_path("robots", "ur3e", *name.split("/")))))
    assert [fault.GetErrorAsString() for fault in faults] == []
