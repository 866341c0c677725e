"""What makes a UR3e of PhysX behave as the embedded one does, whichever USD it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from teletwin.robot.drives import load_drives


def apply_drives(articulation: Any, index: Sequence[int]) -> None:
    """Give every arm the UR3e's drives, and take gravity from its links; call it when physics is ready.

    A UR compensates gravity. Isaac's own UR3e leaves it to the drives, which then hang: docs/isaac.md.

    Args:
        articulation: An `isaacsim.core.experimental.prims.Articulation` of one or more UR3e.
        index: Where the six joints stand among its degrees of freedom; others, a gripper's, keep their drives.
    """
    drives = load_drives()
    articulation.set_dof_gains([drives.stiffness], [drives.damping], dof_indices=index)
    articulation.set_dof_max_efforts([drives.effort], dof_indices=index)
    articulation.set_dof_armatures([drives.armature], dof_indices=index)
    articulation.set_link_enabled_gravities([[False]])
