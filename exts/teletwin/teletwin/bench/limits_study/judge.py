"""The judge: how far the arm's meshes are from each other and from what stands around, without the limits' capsules.

    judge = Judge(load_obstacles(asset_path("scenes", "table.xml")))
    judge.first_contact(qs)  # None, or Nearness(distance_m=0.0, index=412, pair="wrist 3 to upper arm")
    judge.smallest(qs)       # the closest approach of a trajectory (k, 6)

Meshes are the full ones of the picture. Links that are joined, one joint or none apart, are left out, and so is the
base against obstacles: it stands on them. So are, unless every pair is asked for, the pairs that the robot's bodies
file says never meet; a test proves that with every pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from teletwin.assets import asset_path
from teletwin.bench.limits_study.solids import (
    Place,
    Solid,
    bound,
    mesh_distance,
    meshes_touch,
    obstacle_distance,
    solid,
)
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.robot.bodies import are_joined
from teletwin.robot.chain import SerialChain
from teletwin.robot.containment import read_triangles
from teletwin.robot.kinematics import link_frames
from teletwin.robot.obstacles import Obstacle, Plane
from teletwin.robot.ur3e import load_ur3e

MESHES = {
    "base_link_inertia": "base",
    "shoulder_link": "shoulder",
    "upper_arm_link": "upper_arm",
    "forearm_link": "forearm",
    "wrist_1_link": "wrist_1",
    "wrist_2_link": "wrist_2",
    "wrist_3_link": "wrist_3",
}
"""OBJ file of every link."""
TABLE = Plane(name="table", normal=np.array([0.0, 0.0, 1.0]), offset=0.0)
"""What every arm stands on."""
_APART = 5
_AHEAD_M = 0.04
_UR_BASE = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Nearness:
    """Two things at their smallest distance."""

    distance_m: float
    """0 where they touch."""
    pair: str
    """"wrist 3 to upper arm", "forearm to table"."""
    index: int = 0
    """Row of the trajectory."""


class Judge:
    """Exact clearances of the UR3e's meshes at joint positions; obstacles in the UR base frame.

    A tool is a mesh more: triangles (t, 3, 3) [m] by the frame that carries it, tool0 for example.
    """

    def __init__(
        self,
        obstacles: Sequence[Obstacle] = (),
        *,
        tools: Mapping[str, Array] | None = None,
        every_pair: bool = False,
    ) -> None:
        robot = load_ur3e()
        self._chain = robot.chain
        folder = asset_path("robots", "ur3e", "meshes")
        meshes = {link: read_triangles(folder / f"{name}.obj") for link, name in MESHES.items()} | dict(tools or {})
        self._solids: dict[str, Solid] = {link: solid(triangles) for link, triangles in meshes.items()}
        self._reach = _reach(self._chain, meshes)
        self._names = {link: robot.bodies.name(link) for link in MESHES} | dict.fromkeys(tools or (), "tool")
        apart = [(b, a) for a, b in combinations(meshes, 2) if not are_joined(self._chain, a, b)]
        kept = {*robot.bodies.pairs}
        self._pairs = [pair for pair in apart if every_pair or pair in kept or pair[0] in (tools or ())]
        moving = [link for link in meshes if self._chain.frame(link).joint >= 0]
        self._against = [(link, obstacle) for obstacle in obstacles for link in moving]
        self.pairs = tuple(f"{self._names[b]} to {self._names[a]}" for b, a in self._pairs)
        self.pairs += tuple(f"{self._names[link]} to {obstacle.name}" for link, obstacle in self._against)

    def clearance(self, q: Array) -> Nearness:
        """The closest two things at joint positions q (6,) [rad]."""
        return self.smallest(np.asarray(q)[None])

    def smallest(self, qs: Array, *, pair: str | None = None, below_m: float = np.inf) -> Nearness:
        """The closest approach over joint positions qs (k, 6) [rad], of all pairs or of one.

        Nothing closer than below_m is looked for: without such, that is the distance, and the pair is empty.
        """
        frames = self._frames(qs)
        bounds = self._bounds(frames, pair)
        best = Nearness(distance_m=below_m, pair="")
        for place in np.argsort(bounds, axis=None):  # quick bounds tell which exact distances are worth asking for
            row, index = divmod(int(place), bounds.shape[1])
            if bounds[row, index] >= best.distance_m or best.distance_m == 0.0:
                break
            apart = self._distance(row, index, frames, below_m=best.distance_m)
            if apart < best.distance_m:
                best = Nearness(distance_m=apart, pair=self.pairs[row], index=index)
        return best

    def closest(self, qs: Array, *, below_m: float = np.inf) -> Nearness:
        """As `smallest` for the ticks qs (k, 6) [rad] of a motion, without a look where nothing can have come near.

        Between two ticks no distance changes by more than the joints turn, times what each of them reaches.
        """
        frames, best = self._frames(qs), Nearness(distance_m=below_m, pair="")
        gone = np.cumsum(np.abs(np.diff(qs, axis=0, prepend=qs[:1])) @ self._reach)
        looks = np.minimum(np.arange(len(qs)) // _APART * _APART + _APART // 2, len(qs) - 1)
        few = {link: (origin[looks[::_APART]], axes[looks[::_APART]]) for link, (origin, axes) in frames.items()}
        bounds = np.repeat(self._bounds(few, None), _APART, axis=1)[:, : len(qs)] - np.abs(gone - gone[looks])
        for row in range(len(bounds)):
            index = 0
            while index < len(qs):
                if bounds[row, index] >= best.distance_m:
                    near = np.flatnonzero(bounds[row, index:] < best.distance_m)
                    if not len(near):
                        break
                    index += int(near[0])
                apart = self._distance(row, index, frames, below_m=best.distance_m + _AHEAD_M)
                if apart < best.distance_m:
                    best = Nearness(distance_m=apart, pair=self.pairs[row], index=index)
                free = gone[index] + apart - best.distance_m
                index = max(index + 1, int(np.searchsorted(gone, free)) if np.isfinite(free) else 0)
        return best

    def first_contact(self, qs: Array, *, pair: str | None = None) -> Nearness | None:
        """The first of joint positions qs (k, 6) [rad] at which two things, or a pair, touch; else None."""
        frames = self._frames(qs)
        for index, row in np.argwhere(self._bounds(frames, pair).T <= 0.0).tolist():
            if self._touches(row, index, frames):
                return Nearness(distance_m=0.0, pair=self.pairs[row], index=index)
        return None

    def _frames(self, qs: Array) -> dict[str, tuple[Array, Array]]:
        """Origin (k, 3) and rotation (k, 3, 3) of every mesh, UR base frame."""
        frames = link_frames(self._chain, qs, list(self._solids))
        return {link: (origin @ _UR_BASE, _UR_BASE @ rotation) for link, (origin, rotation) in frames.items()}

    def _bounds(self, frames: dict[str, tuple[Array, Array]], pair: str | None) -> Array:
        """Lower bounds (pairs, k) [m] of the distances, from the balls that cover the meshes; infinite for other pairs.

        Raises:
            ConfigError: There is no such pair.
        """
        if pair is not None and pair not in self.pairs:
            raise ConfigError("no such pair is judged", given=pair, allowed=", ".join(self.pairs))
        balls = {
            link: self._solids[link].centers @ np.swapaxes(rotation, -1, -2) + origin[..., None, :]
            for link, (origin, rotation) in frames.items()
        }
        rows = [least_apart(balls[b], self._solids[b].radii, balls[a], self._solids[a].radii) for b, a in self._pairs]
        rows += [bound(balls[link], self._solids[link].radii, obstacle) for link, obstacle in self._against]
        bounds = np.stack(rows)
        bounds[[pair not in (None, name) for name in self.pairs]] = np.inf
        return bounds

    def _distance(self, row: int, index: int, frames: dict[str, Place], *, below_m: float = np.inf) -> float:
        if row < len(self._pairs):
            outer, inner = self._pairs[row]
            places = _place(frames, outer, index), _place(frames, inner, index)
            return mesh_distance(self._solids[outer], self._solids[inner], *places, below_m=below_m)
        link, obstacle = self._against[row - len(self._pairs)]
        return obstacle_distance(self._solids[link], _place(frames, link, index), obstacle)

    def _touches(self, row: int, index: int, frames: dict[str, Place]) -> bool:
        if row < len(self._pairs):
            outer, inner = self._pairs[row]
            places = _place(frames, outer, index), _place(frames, inner, index)
            return meshes_touch(self._solids[outer], self._solids[inner], *places)
        return self._distance(row, index, frames) <= 0.0


def _reach(chain: SerialChain, meshes: Mapping[str, Array]) -> Array:
    """How far (n,) [m] what each joint carries is from it at most, in any posture."""
    reach = np.zeros(chain.joint_count)
    for link, triangles in meshes.items():
        frame = chain.frame(link)
        if frame.joint >= 0:
            corners = triangles.reshape(-1, 3) @ frame.rotation.T + frame.translation
            reach[frame.joint] = max(reach[frame.joint], np.linalg.norm(corners, axis=1).max())
    for joint in reversed(chain.order):
        parent = chain.parents[joint]
        if parent >= 0:
            reach[parent] = max(reach[parent], np.linalg.norm(chain.translations[joint]) + reach[joint])
    return reach


def _place(frames: dict[str, Place], link: str, index: int) -> Place:
    return frames[link][0][index], frames[link][1][index]


def least_apart(first: Array, radii: Array, second: Array, others: Array) -> Array:
    """Least distance (k,) [m] between balls (k, m, 3) and balls (k, n, 3)."""
    square = (
        np.sum(first**2, axis=-1)[..., :, None]
        + np.sum(second**2, axis=-1)[..., None, :]
        - 2.0 * first @ np.swapaxes(second, -1, -2)
    )
    apart = np.sqrt(np.maximum(square, 0.0)) - radii[:, None] - others
    return apart.min(axis=(-1, -2)) - 1e-9
