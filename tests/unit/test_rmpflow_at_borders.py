"""Hands that stand behind a border, orbit the base and pass singularities: policy and limits together, no network."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from teletwin.geometry import Array, quat_multiply, quat_normalize
from teletwin.robot import tool_pose_in_ur_base
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin import ToolTarget
from teletwin.twin.limits import CommandLimiter
from teletwin.twin.limits.limiter import LimitFlag
from teletwin.twin.rmpflow import RmpFlowPolicy

DT_S = 0.002
HOME = tool_pose_in_ur_base(HOME_Q)


class Ride:
    """What became of targets (k, 7): joints, speeds, flags, and what the policy said."""

    def __init__(self, targets: Array) -> None:
        policy, limiter = RmpFlowPolicy(), CommandLimiter()
        policy.reset(HOME_Q)
        limiter.reset(HOME_Q)
        velocity = np.gradient(targets[:, :3], DT_S, axis=0)
        self.q, self.qd, self.flags = np.zeros((len(targets), 6)), np.zeros((len(targets), 6)), []
        self.held_by = []
        for k, pose in enumerate(targets):
            target = ToolTarget(pose=pose, velocity=velocity[k], angular_velocity=np.zeros(3))
            q, qd = policy.step(target, DT_S)
            out = limiter.limit(q, DT_S, qd_desired=qd)
            self.q[k], self.qd[k] = out.q, out.qd
            self.flags.append(out.flags)
            self.held_by.append(policy.held_by)
        self.tool = tool_pose_in_ur_base(self.q)
        self.error_m = np.linalg.norm(self.tool[:, :3] - targets[:, :3], axis=1)

    def turns_a_second(self, part: slice) -> float:
        """Sign changes of the worst joint's speed a second, with both sides above 0.05 rad/s."""
        most, qd = 0, self.qd[part]
        for speed in qd.T:
            signs = np.sign(speed[np.abs(speed) > 0.05])
            most = max(most, int((np.diff(signs) != 0).sum()))
        return most / (len(qd) * DT_S)

    def limited_share(self, part: slice) -> float:
        """Share of ticks in which the limits kept a body off something."""
        return float(np.mean([flags & LimitFlag.CLEARANCE != 0 for flags in self.flags[part]]))


def line(start: Array, end: Array, *, speed_m_s: float) -> Array:
    """A smooth way between two poses (7,), as a hand goes it."""
    reach = max(float(np.linalg.norm(end[:3] - start[:3])), 0.2 * float(np.linalg.norm(end[3:] - start[3:])))
    count = max(int(1.875 * reach / speed_m_s / DT_S), 10)
    u = np.linspace(0, 1, count)[:, None]
    poses = start + (end - start) * (u**3 * (10 - 15 * u + 6 * u * u))
    poses[:, 3:] = quat_normalize(poses[:, 3:])
    return poses


def at(x: float, y: float, z: float, turn: tuple[float, ...] = (1, 0, 0, 0)) -> Array:
    return np.array([x, y, z, *quat_multiply(np.array(turn, dtype=float), HOME[3:])])


