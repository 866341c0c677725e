#!/usr/bin/env python3
"""Write the UR3e as USD from its URDF, bodies, MJCF and meshes: assets/robots/ur3e/ur3e.usda and meshes/ur3e.usdc.

Run by a person when one of the four changes (needs `usd-core`):

    python scripts/make_usd.py

Frames, limits, masses and inertias come from the URDF, collision capsules from the bodies file, drives from the MJCF,
shape and colours from the OBJ files. USD counts angles in degrees: limits, speeds and the gains of the drives are
converted. The default prim has the frame of the URDF's base_link: the UR controller's base turned by 180 degrees about
z.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from make_meshes import write_manifest
from make_usd_meshes import write_meshes
from teletwin.geometry import quat_from_matrix
from teletwin.robot.bodies import Capsule
from teletwin.robot.drives import load_drives
from teletwin.robot.kinematics import forward
from teletwin.robot.model import Robot
from teletwin.robot.ur3e import JOINT_NAMES, load_ur3e
from teletwin.robot.urdf import UrdfJoint, UrdfModel, load_urdf

# Loaded by name: the USD modules are made at run time and carry no types.
Gf: Any = import_module("pxr.Gf")
Sdf: Any = import_module("pxr.Sdf")
Usd: Any = import_module("pxr.Usd")
UsdGeom: Any = import_module("pxr.UsdGeom")
UsdPhysics: Any = import_module("pxr.UsdPhysics")

Array = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "assets" / "robots" / "ur3e"
MESHES = "meshes/ur3e.usdc"
MESHES_COMMENT = "UR3e link meshes; licence in LICENSE.txt beside this file"
ROBOT = "/ur3e"
BODIES = (
    "base_link_inertia",
    "shoulder_link",
    "upper_arm_link",
    "forearm_link",
    "wrist_1_link",
    "wrist_2_link",
    "wrist_3_link",
)
ROOT_JOINT = "root_joint"
ABOUT = {
    "isaac:description": (Sdf.ValueTypeNames.String, "Universal Robots UR3e"),
    "isaac:robotType": (Sdf.ValueTypeNames.Token, "Manipulator"),
    "isaac:license": (Sdf.ValueTypeNames.Token, "Other"),  # several: see source
    "isaac:source": (Sdf.ValueTypeNames.String, "ur3e.urdf; its meshes on the terms of meshes/LICENSE.txt"),
}
FIXED_FRAMES = {
    "base_link": f"{ROBOT}/base_link",
    "base": f"{ROBOT}/base_link/base",
    "flange": f"{ROBOT}/wrist_3_link/flange",
    "tool0": f"{ROBOT}/wrist_3_link/flange/tool0",
}
SPEED_DEG = float(np.degrees(1.0))


@dataclass(frozen=True, kw_only=True)
class Inertia:
    """Mass properties of one link, in its own frame."""

    mass_kg: float
    center: Array
    diagonal: Array


def read_inertias(urdf: Path) -> dict[str, Inertia]:
    """Mass properties by link; only diagonal tensors in the link's own axes are taken."""
    found = {}
    for link in ET.parse(urdf).getroot().iter("link"):
        inertial = link.find("inertial")
        if inertial is None:
            continue
        origin, mass, tensor = (inertial.find(tag) for tag in ("origin", "mass", "inertia"))
        assert origin is not None
        assert mass is not None
        assert tensor is not None
        turned = any(float(word) for word in origin.attrib.get("rpy", "0 0 0").split())
        if turned or any(float(tensor.attrib[name]) for name in ("ixy", "ixz", "iyz")):
            raise SystemExit(f"{urdf}: the inertia of {link.attrib['name']} is not diagonal in the link's axes")
        found[link.attrib["name"]] = Inertia(
            mass_kg=float(mass.attrib["value"]),
            center=np.array([float(word) for word in origin.attrib["xyz"].split()]),
            diagonal=np.array([float(tensor.attrib[name]) for name in ("ixx", "iyy", "izz")]),
        )
    return found


def quaternion(kind: Any, wxyz: Array) -> Any:
    """A USD quaternion of a type (Gf.Quatf, Gf.Quatd)."""
    w, x, y, z = tidy(wxyz)
    return kind(w, x, y, z)


def tidy(values: Array) -> list[float]:
    """Numbers for the file: what is left of sines and cosines of right angles becomes zero."""
    return [0.0 if abs(value) < 1e-12 else round(float(value), 15) for value in values]


def place(prim: Any, translation: Array, wxyz: Array) -> Any:
    """Give a prim a pose in its parent, double precision."""
    xform = UsdGeom.Xformable(prim)
    xform.AddTranslateOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Vec3d(*tidy(translation)))
    xform.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(quaternion(Gf.Quatd, wxyz))
    return prim


