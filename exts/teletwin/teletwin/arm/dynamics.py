"""The moving UR3e behind the virtual controller and the in-process arm: reference, drives, physics."""

from __future__ import annotations

from teletwin.arm.motion import JointMotion
from teletwin.geometry import Array
from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg

CYCLE_S = 0.002
"""Cycle of the controller [s]: 500 Hz, as on every e-Series arm."""
CYCLE_NS = 2_000_000


class UrDynamics:
    """A UR3e that moves in MuJoCo as its controller commands, 2 ms at a time; it knows no clock.

    It collides with itself and with what stands still in the scene; what can be pushed is the twin's alone.
    """

    def __init__(self, *, scene: str = "table") -> None:
        self.world = MujocoWorld(MujocoWorldCfg(scene=scene, timestep_s=CYCLE_S, movable=False))
        self.motion = JointMotion(cycle_s=CYCLE_S)
        self.step_count = 0

    def reset(self, q: Array) -> None:
        """Rest at q [rad] (6,)."""
        self.world.reset(q)
        self.motion.reset(q)

    def step(self) -> None:
        """Advance reference and physics by one cycle."""
        motion = self.motion
        motion.step()
        self.world.drive(motion.q, motion.qd, motion.qdd)
        self.step_count += 1

    @property
    def q(self) -> Array:
        """Actual joint positions [rad] (6,), a view."""
        return self.world.q

    @property
    def qd(self) -> Array:
        """Actual joint velocities [rad/s] (6,), a view."""
        return self.world.qd


class ReferenceDynamics:
    """The controller's reference itself, without masses and drives: the lag that training takes for an arm."""

    def __init__(self) -> None:
        self.motion = JointMotion(cycle_s=CYCLE_S)

    def reset(self, q: Array) -> None:
        """Rest at q [rad] (6,)."""
        self.motion.reset(q)

    def step(self) -> None:
        """Advance by one cycle."""
        self.motion.step()

    @property
    def q(self) -> Array:
        """Joint positions [rad] (6,), a view."""
        return self.motion.q

    @property
    def qd(self) -> Array:
        """Joint velocities [rad/s] (6,), a view."""
        return self.motion.qd
