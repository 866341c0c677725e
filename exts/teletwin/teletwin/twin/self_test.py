"""Known answers that the compiled kernels must give before anything may move an arm.

Another version of warp may compile a kernel to something else without a word: under 1.13 a limit came out with
the wrong sign. So every start computes a few known cases and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.fast import FastKinematics
from teletwin.robot.ur3e import load_ur3e, tool_pose_in_ur_base
from teletwin.twin.limits.known_case import LIMITED_JOINTS, limited_joints
from teletwin.twin.rmpflow import RmpFlow, load_ur3e_rmpflow
from teletwin.warp_runtime import TESTED_VERSIONS, load_warp

_MEND = (
    f"nothing moves; use a tested warp ({', '.join(TESTED_VERSIONS)}): pip install warp-lang=={TESTED_VERSIONS[-1]}, "
    "or the Isaac Sim that brings one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """One case: what is computed, by what, and what must come out."""

    name: str
    """What is computed, with its unit."""
    compute: Callable[[], Array]
    expected: Array
    tolerance: float = 1e-9
    """Largest difference allowed, in the same unit."""


Q = np.array([0.3, -1.4, 1.2, -1.1, -1.5, 0.4])
"""Joints (6,) [rad] of the known cases, an arm in mid-air."""
QD = np.array([0.2, -0.1, 0.15, 0.05, -0.2, 0.1])
"""Their speeds (6,) [rad/s]."""
GOAL = np.array([0.26, 0.23, 0.31, 0.1, 0.7, -0.7, -0.1])
"""Pose (7,) of RMPflow's target in the root frame."""
GOAL_VELOCITY = np.array([0.02, -0.03, 0.01])
"""Its velocity (3,) [m/s]."""
OBSTACLE, OBSTACLE_RADIUS_M = np.array([0.3, 0.3, 0.45]), 0.08
"""Center (3,) [m] and radius of a ball near the arm, in the root frame."""
RMPFLOW_ACCELERATION = np.array(
    [
        -43.578318671530084,
        -3.1025898677854933,
        22.502886890653087,
        9.125867156997145,
        0.8883372085960873,
        -0.026962742677920648,
    ]
)
"""What the formulas give for these [rad/s^2]; the unit tests compute it without warp."""


def rmpflow_acceleration() -> Array:
    """RMPflow's joint acceleration (6,) [rad/s^2] in the known case."""
    flow = RmpFlow(load_ur3e(), load_ur3e_rmpflow())
    flow.set_target(GOAL, velocity=GOAL_VELOCITY)
    flow.obstacles.add_sphere(OBSTACLE, OBSTACLE_RADIUS_M)
    return flow.evaluate(Q, QD)


def known_answers() -> tuple[KnownAnswer, ...]:
    """Every case; a stage whose kernel moves the arm adds its own here."""
    return (
        KnownAnswer(
            name="the tool's pose [m, quaternion]",
            compute=lambda: FastKinematics(load_ur3e().chain).tool(Q),
            expected=tool_pose_in_ur_base(Q),
        ),
        KnownAnswer(
            name="RMPflow's joint acceleration [rad/s^2]",
            compute=rmpflow_acceleration,
            expected=RMPFLOW_ACCELERATION,
            tolerance=1e-6,
        ),
        KnownAnswer(
            name="joints held back by the limits [rad], and by which",
            compute=limited_joints,
            expected=LIMITED_JOINTS,
            tolerance=1e-6,
        ),
    )


def require_known_answers(answers: Sequence[KnownAnswer]) -> None:
    """Compute every case.

    Raises:
        RobotError: One comes out differently, or cannot be compiled.
    """
    warp = f"warp-lang {load_warp().__version__}"
    for answer in answers:
        try:
            found = answer.compute()
        except Exception as error:  # warp raises errors of many kinds
            raise RobotError(f"{warp} cannot compute {answer.name}", given=repr(error), mend=_MEND) from error
        if not np.allclose(found, answer.expected, rtol=0.0, atol=answer.tolerance):  # nor when it is not a number
            found_row, expected_row = _worst_rows(found, answer.expected)
            raise RobotError(
                f"{warp} computes {answer.name} wrongly",
                given=_numbers(found_row),
                allowed=f"{_numbers(expected_row)} within {answer.tolerance:g}",
                mend=_MEND,
            )


@cache
def require_sound_kernels() -> None:
    """Refuse, once per process, to go on with kernels that compute something else.

    Raises:
        RobotError: They do, or cannot be compiled.
    """
    require_known_answers(known_answers())


def _worst_rows(found: Array, expected: Array) -> tuple[Array, Array]:
    """The row that is furthest off, and what it should be: one line tells enough."""
    rows = np.atleast_2d(found), np.atleast_2d(expected)
    if rows[0].shape != rows[1].shape:
        return np.ravel(found), np.ravel(expected)
    worst = int(np.argmax(np.nan_to_num(np.abs(rows[0] - rows[1]), nan=np.inf).max(axis=1)))
    return rows[0][worst], rows[1][worst]


def _numbers(values: Array) -> str:
    return np.array2string(values, precision=6, separator=", ", max_line_width=10_000)