def write_schema(prim: Any, schema: str, values: dict[str, tuple[Any, Any]]) -> None:
    """Author a schema of PhysX or Isaac by name: usd-core does not carry these schemas, Isaac Sim reads them."""
    prim.AddAppliedSchema(schema)
    for name, (kind, value) in values.items():
        prim.CreateAttribute(name, kind, custom=False).Set(value)


class RobotWriter:
    """Writes one articulation into a stage."""

    def __init__(self, stage: Any, model: UrdfModel, robot: Robot) -> None:
        self.stage, self.robot = stage, robot
        self.joints: dict[str, UrdfJoint] = {joint.name: joint for joint in model.joints}

    def root(self) -> None:
        """The default prim, and the joint that fixes the base to it; moving the prim moves the robot."""
        prim = UsdGeom.Xform.Define(self.stage, ROBOT).GetPrim()
        self.stage.SetDefaultPrim(prim)
        fixed = UsdPhysics.FixedJoint.Define(self.stage, f"{ROBOT}/{ROOT_JOINT}")
        fixed.CreateBody0Rel().SetTargets([ROBOT])
        fixed.CreateBody1Rel().SetTargets([f"{ROBOT}/{BODIES[0]}"])
        pose = forward(self.robot.chain, np.zeros(6), BODIES[0])
        fixed.CreateLocalPos0Attr(Gf.Vec3f(*pose[:3].tolist()))
        fixed.CreateLocalRot0Attr(quaternion(Gf.Quatf, pose[3:]))
        fixed.CreateLocalPos1Attr(Gf.Vec3f(0.0))
        fixed.CreateLocalRot1Attr(Gf.Quatf(1.0))
        UsdPhysics.ArticulationRootAPI.Apply(fixed.GetPrim())
        write_schema(
            fixed.GetPrim(),
            "PhysxArticulationAPI",
            {
                "physxArticulation:enabledSelfCollisions": (Sdf.ValueTypeNames.Bool, False),
                "physxArticulation:solverPositionIterationCount": (Sdf.ValueTypeNames.Int, 16),
                "physxArticulation:solverVelocityIterationCount": (Sdf.ValueTypeNames.Int, 1),
            },
        )

    def isaac_robot(self) -> None:
        """What Isaac Sim's robot tools look for: which prim is the robot, its links and joints from base to tool."""
        robot = self.stage.GetPrimAtPath(ROBOT)
        write_schema(robot, "IsaacRobotAPI", ABOUT)
        joints = (ROOT_JOINT, *(f"joints/{name}" for name in JOINT_NAMES))
        parts = {"Link": ("isaac:physics:robotLinks", BODIES), "Joint": ("isaac:physics:robotJoints", joints)}
        for kind, (relationship, names) in parts.items():
            targets = robot.CreateRelationship(relationship, custom=False)
            for name in names:
                write_schema(self.stage.GetPrimAtPath(f"{ROBOT}/{name}"), f"Isaac{kind}API", {})
                targets.AddTarget(f"{ROBOT}/{name}", Usd.ListPositionBackOfPrependList)

    def body(self, link: str, inertia: Inertia, capsules: tuple[Capsule, ...]) -> None:
        """One rigid body at its place for all joints at zero, with mass, shape and picture."""
        pose = forward(self.robot.chain, np.zeros(6), link)
        prim = place(UsdGeom.Xform.Define(self.stage, f"{ROBOT}/{link}").GetPrim(), pose[:3], pose[3:])
        UsdPhysics.RigidBodyAPI.Apply(prim)
        # A UR compensates gravity; the drives see none of it.
        write_schema(prim, "PhysxRigidBodyAPI", {"physxRigidBody:disableGravity": (Sdf.ValueTypeNames.Bool, True)})
        mass = UsdPhysics.MassAPI.Apply(prim)
        mass.CreateMassAttr(inertia.mass_kg)
        mass.CreateCenterOfMassAttr(Gf.Vec3f(*inertia.center.tolist()))
        mass.CreateDiagonalInertiaAttr(Gf.Vec3f(*inertia.diagonal.tolist()))
        mass.CreatePrincipalAxesAttr(Gf.Quatf(1.0))
        visuals = UsdGeom.Xform.Define(self.stage, f"{ROBOT}/{link}/visuals").GetPrim()
        visuals.SetInstanceable(True)  # cloned arms share one picture of each link
        visuals.GetReferences().AddReference(f"./{MESHES}", f"/ur3e_meshes/{link}")
        UsdGeom.Xform.Define(self.stage, f"{ROBOT}/{link}/collisions")
        for number, capsule in enumerate(capsules, 1):
            self._collision(f"{ROBOT}/{link}/collisions/capsule_{number}", capsule)

    def _collision(self, path: str, capsule: Capsule) -> None:
        """An unseen capsule."""
        along = capsule.b - capsule.a
        length = float(np.linalg.norm(along))
        shape = UsdGeom.Capsule.Define(self.stage, path)
        shape.CreateAxisAttr("Z")
        shape.CreateRadiusAttr(capsule.radius)
        shape.CreateHeightAttr(round(length, 12))
        shape.CreatePurposeAttr("guide")
        reach = 0.5 * length + capsule.radius
        shape.CreateExtentAttr([(-capsule.radius, -capsule.radius, -reach), (capsule.radius,) * 2 + (reach,)])
        direction = along if length > 0.0 else np.array([0.0, 0.0, 1.0])
        turn = Gf.Rotation(Gf.Vec3d(0, 0, 1), Gf.Vec3d(*direction.tolist())).GetQuat()
        wxyz = np.array([turn.GetReal(), *turn.GetImaginary()])
        place(shape.GetPrim(), 0.5 * (capsule.a + capsule.b), wxyz)
        UsdPhysics.CollisionAPI.Apply(shape.GetPrim())

    def frames(self) -> None:
        """The frames without mass, where the URDF has them."""
        for joint in self.joints.values():
            if joint.kind == "fixed" and joint.child in FIXED_FRAMES:
                prim = UsdGeom.Xform.Define(self.stage, FIXED_FRAMES[joint.child]).GetPrim()
                place(prim, joint.translation, quat_from_matrix(joint.rotation))
        UsdGeom.Xform.Define(self.stage, FIXED_FRAMES["base_link"])
        UsdGeom.Scope.Define(self.stage, f"{ROBOT}/joints")

    def joint(self, number: int) -> None:
        """A revolute joint about z of both its frames, with limits and drive in degrees."""
        name, drives = JOINT_NAMES[number], load_drives()
        joint = self.joints[name]
        if joint.kind != "revolute" or not np.array_equal(joint.axis, [0.0, 0.0, 1.0]):
            raise SystemExit(f"{name} does not turn about its z axis")
        revolute = UsdPhysics.RevoluteJoint.Define(self.stage, f"{ROBOT}/joints/{name}")
        revolute.CreateBody0Rel().SetTargets([f"{ROBOT}/{joint.parent}"])
        revolute.CreateBody1Rel().SetTargets([f"{ROBOT}/{joint.child}"])
        revolute.CreateAxisAttr("Z")
        revolute.CreateLocalPos0Attr(Gf.Vec3f(*joint.translation.tolist()))
        revolute.CreateLocalRot0Attr(quaternion(Gf.Quatf, quat_from_matrix(joint.rotation)))
        revolute.CreateLocalPos1Attr(Gf.Vec3f(0.0))
        revolute.CreateLocalRot1Attr(Gf.Quatf(1.0))
        revolute.CreateLowerLimitAttr(float(np.degrees(joint.lower)))
        revolute.CreateUpperLimitAttr(float(np.degrees(joint.upper)))
        angular = UsdPhysics.DriveAPI.Apply(revolute.GetPrim(), "angular")
        angular.CreateTypeAttr("force")
        angular.CreateStiffnessAttr(drives.stiffness[number] / SPEED_DEG)
        angular.CreateDampingAttr(drives.damping[number] / SPEED_DEG)
        angular.CreateMaxForceAttr(drives.effort[number])
        angular.CreateTargetPositionAttr(0.0)
        angular.CreateTargetVelocityAttr(0.0)
        write_schema(
            revolute.GetPrim(),
            "PhysxJointAPI",
            {
                "physxJoint:armature": (Sdf.ValueTypeNames.Float, drives.armature[number]),
                "physxJoint:maxJointVelocity": (Sdf.ValueTypeNames.Float, float(np.degrees(joint.velocity))),
            },
        )