PLACES = {
    "in the table": at(-0.38, -0.13, -0.10),
    "under the table, aside": at(-0.30, 0.20, -0.15),
    "in the base": at(-0.03, -0.03, 0.05),
    "beyond the ball": at(-0.75, -0.20, 0.40),
    "above reach": at(-0.20, -0.10, 0.90),
    "near the shoulder": at(-0.05, -0.02, 0.20),
}
SAID = {
    "in the table": "to table",
    "under the table, aside": "to table",
    "in the base": "to",
    "beyond the ball": "workspace radius",
    "above reach": "workspace radius",
    "near the shoulder": "to upper arm",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_hand_behind_a_border_holds_the_arm_still_at_it_and_frees_it_on_its_return(place):
    out, back = line(HOME, PLACES[place], speed_m_s=0.5), line(PLACES[place], HOME, speed_m_s=0.5)
    ride = Ride(np.concatenate([out, np.repeat(out[-1:], 1500, 0), back, np.repeat(HOME[None], 750, 0)]))
    stand = slice(len(out) + 500, len(out) + 1500)
    assert ride.error_m[stand].min() > 0.05  # it is out of reach
    assert ride.turns_a_second(stand) <= 2.0
    assert ride.limited_share(slice(None)) < 0.01
    assert SAID[place] in ride.held_by[stand.stop - 1]
    assert ride.error_m[-500:].max() < 0.005  # 0.5 s after the hand stands at home again


def test_an_orbit_ends_at_joint_1s_end_says_so_and_comes_free_when_the_hand_turns_back():
    u = np.linspace(0, 1, 8000)
    out = 6.6 * u**3 * (10 - 15 * u + 6 * u * u)
    angle = np.concatenate([out, np.full(1000, 6.6), out[::-1], np.zeros(400)])
    radius, start = np.hypot(*HOME[:2]), np.arctan2(HOME[1], HOME[0])
    place = np.column_stack([radius * np.cos(start + angle), radius * np.sin(start + angle), 0 * angle + HOME[2]])
    turn = np.column_stack([np.cos(angle / 2), 0 * angle, 0 * angle, np.sin(angle / 2)])
    ride = Ride(np.column_stack([place, quat_multiply(turn, HOME[3:])]))
    stand = slice(8500, 9000)
    assert np.abs(ride.q[:, 0]).max() < 2 * np.pi
    assert "joint range" in ride.held_by[stand]
    assert abs(np.hypot(*ride.tool[stand, :2].T) - radius).max() < 0.12
    assert ride.turns_a_second(stand) <= 2.0
    assert ride.limited_share(slice(None)) < 0.01
    assert ride.error_m[-200:].max() < 0.005


def test_a_hand_that_crosses_over_the_base_and_comes_back_finds_the_arm_free():
    over = at(0.25, 0.20, 0.20)
    out, back = line(HOME, over, speed_m_s=0.4), line(over, HOME, speed_m_s=0.4)
    ride = Ride(np.concatenate([out, np.repeat(out[-1:], 1500, 0), back, np.repeat(HOME[None], 750, 0)]))
    assert ride.error_m[len(out) + 1400] < 0.005
    assert ride.error_m[-500:].max() < 0.005
    assert ride.limited_share(slice(None)) < 0.01


WAYS = {
    "the elbow straightens": [at(-0.55, -0.13, 0.30), at(-0.45, -0.20, 0.50), HOME],
    "along the ball": [at(-0.46, -0.14, 0.20), at(-0.20, -0.45, 0.20), at(0.20, -0.45, 0.30)],
    "over the base's axis": [at(-0.12, -0.05, 0.42), at(0.12, 0.02, 0.42)],
    "wrist 2 passes 0": [
        tool_pose_in_ur_base(np.array([0, -1.2, 1.4, -1.77, -0.1, 0.3])),
        tool_pose_in_ur_base(np.array([0.2, -1.4, 1.5, -1.57, 0.8, -0.4])),
    ],
}


@pytest.mark.parametrize("way", WAYS)
def test_singular_places_are_passed_without_bursts(way):
    stops = [HOME, *WAYS[way]]
    for k in range(1, len(stops)):
        if stops[k][3:] @ stops[k - 1][3:] < 0:
            stops[k] = np.concatenate([stops[k][:3], -stops[k][3:]])
    ways = [line(a, b, speed_m_s=0.2) for a, b in pairwise(stops)]
    ride = Ride(np.concatenate([*ways, np.repeat(stops[-1][None], 250, 0)]))
    assert np.abs(ride.qd).max() < 2.6
    assert np.abs(np.diff(ride.qd, axis=0)).max() / DT_S < 40.0
    assert ride.turns_a_second(slice(None)) <= 2.0
    assert float(np.mean([flags != 0 for flags in ride.flags])) < 0.01
    assert (np.sign(ride.q[:, 2]) == np.sign(HOME_Q[2])).all()  # the elbow does not flip
