"""A policy from the command line, end to end: trained small, exported, judged; and what is refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from teletwin.cli import main
from teletwin.horizon.policy_file import load_policy
from teletwin_training.horizon.hands import motion_of

pytestmark = pytest.mark.timeout(240)

SMALL = (
    *("--made-up", "line,handwriting", "--made-up-seeds", "1", "--made-up-s", "20", "--sessions", "4"),
    *("--session-s", "20", "--envs", "64", "--direct-updates", "150", "--epochs", "3"),
)
QUICK = ("--sim", "lag")
"""A third less to compute; the default is tried in test_joint_calibration."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert main(["train", "horizon", *SMALL, *QUICK, "--out", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_a_small_training_leaves_everything_that_a_run_is_judged_by(trained):
    policy = load_policy(trained / "policy.npz")
    assert (policy.observation, policy.action, policy.note["step"]) == ("rich", "late", "recorded")
    assert set(policy.note["baselines"]["fixed"]) >= {"fixed", "switching"}
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["person"] == "none"
    assert len(metrics["ppo"]) == 3
    assert metrics["scores"]["direct"][0] < 1.0, "the gradient should beat the rule on its own hands"
    assert metrics["scores"]["best"][0] <= metrics["scores"]["direct"][0]
    configuration = json.loads((trained / "configuration.json").read_text())
    assert configuration["configuration"]["env"]["envs"] == 64
    assert configuration["versions"]["rl_games"]
    assert (trained / "ppo" / "checkpoint.pth").is_file()
    assert list((trained / "ppo" / "summaries").iterdir())


@pytest.mark.slow
def test_the_small_policy_beats_no_prediction_on_a_hand_it_never_saw(trained, tmp_path):
    options = ["--policy", str(trained), "--made-up", "line", "--made-up-seeds", "1", "--made-up-s", "25"]
    options += [
        "--delays",
        "jitter,switching",
        "--arm",
        "lag",
        "--sessions",
        "1",
        "--slots",
        "1000",
        "--out",
        str(tmp_path),
    ]
    assert main(["evaluate", "horizon", *options]) == 0
    report = json.loads((tmp_path / "evaluation.json").read_text())["results"]
    errors = {(row["condition"], row["method"]): row["control_position_mm"] for row in report["errors"]}
    learned = next(name for name, label in report["labels"].items() if label.startswith("PPO"))
    for condition in ("jitter", "switching"):
        assert errors[condition, learned] < 0.5 * errors[condition, "none"]
    assert {bar["name"] for bar in report["bars"]} >= {"learned beside best fixed, smooth motion, lag fed forward"}
    assert (tmp_path / "evaluation.md").read_text().count("| smooth |") > 10
    assert (tmp_path / "errors_by_method.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_run_goes_on_where_it_ended_with_its_own_hands_and_normalisation(trained):
    before = json.loads((trained / "ppo" / "checkpoint.json").read_text())["epoch"]
    policy, metrics = load_policy(trained / "policy.npz"), json.loads((trained / "metrics.json").read_text())
    assert main(["train", "horizon", "--epochs", "2", "--resume", str(trained)]) == 0
    assert json.loads((trained / "ppo" / "checkpoint.json").read_text())["epoch"] == before + 2
    after, scores = load_policy(trained / "policy.npz"), json.loads((trained / "metrics.json").read_text())["scores"]
    np.testing.assert_array_equal(after.mean, policy.mean)
    np.testing.assert_array_equal(after.scale, policy.scale)
    assert after.note["hands"] == policy.note["hands"]
    assert scores["resumed"][0] == pytest.approx(metrics["scores"]["best"][0])
    assert scores["best"][0] <= scores["resumed"][0]


@pytest.mark.slow
def test_a_run_that_was_broken_off_goes_on_behind_the_same_normalisation(trained, tmp_path):
    policy = load_policy(trained / "policy.npz")
    broken = shutil.copytree(trained, tmp_path / "run")
    (broken / "policy.npz").unlink()
    assert main(["train", "horizon", "--epochs", "1", "--resume", str(broken)]) == 0
    after = load_policy(broken / "policy.npz")
    np.testing.assert_array_equal(after.mean, policy.mean)
    np.testing.assert_array_equal(after.scale, policy.scale)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["tables"], "given: tables; allowed: horizon"),
        (["horizon", "--step", "guess"], "given: guess; allowed: recorded, human"),
        (["horizon", "--recordings", "/nowhere"], "--recordings is no folder"),
        (["horizon", "--action", "wild"], "no action has this name"),
        (["horizon", "--condition", "storm"], "no such network condition"),
        (["horizon", "--sim", "isaac"], "scripts/isaac_train.py"),
        (["horizon", "--made-up", "none"], "there is no hand to learn from"),
        (["horizon", "--resume", "/nowhere"], "there is nothing to go on from"),
        (["horizon", "--session-s", "3"], "15 ... 600 s"),
    ],
)
def test_a_training_that_cannot_be_is_refused_with_one_line(options, said, capsys, tmp_path):
    given = options if options[0] != "horizon" else [*options, "--out", str(tmp_path / "run")]
    assert main(["train", *given]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_recordings_too_short_or_too_fast_are_refused_with_the_place(capsys, tmp_path):
    t = np.arange(200) * 0.01
    slow = "\n".join(f"{s:.3f} {0.1 * s:.5f} 0 0 0 0 0 1" for s in t)
    fast = "\n".join(f"{s:.3f} {50.0 * s:.5f} 0 0 0 0 0 1" for s in t)
    for name, text, said in (("short", slow, "at least 6 s"), ("metres", fast, "is the length unit right?")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.tum").write_text(text)
        options = ["--recordings", str(folder), "--made-up", "none", "--out", str(tmp_path / "run")]
        assert main(["train", "horizon", *options]) == 2
        told = capsys.readouterr().err
        assert said in told
        assert name in told


def test_an_evaluation_of_what_is_no_policy_is_refused(capsys, tmp_path):
    wrong = tmp_path / "wrong.npz"
    wrong.write_bytes(b"not a policy")
    for policy, said in ((str(wrong), "no horizon policy"), (str(tmp_path / "none.npz"), "the policy is not there")):
        assert main(["evaluate", "horizon", "--policy", policy, "--out", str(tmp_path / "e")]) == 2
        assert said in capsys.readouterr().err


def test_motions_are_told_by_how_names_begin():
    names = ("tum_fr1_xyz", "broad_000_02", "reach:seed=3", "jigsaws_suturing", "handwriting", "mine")
    assert [motion_of(name) for name in names] == ["smooth", "fast", "stop-and-go", "stop-and-go", "smooth", "other"]
