"""The drives that everything shares are those that MuJoCo reads from the arm's own file."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.assets import asset_path
from teletwin.robot.drives import load_drives
from teletwin.robot.ur3e import JOINT_NAMES
from teletwin.robot.urdf import load_urdf


def test_the_drives_are_those_that_mujoco_reads():
    mujoco = pytest.importorskip("mujoco")
    model = mujoco.MjModel.from_xml_path(str(asset_path("robots", "ur3e", "ur3e.xml")))
    drives = load_drives()
    assert drives.stiffness == tuple(model.actuator_gainprm[:6, 0])
    assert drives.stiffness == tuple(-model.actuator_biasprm[:6, 1])
    assert drives.damping == tuple(model.actuator_gainprm[6:, 0])
    assert drives.armature == tuple(model.dof_armature)
    assert np.array_equal(np.outer(drives.effort, [-1.0, 1.0]), model.actuator_forcerange[:6])


def test_a_drive_is_as_strong_as_the_urdf_says():
    told = {joint.name: joint.effort for joint in load_urdf(asset_path("robots", "ur3e", "ur3e.urdf")).joints}
    assert load_drives().effort == tuple(told[name] for name in JOINT_NAMES)


def test_every_drive_is_well_damped_at_its_own_inertia():
    """Of motor and gear alone: what hangs on a joint makes it slower, not wilder."""
    drives = load_drives()
    for stiffness, damping, armature in zip(drives.stiffness, drives.damping, drives.armature, strict=True):
        assert damping / (2.0 * np.sqrt(stiffness * armature)) > 0.7
