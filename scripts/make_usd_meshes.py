"""The OBJ meshes of the UR3e as USD meshes, one prim per link, with smooth normals and a colour per group of faces."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surface import make_surface, vertex_normals

# Loaded by name: the USD modules are made at run time and carry no types.
Gf: Any = import_module("pxr.Gf")
Sdf: Any = import_module("pxr.Sdf")
UsdGeom: Any = import_module("pxr.UsdGeom")
UsdShade: Any = import_module("pxr.UsdShade")
Vt: Any = import_module("pxr.Vt")

LINKS = {
    "base_link_inertia": "base",
    "shoulder_link": "shoulder",
    "upper_arm_link": "upper_arm",
    "forearm_link": "forearm",
    "wrist_1_link": "wrist_1",
    "wrist_2_link": "wrist_2",
    "wrist_3_link": "wrist_3",
}
ROOT_PRIM = "/ur3e_meshes"


def read_obj(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int32], dict[str, NDArray[np.int32]]]:
    """Points (v, 3) [m], triangles (f, 3) and the rows of the triangles of each material."""
    points, faces, rows = [], [], {}
    material = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *words = line.split() or ["#"]
        if kind == "v":
            points.append([float(word) for word in words[:3]])
        elif kind == "usemtl":
            material = words[0]
        elif kind == "f":
            rows.setdefault(material, []).append(len(faces))
            faces.append([int(word.split("/")[0]) - 1 for word in words])
    groups = {name: np.array(values, dtype=np.int32) for name, values in rows.items()}
    return np.array(points, dtype=np.float32), np.array(faces, dtype=np.int32), groups


def read_colours(path: Path) -> dict[str, list[float]]:
    """Diffuse colours by material."""
    colours, name = {}, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *words = line.split() or ["#"]
        if kind == "newmtl":
            name = words[0]
        elif kind == "Kd":
            colours[name] = [float(word) for word in words]
    return colours


def write_material(stage: Any, link: str, name: str, colour: list[float]) -> Any:
    """A plain preview surface below its link: what lies outside a referenced prim is not seen by who references it."""
    UsdGeom.Scope.Define(stage, f"{ROOT_PRIM}/{link}/Looks")
    material = UsdShade.Material.Define(stage, f"{ROOT_PRIM}/{link}/Looks/{name}")
    shader = UsdShade.Shader.Define(stage, f"{ROOT_PRIM}/{link}/Looks/{name}/surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(Gf.Vec3f(*colour))
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.45)
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    return material


def write_link(stage: Any, link: str, obj: Path, materials: dict[str, Any]) -> None:
    """One link's mesh, its materials bound to subsets of its faces; self-contained, so that it can be referenced."""
    soup_points, soup_faces, groups = read_obj(obj)
    surface = make_surface(soup_points, soup_faces)
    points, faces = surface.points, surface.faces
    UsdGeom.Xform.Define(stage, f"{ROOT_PRIM}/{link}")
    mesh = UsdGeom.Mesh.Define(stage, f"{ROOT_PRIM}/{link}/mesh")
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), 3, dtype=np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(faces.ravel()))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(vertex_normals(points, faces)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr([Gf.Vec3f(*end.tolist()) for end in (points.min(axis=0), points.max(axis=0))])
    for name, soup_rows in groups.items():
        rows = np.flatnonzero(np.isin(surface.origin, soup_rows)).astype(np.int32)
        subset = UsdShade.MaterialBindingAPI(mesh).CreateMaterialBindSubset(name, Vt.IntArray.FromNumpy(rows))
        UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(materials[name])
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim())


def write_meshes(stage: Any, folder: Path) -> None:
    """Every link's mesh into a stage; `folder` holds meshes/*.obj."""
    stage.SetDefaultPrim(UsdGeom.Scope.Define(stage, ROOT_PRIM).GetPrim())
    colours = read_colours(folder / "meshes" / "ur3e.mtl")
    for link, name in LINKS.items():
        scope = f"{ROOT_PRIM}/{link}"
        UsdGeom.Xform.Define(stage, scope)
        obj = folder / "meshes" / f"{name}.obj"
        used = read_obj(obj)[2]
        materials = {each: write_material(stage, link, each, colours[each]) for each in used}
        write_link(stage, link, obj, materials)
    stage.GetRootLayer().Save()