def new_stage(path: Path, comment: str) -> Any:
    """An empty stage in metres and kilograms, z up."""
    path.unlink(missing_ok=True)
    stage = Usd.Stage.CreateNew(str(path))
    stage.SetMetadata("comment", comment)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    return stage


def write_robot(path: Path) -> None:
    """Write the articulation."""
    model, robot = load_urdf(FOLDER / "ur3e.urdf"), load_ur3e()
    inertias = read_inertias(FOLDER / "ur3e.urdf")
    stage = new_stage(
        path, "UR3e, written by scripts/make_usd.py from ur3e.urdf, ur3e_bodies.yaml, ur3e.xml and meshes/*.obj"
    )
    writer = RobotWriter(stage, model, robot)
    writer.root()
    for link in BODIES:
        writer.body(link, inertias[link], robot.bodies.of(link))
    writer.frames()
    for number in range(len(JOINT_NAMES)):
        writer.joint(number)
    writer.isaac_robot()
    stage.GetRootLayer().Save()


def main() -> None:
    """Write both files and the manifest."""
    write_meshes(new_stage(FOLDER / MESHES, MESHES_COMMENT), FOLDER)
    write_robot(FOLDER / "ur3e.usda")
    write_manifest(ROOT / "assets" / "MANIFEST.toml", FOLDER / "meshes")


if __name__ == "__main__":
    main()
