"""A training that cannot be is refused before anything is computed or written; a run goes on as it was trained."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from teletwin.cli import main
from teletwin.errors import ConfigError
from teletwin.horizon.policy_file import identity_policy, save_policy
from teletwin_training.allocation.learning import ppo_cfg
from teletwin_training.beforehand import check_device
from teletwin_training.cli.resuming import adopted, check_goes_on, resumed_run
from teletwin_training.cli.train import TrainOptions, recorded_cfg
from teletwin_training.horizon import step_recorded
from teletwin_training.horizon.fine_tuning import purpose_of
from teletwin_training.run_folder import open_run

TRAINED = TrainOptions(made_up="line", made_up_s=20.0, sessions=4, session_s=20.0, envs=64, seed=3)


@pytest.fixture
def run(tmp_path):
    """The folder of a run with TRAINED; its network is the rule's, its checkpoint a sidecar alone."""
    cfg = recorded_cfg(TRAINED)
    folder = open_run(tmp_path / "run", "horizon, step 1", cfg, cfg.seed)
    policy = identity_policy()
    save_policy(folder.policy_path, replace(policy, note={"hands": ["line:seed=0"]}))
    folder.ppo_path.mkdir()
    (folder.ppo_path / "checkpoint.pth").write_bytes(b"")
    facts = {"format": "teletwin-ppo-checkpoint", "version": 1, "purpose": asdict(purpose_of(cfg.env)), "epoch": 3}
    counts = [len(policy.mean), len(policy.layers[-1][1])]
    facts |= {"counts": counts, "cfg": {"hidden": list(cfg.ppo.hidden), "normalize_value": cfg.ppo.normalize_value}}
    (folder.ppo_path / "checkpoint.json").write_text(json.dumps(facts))
    return folder.path


@pytest.fixture
def idle(monkeypatch):
    """Fails the test where a training begins."""
    monkeypatch.setattr(step_recorded, "train_recorded", lambda *_, **__: pytest.fail("it began"))


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("command", ["horizon", "allocation"])
def test_a_folder_that_holds_a_training_is_refused_and_keeps_its_facts(command, run, capsys):
    before = (run / "configuration.json").read_bytes()
    assert main(["train", command, "--out", str(run)]) == 2
    assert "the folder of --out holds a training already" in capsys.readouterr().err
    assert (run / "configuration.json").read_bytes() == before


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("command", ["horizon", "allocation"])
def test_a_device_that_is_not_there_is_refused_in_one_line(command, tmp_path, capsys):
    assert main(["train", command, "--device", "cuda:77", "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert "--device is none of this machine's; given: cuda:77; allowed: cpu" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_device_with_a_typo_is_refused_and_the_cpu_is_not():
    check_device("cpu")
    with pytest.raises(ConfigError, match="given: gpu; allowed: cpu"):
        check_device("gpu")


@pytest.mark.parametrize("envs", [1, 7, 511, 512])
@pytest.mark.parametrize("steps", [1, 2, 50, 100, 101])
def test_any_number_of_cells_can_be_cut_into_updates(envs, steps):
    if steps * envs < 2:
        return
    size = ppo_cfg(envs=envs, epochs=1, seed=0, steps=steps).minibatch_size
    assert steps * envs % size == 0
    assert size >= 2
    assert size == (steps * envs // 8 if steps * envs % 8 == 0 and steps * envs >= 16 else size)


def test_a_run_goes_on_with_its_own_settings_where_none_are_given(run):
    resumed = resumed_run(str(run))
    options = adopted(TrainOptions(resume=str(run), epochs=7, device="cuda:0"), resumed)
    assert options == replace(TRAINED, resume=str(run), epochs=7, device="cuda:0")
    check_goes_on(recorded_cfg(options), resumed)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"made_up": "reach"}, r"another hands.made_up; given: reach; allowed: line"),
        ({"seed": 5}, r"another env.seed, seed; given: 5, 5; allowed: 3, 3"),
        ({"condition": "jitter", "sessions": 8}, r"another condition, sessions; given: jitter, 8; allowed: mixed, 4"),
        ({"paper_mode": True}, r"another env.observation, env.action, env.stock; given: paper, paper, True"),
    ],
)
def test_a_run_does_not_go_on_with_others(run, changes, words):
    resumed = resumed_run(str(run))
    with pytest.raises(ConfigError, match=words):
        check_goes_on(recorded_cfg(adopted(TrainOptions(resume=str(run), **changes), resumed)), resumed)


@pytest.mark.usefixtures("idle")
def test_a_run_that_does_not_go_on_keeps_its_facts(run, capsys):
    before = (run / "configuration.json").read_bytes()
    assert main(["train", "horizon", "--resume", str(run), "--seed", "5"]) == 2
    assert "the run was trained with another env.seed, seed" in capsys.readouterr().err
    assert (run / "configuration.json").read_bytes() == before


def test_a_folder_without_a_configuration_is_no_run(run):
    (run / "configuration.json").unlink()
    with pytest.raises(ConfigError, match=r"there is nothing to go on from: no configuration\.json"):
        resumed_run(str(run))


def test_a_run_that_was_broken_off_goes_on_without_a_kept_policy(run):
    (run / "policy.npz").unlink()
    resumed = resumed_run(str(run))
    assert resumed.policy is None
    check_goes_on(recorded_cfg(adopted(TrainOptions(resume=str(run)), resumed)), resumed)


def test_a_checkpoint_of_another_view_is_refused_before_the_training(run):
    path = run / "ppo" / "checkpoint.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "purpose": {**facts["purpose"], "action": "sender"}}))
    resumed = resumed_run(str(run))
    with pytest.raises(ConfigError, match="the checkpoint is of another action"):
        check_goes_on(recorded_cfg(adopted(TrainOptions(resume=str(run)), resumed)), resumed)


def test_going_on_begins_with_what_was_kept_behind_its_own_normalisation(run):
    policy = replace(identity_policy(), mean=np.full(len(identity_policy().mean), 0.25))
    begun = step_recorded._resumed(policy)
    np.testing.assert_array_equal(begun.mean, policy.mean)
    np.testing.assert_array_equal(begun.scale, policy.scale)
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(begun.weights.layers, policy.layers, strict=True))
    step_recorded._check_same_hands(["line:seed=0"], resumed_run(str(run)).policy)
    with pytest.raises(ConfigError, match="learned from other hands; given: mine; allowed: also line:seed=0"):
        step_recorded._check_same_hands(["mine"], resumed_run(str(run)).policy)
