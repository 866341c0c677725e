"""Isaac Sim's own motion policies behind `twin.MotionPolicy`: Lula's RmpFlow (5.1, 6.0), cuMotion's (6.0)."""

from __future__ import annotations

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin import MotionPolicy
from teletwin.twin.rmpflow import RmpFlowPolicy

POLICIES = ("rmpflow", "lula", "cumotion")
"""Ours, the same numbers everywhere; Isaac's Lula; Isaac 6.0's cuMotion."""
STOCK_POLICIES = ("lula", "cumotion")
"""Those that take no velocity of the target: they lag like the stock policy, and their path shall plan for it."""


def build_motion_policy(name: str, *, ur_base: Array | None = None, posture: Array = HOME_Q) -> MotionPolicy:
    """A policy of its own by name; two share nothing.

    Args:
        name: One of `POLICIES`.
        ur_base: Pose (7,) of the UR controller's base frame in the stage, identity when not given.
        posture: Joints (6,) [rad] to which the null space is drawn.

    Raises:
        ConfigError: The name is unknown.
        MissingPartError: This Isaac Sim has no such policy.
        RobotError: Isaac's description of the arm is not that of a UR3e.
    """
    if name == "rmpflow":
        return RmpFlowPolicy(posture=posture)
    if name == "lula":
        from teletwin.kit.motion.lula import LulaPolicy

        return LulaPolicy(ur_base=ur_base, posture=posture)
    if name == "cumotion":
        from teletwin.kit.motion.cumotion import CumotionPolicy

        return CumotionPolicy(ur_base=ur_base, posture=posture)
    raise ConfigError("unknown motion policy", given=name, allowed=", ".join(POLICIES))
