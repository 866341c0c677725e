"""The clutch maps a hand in front of a screen to the tool in its workspace."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array, quat_conjugate, quat_from_matrix, quat_multiply, quat_normalize, quat_rotate
from teletwin.hand.workspace import Workspace

_AZIMUTH_GAIN = 3.0
"""How much further than the hand the tool may slide around the base column while the hand crosses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClutchCfg:
    """Mapping of the hand."""

    scale: float = 1.0
    """Metres of the tool per metre of the hand."""
    rotation_scale: float = 1.0
    """1: the tool turns as the hand does; 0: it keeps its orientation."""
    hand_to_base: tuple[float, float, float, float] | None = None
    """Rotation wxyz of the hand's axes (x right, y up, z towards the viewer) into the UR base frame.

    None: the viewer stands before the arm, facing its base; up is up.
    """

    def __post_init__(self) -> None:
        if not 0.0 < self.scale <= 10.0:
            raise ConfigError("the clutch's scale is out of range", given=self.scale, allowed="above 0, up to 10")
        if self.rotation_scale not in (0.0, 1.0):
            raise ConfigError("the clutch's rotation scale is out of range", given=self.rotation_scale, allowed="0, 1")
        if self.hand_to_base is not None and not abs(math.hypot(*self.hand_to_base) - 1.0) < 1e-3:
            raise ConfigError("hand_to_base is no rotation", given=self.hand_to_base, allowed="a unit quaternion wxyz")


class Clutch:
    """While closed the tool follows the hand's motion since it closed; open, the hand moves and the tool stays.

    Closing again takes hand and tool as they are then (re-indexing), so nothing jumps. The tool's place is
    the projection of the wanted one on the workspace. A tool step is at most `12 * scale` hand steps, and
    that much only beside the base column; elsewhere it is at most `scale`.
    """

    def __init__(self, cfg: ClutchCfg | None = None, *, tool_pose: Array, workspace: Workspace | None = None) -> None:
        self._cfg = cfg or ClutchCfg()
        self._workspace = workspace or Workspace()
        frame = self._cfg.hand_to_base
        self._frame = _viewer_before(tool_pose) if frame is None else quat_normalize(np.array(frame))
        self._closed = False
        self.recentre(tool_pose)

    @property
    def closed(self) -> bool:
        """Whether the tool follows the hand."""
        return self._closed

    @property
    def tool_pose(self) -> Array:
        """Where the tool shall be (7,); read-only."""
        return self._tool

    def recentre(self, tool_pose: Array) -> None:
        """Put the tool at this pose (7,), projected on the workspace; the hand is re-indexed at its next input."""
        x, y, z = tool_pose[:3].tolist()
        self._azimuth = math.atan2(y, x)
        rho, height = self._workspace.nearest(math.hypot(x, y), z)
        self._set_tool(rho, height, quat_normalize(tool_pose[3:]))
        self._closed = False

    def update(self, hand_pose: Array, *, closed: bool) -> Array:
        """Take the hand's pose (7,) in its own frame; return the tool's pose (7,), read-only.

        The pose must be valid: who feeds the clutch refuses and counts others.
        """
        if not closed:
            self._closed = False
            return self._tool
        if not self._closed:
            self._closed = True
            self._hand_anchor = np.array(hand_pose, dtype=np.float64)
            self._tool_anchor = self._wanted = self._tool
            return self._tool
        moved = quat_rotate(self._frame, hand_pose[:3] - self._hand_anchor[:3])
        wanted = self._tool_anchor[:3] + self._cfg.scale * moved
        self._follow(wanted, self._turned(hand_pose))
        return self._tool

    def _turned(self, hand_pose: Array) -> Array:
        """Orientation (4,) of the tool: the hand's turn since the anchor, in base axes, on the anchor's."""
        if self._cfg.rotation_scale == 0.0:
            return self._tool_anchor[3:]
        turn = quat_multiply(hand_pose[3:], quat_conjugate(self._hand_anchor[3:]))
        in_base = quat_multiply(quat_multiply(self._frame, turn), quat_conjugate(self._frame))
        return quat_normalize(quat_multiply(in_base, self._tool_anchor[3:]))

    def _follow(self, wanted: Array, quat: Array) -> None:
        """Project the wanted position; the azimuth slides where the hand crosses the base column."""
        step = float(np.linalg.norm(wanted - self._wanted[:3]))
        self._wanted = wanted
        x, y, z = wanted.tolist()
        rho = math.hypot(x, y)
        if rho > 1e-9:
            turn = math.remainder(math.atan2(y, x) - self._azimuth, 2.0 * math.pi)
            most = _AZIMUTH_GAIN * step / self._workspace.column_radius
            self._azimuth += min(max(turn, -most), most)
        self._set_tool(*self._workspace.nearest(rho, z), quat)

    def _set_tool(self, rho: float, z: float, quat: Array) -> None:
        tool = np.array([rho * math.cos(self._azimuth), rho * math.sin(self._azimuth), z, *quat.tolist()])
        tool.setflags(write=False)
        self._tool = tool


def _viewer_before(tool_pose: Array) -> Array:
    """Axes (4,) of a viewer who stands beyond the tool and faces the base."""
    x, y = tool_pose[:2].tolist()
    length = math.hypot(x, y)
    towards = np.array([x / length, y / length, 0.0]) if length > 1e-9 else np.array([1.0, 0.0, 0.0])
    up = np.array([0.0, 0.0, 1.0])
    return quat_from_matrix(np.stack([np.cross(up, towards), up, towards], axis=1))
