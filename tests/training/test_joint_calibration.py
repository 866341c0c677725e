"""Calibration in joint space: what turning the wrist ahead does to the tool is seen, and is paid for."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from teletwin.horizon.action import ActionLimits
from teletwin_training.cli.train import TrainOptions, recorded_cfg
from teletwin_training.horizon import joint_start
from teletwin_training.horizon.actions import horizon_rows
from teletwin_training.horizon.baselines import find_baselines
from teletwin_training.horizon.direct import DirectResult
from teletwin_training.horizon.fine_tuning import Watcher
from teletwin_training.horizon.hands import load_hands
from teletwin_training.horizon.joint_start import SHIFTS, calibrated
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.refining import refine
from teletwin_training.horizon.score import Score
from teletwin_training.horizon.step_recorded import loops_of, train_recorded
from teletwin_training.ppo import Weights
from teletwin_training.run_folder import open_run

START = np.array([0.15, 0.14, 0.15, 0.15])


def coupled(price):
    """A judge whose position pays for the orientation's horizon, as an arm's joints make it."""

    def judge(rows):
        position = 0.3 + (rows[:, 0] - 0.16) ** 2 / 0.02 + price * rows[:, 2]
        turn = 0.4 + (rows[:, 2] - 0.15) ** 2 / 0.1
        return np.stack([position, turn, np.ones(len(rows)), np.ones(len(rows))], axis=1)[None]

    return judge


def test_a_wrist_that_moves_the_tool_is_turned_less_far_ahead():
    apart, together = (refine(START, coupled(price), np.ones(1), least_s=0.0) for price in (0.0, 2.0))
    assert apart == pytest.approx([0.16, 0.14, 0.15, 0.15])
    assert together[2] < 0.05
    assert together[[1, 3]] == pytest.approx(START[[1, 3]])


def test_no_horizon_is_shorter_than_what_it_may_be():
    found = refine(np.array([0.01, 0.0, 0.02, 0.0]), coupled(9.0), np.ones(1), least_s=0.0)
    assert found.min() == 0.0


def test_the_gradient_s_policy_is_shifted_where_that_pays_and_else_left_alone():
    layers = ((np.zeros((2, 5)), np.zeros(5)),)
    direct = DirectResult(weights=Weights(layers=layers, log_sigma=np.zeros(5)), mean=np.zeros(2), scale=np.ones(2))

    class Judging:
        def __init__(self, best):
            self.best = best

        def judge(self, weights, mean, scale):
            return abs(weights.layers[-1][1][joint_start.TURN_ACTION] - self.best), []

    as_it_is, less = (cast("Score", Judging(best)) for best in (0.0, SHIFTS[0]))
    assert calibrated(direct, as_it_is) is direct
    shifted = calibrated(direct, less).weights.layers[-1][1]
    limits = ActionLimits()
    rows = horizon_rows(shifted[None], kind="late", limits=limits, base=np.zeros((1, 4)))[0]
    assert rows[2] == pytest.approx(SHIFTS[0] * limits.orientation_correction_s)
    assert rows[[0, 1, 3]] == pytest.approx(0.0)


def test_training_is_in_joint_space_unless_a_lag_is_asked_for():
    assert recorded_cfg(TrainOptions()).arm == "rmpflow"
    loops = loops_of(recorded_cfg(TrainOptions()))
    assert loops is not None
    assert (loops.arm, loops.causal) == ("rmpflow", True)
    assert loops_of(recorded_cfg(TrainOptions(sim="lag"))) is None


class Unheard:
    """Watches a training and says nothing."""

    def __getattr__(self, name):
        return lambda *_: False


@pytest.mark.slow
def test_what_is_taught_by_default_is_scored_and_calibrated_in_joint_space(tmp_path):
    pytest.importorskip("rl_games")
    options = TrainOptions(made_up="pair", made_up_seeds=1, made_up_s=16.0, sessions=2, session_s=16.0, envs=16)
    cfg = recorded_cfg(replace(options, direct_updates=20, epochs=1))
    watcher = cast("Watcher", Unheard())
    taught = train_recorded(cfg, open_run(tmp_path, "a test", cfg, 0), watcher, baselines=False)
    scores = {stage: score for stage, (score, _) in taught.scores.items()}
    assert list(scores) == ["no_prediction", "feed_forward", "direct", "joint", "ppo", "best"]
    assert scores["best"] <= scores["joint"] <= scores["direct"]
    assert scores["no_prediction"] > scores["feed_forward"]


@pytest.mark.slow
def test_baselines_found_in_joint_space_turn_the_wrist_of_tool_users_no_further_ahead():
    hands = load_hands(["screws:seed=12,duration=16,rate=100"])
    lag, joint = (
        find_baselines(hands, stock=False, seed=3, conditions=("jitter",), loops=loops)
        for loops in (None, LoopsCfg(arm="rmpflow", causal=True))
    )
    turns = [
        (found.fixed["jitter"][2], found.late_offsets[2], found.sender_offsets["1.0"][2]) for found in (joint, lag)
    ]
    assert all(mine <= other for mine, other in zip(*turns, strict=True))
    assert joint.fixed["jitter"][1] == lag.fixed["jitter"][1]
