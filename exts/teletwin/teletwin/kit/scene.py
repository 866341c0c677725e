"""The stage of the twin, authored with USD alone: physics scene, ground, table, objects, robot, light, camera.

World frame = UR base frame, z up, metres. Nothing outside `/World/teletwin`, the robot's prim and the physics
scene is touched, so it can be put into a stage that holds other things.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pxr import Gf, Sdf, UsdGeom, UsdLux, UsdPhysics

from teletwin.errors import RobotError
from teletwin.geometry import quat_from_matrix
from teletwin.kit.table import Solid, table_scene
from teletwin.view.camera import Camera

ROOT = "/World/teletwin"
PHYSICS_SCENE = "/World/physicsScene"
APERTURE_MM = 20.955


@dataclass(frozen=True, kw_only=True)
class SceneCfg:
    """What the stage shall hold."""

    robot_usd: str
    robot_path: str = "/World/ur3e"
    camera_path: str = f"{ROOT}/camera"
    physics_rate_hz: float = 250.0
    aspect: float = 16.0 / 9.0
    camera: Camera = field(default_factory=Camera)


def build_scene(stage: Any, cfg: SceneCfg) -> tuple[str, ...]:
    """Author everything; return the paths of the movable objects, in the order of `object_poses`.

    Raises:
        RobotError: The robot's USD cannot be opened.
    """
    unit = UsdGeom.GetStageMetersPerUnit(stage)
    if not math.isclose(unit, 1.0):
        raise RobotError("the stage is not in metres", given=f"{unit} m a unit", mend="open a new stage")
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    world = UsdGeom.Xform.Define(stage, "/World")
    if not stage.HasDefaultPrim():  # Kit's new stage has one; without it nobody can reference what is saved
        stage.SetDefaultPrim(world.GetPrim())
    _physics_scene(stage, cfg.physics_rate_hz)
    UsdGeom.Xform.Define(stage, ROOT)
    solids = table_scene()
    paths = {solid.name: _solid(stage, solid) for solid in solids}
    _robot(stage, cfg)
    _lights(stage)
    _camera(stage, cfg)
    return tuple(paths[solid.name] for solid in solids if solid.mass_kg > 0.0)


def clear_scene(stage: Any, cfg: SceneCfg) -> None:
    """Take away what `build_scene` authored, the physics scene left as it is."""
    for path in (ROOT, cfg.robot_path):
        if stage.GetPrimAtPath(path):
            stage.RemovePrim(path)


def _physics_scene(stage: Any, rate_hz: float) -> None:
    """The stage's own physics scene if it has one, else ours; its rate is what the twin asks for."""
    own = next((prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)), None)
    scene = UsdPhysics.Scene(own) if own else UsdPhysics.Scene.Define(stage, PHYSICS_SCENE)
    scene.CreateGravityDirectionAttr(Gf.Vec3f(0.0, 0.0, -1.0))
    scene.CreateGravityMagnitudeAttr(9.81)
    prim = scene.GetPrim()
    # By name: the schema module of PhysX is not everywhere that USD is.
    prim.AddAppliedSchema("PhysxSceneAPI")
    prim.CreateAttribute("physxScene:timeStepsPerSecond", Sdf.ValueTypeNames.UInt).Set(round(rate_hz))


def _solid(stage: Any, solid: Solid) -> str:
    path = f"{ROOT}/{solid.name}"
    shape = _shape(stage, path, solid)
    shape.CreateDisplayColorAttr([Gf.Vec3f(*solid.colour)])
    prim = shape.GetPrim()
    UsdPhysics.CollisionAPI.Apply(prim)
    if solid.mass_kg > 0.0:
        UsdPhysics.RigidBodyAPI.Apply(prim)
        UsdPhysics.MassAPI.Apply(prim).CreateMassAttr(solid.mass_kg)
    return path


