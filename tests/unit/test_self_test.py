"""Kernels that compute something else are refused before anything moves."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from oracles.rmpflow import rmpflow

from teletwin.errors import RobotError
from teletwin.geometry import quat_to_matrix
from teletwin.robot import load_ur3e
from teletwin.session import build
from teletwin.session.config import SessionCfg
from teletwin.twin import self_test
from teletwin.twin.rmpflow import load_ur3e_rmpflow


@pytest.fixture(autouse=True)
def _test_anew():
    self_test.require_sound_kernels.cache_clear()
    yield
    self_test.require_sound_kernels.cache_clear()


def test_the_kernels_of_this_installation_are_sound():
    self_test.require_sound_kernels()


def test_the_known_acceleration_is_what_the_formulas_give_without_warp():
    goal = {
        "position": self_test.GOAL[:3],
        "rotation": quat_to_matrix(self_test.GOAL[3:]),
        "velocity": self_test.GOAL_VELOCITY,
        "angular_velocity": np.zeros(3),
    }
    ball = {"kind": "sphere", "center": self_test.OBSTACLE, "radius": self_test.OBSTACLE_RADIUS_M}
    robot, config = load_ur3e(), load_ur3e_rmpflow()
    goals = {robot.tool_frame: goal}
    a, _, _ = rmpflow(robot, config, self_test.Q, self_test.QD, goals=goals, obstacles=[ball])
    np.testing.assert_allclose(self_test.RMPFLOW_ACCELERATION, a, rtol=0, atol=1e-9)


@pytest.mark.parametrize("which", range(len(self_test.known_answers())))
@pytest.mark.parametrize("wrong", ["sign", "nan", "crash"])
def test_a_wrong_answer_keeps_every_path_and_arm_from_being_built(monkeypatch, which, wrong):
    answers = list(self_test.known_answers())

    def compute():
        if wrong == "crash":
            raise TypeError("all values given when constructing a vector must have the same type")
        return -answers[which].expected if wrong == "sign" else np.full_like(answers[which].expected, np.nan)

    planted = [*answers]
    planted[which] = dataclasses.replace(answers[which], compute=compute)
    monkeypatch.setattr(self_test, "known_answers", lambda: tuple(planted))
    for make in (
        lambda: build.build_path(SessionCfg(), "control"),
        lambda: build.build_arm_loop(SessionCfg(), clock=None, link=None, arm=None, ticks=None),  # type: ignore[arg-type]
    ):
        with pytest.raises(RobotError) as refusal:
            make()
        for word in ("warp-lang", answers[which].name, "nothing moves", "pip install warp-lang=="):
            assert word in str(refusal.value)
