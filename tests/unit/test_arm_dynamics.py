"""The simulated arm answers its controller's reference without more acceleration than it asks."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.arm.dynamics import CYCLE_S, UrDynamics
from teletwin.robot.ur3e import HOME_Q, JointLimits

pytest.importorskip("mujoco")
LIMITS = JointLimits()


def hardest_turn() -> np.ndarray:
    """Positions [rad] of a motion that changes from the hardest acceleration to the hardest braking."""
    most, fade = LIMITS.acceleration[0], int(LIMITS.acceleration[0] / LIMITS.jerk[0] / CYCLE_S)
    up, turn = np.linspace(0.0, most, fade + 1), np.linspace(most, -most, 2 * fade + 1)
    flat = np.full(25, most)
    acceleration = np.concatenate([up, flat, turn, -flat, -up[::-1], np.zeros(60)])
    return np.cumsum(np.cumsum(acceleration)) * CYCLE_S**2


@pytest.mark.parametrize("joint", range(6))
def test_the_drives_add_nothing_to_the_hardest_braking(joint):
    """Without the torque of the arm's inertia fed forward they answered 40 rad/s^2 with 50."""
    dynamics = UrDynamics(scene="bare")
    dynamics.reset(HOME_Q)
    way, paths, before, before_qd = hardest_turn(), [], HOME_Q, np.zeros(6)
    for distance in way:
        reference = HOME_Q + distance * np.eye(6)[joint]
        qd = (reference - before) / CYCLE_S
        dynamics.world.drive(reference, qd, (qd - before_qd) / CYCLE_S)
        before, before_qd = reference, qd
        paths.append(dynamics.q.copy())
    measured = np.abs(np.diff(paths, n=2, axis=0)).max(axis=0) / CYCLE_S**2
    assert measured[joint] <= 1.005 * LIMITS.acceleration[joint]
    assert np.delete(measured, joint).max() < 1.0, "the other joints stand"