def _shape(stage: Any, path: str, solid: Solid) -> Any:
    """The geometry, placed; a plane becomes a thin box, which every physics engine collides with."""
    position, scale = solid.position, None
    if solid.kind in ("box", "plane"):
        shape = UsdGeom.Cube.Define(stage, path)
        half = solid.size if solid.kind == "box" else (solid.size[0], solid.size[1], 0.01)
        if solid.kind == "plane":
            position = (position[0], position[1], position[2] - 0.01)
        shape.CreateSizeAttr(2.0)
        scale = Gf.Vec3f(*half)
    elif solid.kind == "cylinder":
        shape = UsdGeom.Cylinder.Define(stage, path)
        shape.CreateRadiusAttr(solid.size[0])
        shape.CreateHeightAttr(2.0 * solid.size[1])
        shape.CreateAxisAttr(UsdGeom.Tokens.z)
    elif solid.kind == "sphere":
        shape = UsdGeom.Sphere.Define(stage, path)
        shape.CreateRadiusAttr(solid.size[0])
    else:
        raise RobotError("a solid of unknown kind", given=solid.kind, allowed="box, plane, cylinder, sphere")
    place(shape, position, solid.quat, scale)
    return shape


def place(shape: Any, position: Any, quat: Any, scale: Any = None) -> None:
    """Put a prim at a position [m] with a quaternion wxyz, replacing what placed it before."""
    shape = UsdGeom.Xformable(shape)
    shape.ClearXformOpOrder()
    w, x, y, z = (float(part) for part in quat)
    _set_op(shape, "translate", Gf.Vec3d(*position))
    _set_op(shape, "orient", Gf.Quatd(w, x, y, z))
    if scale is not None:
        _set_op(shape, "scale", Gf.Vec3d(*scale))


def _set_op(shape: Any, name: str, value: Any) -> None:
    """Add an operation in the precision that a referenced asset has it in, double where it has none."""
    add = {"translate": shape.AddTranslateOp, "orient": shape.AddOrientOp, "scale": shape.AddScaleOp}[name]
    attribute = shape.GetPrim().GetAttribute(f"xformOp:{name}")
    types = Sdf.ValueTypeNames
    if attribute and attribute.GetTypeName() in (types.Quatf, types.Float3):
        narrow = Gf.Quatf if isinstance(value, Gf.Quatd) else Gf.Vec3f
        add(UsdGeom.XformOp.PrecisionFloat).Set(narrow(value))
    else:
        add(UsdGeom.XformOp.PrecisionDouble).Set(value)


def _robot(stage: Any, cfg: SceneCfg) -> None:
    """The robot's USD, its base_link turned by half a turn about z so that the world is the UR base frame."""
    try:
        layer = Sdf.Layer.FindOrOpen(cfg.robot_usd)
    except Exception:
        layer = None
    if layer is None:
        raise RobotError(
            "the robot's USD cannot be opened",
            given=cfg.robot_usd,
            mend="set /exts/teletwin/robot_usd to 'teletwin' for the one that comes with it",
        )
    robot = UsdGeom.Xform.Define(stage, cfg.robot_path)
    references = robot.GetPrim().GetReferences()
    references.ClearReferences()
    references.AddReference(cfg.robot_usd)
    place(robot, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def _lights(stage: Any) -> None:
    dome = UsdLux.DomeLight.Define(stage, f"{ROOT}/dome")
    dome.CreateIntensityAttr(600.0)
    key = UsdLux.DistantLight.Define(stage, f"{ROOT}/key")
    key.CreateIntensityAttr(2200.0)
    key.CreateAngleAttr(1.5)
    UsdGeom.XformCommonAPI(key).SetRotate(Gf.Vec3f(35.0, -25.0, 0.0))


def _camera(stage: Any, cfg: SceneCfg) -> None:
    """The embedded renderer's camera: same place, same angle, so that the hand maps alike."""
    view = cfg.camera
    camera = UsdGeom.Camera.Define(stage, cfg.camera_path)
    vertical_mm = APERTURE_MM / cfg.aspect
    camera.CreateHorizontalApertureAttr(APERTURE_MM)
    camera.CreateVerticalApertureAttr(vertical_mm)
    camera.CreateFocalLengthAttr(0.5 * vertical_mm / math.tan(0.5 * math.radians(view.vertical_fov_deg)))
    camera.CreateClippingRangeAttr(Gf.Vec2f(view.near_m, view.far_m))
    place(camera, view.eye, quat_from_matrix(np.ascontiguousarray(view.view_to_base)))


def default_stage() -> Any:
    """The stage that is open in Kit; a new one in metres, z up, when there is none."""
    import omni.usd

    context = omni.usd.get_context()
    stage = context.get_stage()
    if stage is None:
        context.new_stage()
        stage = context.get_stage()
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    return stage
