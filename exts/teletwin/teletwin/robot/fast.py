"""The tool's pose of one arm in a few microseconds, for limits and telemetry inside the control tick."""

from __future__ import annotations

import numpy as np

from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.canonical import canonical
from teletwin.robot.chain import SerialChain
from teletwin.robot.ur3e import TOOL_FRAME


class FastKinematics:
    """Compiled forward kinematics of one frame; poses are in the UR base, `base_link` turned by 180 degrees about z.

    For an arm that is not a UR give ur_base=False: poses are then in the URDF's root frame.
    """

    def __init__(self, chain: SerialChain, *, frame: str = TOOL_FRAME, ur_base: bool = True) -> None:
        from teletwin.warp_runtime import load_warp, record

        wp = load_warp()
        from teletwin.robot.warp_chain import chain_data, chain_types, tool_kernel

        types = chain_types(chain.joint_count, "float64")
        shape = canonical(chain)
        joint, offset, axes = shape.place(chain.frame(frame))
        if joint < 0:
            raise RobotError("the frame does not move", given=frame, allowed="a frame behind a c-space joint")
        base = np.diag([-1.0, -1.0, 1.0]) if ur_base else np.eye(3)
        self._q = np.zeros((1, chain.joint_count))
        self._pose = np.zeros((1, 7))
        inputs = [chain_data(types, shape, "cpu"), joint, types.vec3(offset), types.mat33(axes), types.mat33(base)]
        arrays = [wp.array(values, copy=False, device="cpu") for values in (self._q, self._pose)]
        kernel = tool_kernel(chain.joint_count, "float64")
        self._q_row, self._pose_row = self._q[0], self._pose[0]
        self._launch = record(kernel, dim=1, inputs=inputs, outputs=arrays, device="cpu").launch

    def tool(self, q: Array) -> Array:
        """Pose (7,) of the frame at joint positions q (n,) [rad or m]; w >= 0. A new array."""
        self._q_row[:] = q
        self._launch()
        return self._pose_row.copy()
