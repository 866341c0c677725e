"""What weighs on the joints of an articulation, by the masses that its USD has; drives hang below targets by it."""

from __future__ import annotations

from typing import Any

import numpy as np
from pxr import Usd, UsdPhysics  # noqa: TID253

from teletwin.geometry import quat_to_matrix
from teletwin.robot import forward, jacobian, load_ur3e
from teletwin.robot.ur3e import JOINT_NAMES

G_M_S2 = np.array([0.0, 0.0, -9.81])


class Weight:
    """The links below a prim: gravity is on for each as the USD says, until somebody says otherwise."""

    def __init__(self, root: Any) -> None:
        bodies = [prim for prim in Usd.PrimRange(root) if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
        self.link_names = [prim.GetName() for prim in bodies]
        self.is_on = np.array([not prim.GetAttribute("physxRigidBody:disableGravity").Get() for prim in bodies])
        mass = [UsdPhysics.MassAPI(prim) for prim in bodies]
        self._pulls = [(each.GetMassAttr().Get() or 0.0) * G_M_S2 for each in mass]
        self._centers = [np.array(each.GetCenterOfMassAttr().Get() or (0.0, 0.0, 0.0)) for each in mass]

    def torques(self, joint_names: list[str], q: np.ndarray) -> np.ndarray:
        """On each joint [N m] at q [rad]; of the UR3e's links, the only ones whose places are known."""
        out, chain = np.zeros(len(joint_names)), load_ur3e().chain
        if not self.is_on.any():
            return out
        index = [joint_names.index(name) for name in JOINT_NAMES]
        for name, pull, center, is_on in zip(self.link_names, self._pulls, self._centers, self.is_on, strict=True):
            if is_on:
                moves = jacobian(chain, q[index], name)
                arm = quat_to_matrix(forward(chain, q[index], name)[3:]) @ center
                out[index] += (moves[:3] + np.cross(moves[3:], arm, axis=0)).T @ pull
        return out


def authored_gains(root: Any) -> tuple[np.ndarray, np.ndarray]:
    """Stiffness [N m/rad] and damping [N m s/rad] of each revolute joint's drive below a prim."""
    joints = [prim for prim in Usd.PrimRange(root) if prim.IsA(UsdPhysics.RevoluteJoint)]
    drives = [UsdPhysics.DriveAPI(prim, "angular") for prim in joints]
    per_degree = [(each.GetStiffnessAttr().Get() or 0.0, each.GetDampingAttr().Get() or 0.0) for each in drives]
    stiffness, damping = np.degrees(per_degree).T if per_degree else np.zeros((2, 0))
    return stiffness, damping
