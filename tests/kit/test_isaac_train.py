"""Training in Isaac Sim: cloned arms in the environment's loop, and the script that starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pxr")
from fake_motion import install_cloning
from fake_motion.cloned_api import STEP_SHARE

from teletwin.errors import ConfigError
from teletwin.robot.ur3e import HOME_Q
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.hands import load_hands
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.sessions import draw_sessions

ROOT = Path(__file__).resolve().parents[2]
COUNT, SLOTS = 6, 300


class AsTheStandIn:
    """What the stand-in's arms do in a step, in plain numpy."""

    def __init__(self, count):
        self.count, self.q, self.qd = count, np.tile(HOME_Q, (count, 1)), np.zeros((count, 6))

    def reset(self, q, rows=None):
        self.q[slice(None) if rows is None else rows] = q

    def step(self, q_target, dt_s):
        moved = STEP_SHARE * (q_target - self.q)
        self.q, self.qd = self.q + moved, moved / dt_s


@pytest.fixture(scope="module")
def material():
    return load_hands(["handwriting"]), draw_sessions(["jitter"], each=2, duration_s=13.0, seed=4)


@pytest.fixture(params=["5.1.0", "6.0.1"])
def cloned(request, monkeypatch):
    install_cloning(monkeypatch, request.param)
    from teletwin.kit.cloned import ClonedArmsCfg, build_cloned_arms

    return lambda count: build_cloned_arms(ClonedArmsCfg(count=count, device="cpu"))


def run(material, arm, world=None):
    """Squared control errors (2,) over the slots that count, and the episodes that ended."""
    cfg = EnvCfg(envs=COUNT, episode_slots=250, settle_slots=100, seed=2)
    env = HorizonEnv(*material, cfg, loops=LoopsCfg(arm=arm, causal=True, threads=1, world=world))
    env.reset()
    total, ended = np.zeros(2), 0
    for _ in range(SLOTS):
        counts = env._age >= cfg.settle_slots
        ended += int(env.step(np.zeros((COUNT, 5)))[2].sum())
        total += env.loops.errors[counts, :2].sum(axis=0)
    return np.sqrt(total), ended


def test_cloned_arms_do_in_the_loop_what_they_do_alone(material, cloned):
    (errors, ended), (wanted, _) = run(material, "isaac", cloned), run(material, "isaac", AsTheStandIn)
    assert errors == pytest.approx(wanted, rel=1e-3)  # PhysX takes and gives float32
    assert ended >= COUNT


def test_cloned_arms_err_as_the_arm_without_masses_within_a_seventh(material, cloned):
    errors, _ = run(material, "isaac", cloned)
    plain, _ = run(material, "rmpflow")
    assert errors == pytest.approx(plain, rel=0.15)  # the stand-in's drives are 4.7 ms late, nothing else
    assert errors != pytest.approx(plain, rel=1e-3)


# ------------------------------------------------------------------------------------------------ the script


class App:
    """Stands for SimulationApp."""

    made = None

    def __init__(self, launch_config=None, experience=""):
        self.config, self.experience, self.argv, self.is_closed = launch_config, experience, list(sys.argv), False
        type(self).made = self

    def close(self):
        self.is_closed = True


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    import isaac_train

    return isaac_train


@pytest.fixture
def isaac(monkeypatch, cloned):
    isaacsim = sys.modules["isaacsim"]
    monkeypatch.setattr(isaacsim, "SimulationApp", App, raising=False)
    return App


@pytest.fixture
def command(monkeypatch):
    """Stands for what `teletwin train horizon` does with its options."""
    from teletwin_training.cli import in_isaac

    told = SimpleNamespace(options=None, does=lambda world: 0)

    def run_recorded(options, *, world):
        told.options = options
        return told.does(world)

    monkeypatch.setattr(in_isaac, "run_recorded", run_recorded)
    return told


def test_the_script_trains_with_as_many_cloned_arms_as_there_are_environments(
    script, isaac, command, material, monkeypatch
):
    made = []

    def train(world):
        for _ in range(2):
            loops = LoopsCfg(arm=command.options.sim, causal=True, world=world)
            env = HorizonEnv(*material, EnvCfg(envs=3, episode_slots=200), loops=loops)
            env.reset()
            assert np.isfinite(env.step(np.zeros((3, 5)))[1]).all()
            made.append(env.loops._parts[0]._drives._world)
        return 0

    command.does = train
    monkeypatch.setattr(sys, "argv", ["isaac_train.py", "--out", "folder"])
    assert script.main(["--physics-device", "cpu", "--out", "folder", "--/app/quiet=1", "--seed", "4"]) == 0
    assert (command.options.out, command.options.seed, command.options.sim) == ("folder", 4, "isaac")
    assert (made[0].count, made[0]._cfg.device) == (3, "cpu")
    assert made[0] is made[1]  # arms stay in the stage: they are made once
    assert isaac.made.config["headless"]
    assert isaac.made.config["extra_args"] == ["--/app/quiet=1"]
    assert isaac.made.argv == ["isaac_train.py"]
    assert sys.argv == ["isaac_train.py", "--out", "folder"]
    assert isaac.made.is_closed


def test_a_refusal_is_one_line_and_closes_the_application(script, isaac, command, capsys):
    def refuse(world):
        raise ConfigError("no such hand", given="x")

    command.does = refuse
    assert script.main([]) == 2
    assert capsys.readouterr().err == "isaac_train: no such hand; given: x\n"
    assert isaac.made.is_closed


def test_what_is_not_installed_and_an_interruption_are_told_too(script, isaac, command, capsys):
    def lack(world):
        raise ModuleNotFoundError("no", name="rl_games")

    def interrupt(world):
        raise KeyboardInterrupt

    command.does = lack
    assert script.main([]) == 2
    assert capsys.readouterr().err == "isaac_train: rl_games is not installed here; docs/isaac.md tells how\n"
    command.does = interrupt
    assert script.main([]) == 130
    assert isaac.made.is_closed


def test_the_command_outside_isaac_sim_names_the_script_in_one_line(tmp_path, capsys):
    from teletwin.cli import main

    assert main(["train", "horizon", "--sim", "isaac", "--out", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "scripts/isaac_train.py" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.live
def test_another_python_is_told_in_one_line_how_to_run_it():
    done = subprocess.run([sys.executable, str(ROOT / "scripts/isaac_train.py")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "python.sh" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_packages_for_training_in_isaac_are_those_of_the_lock_and_replace_none_of_its_own():
    lines = (ROOT / "training/requirements-isaac.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert set(pins) <= set((ROOT / "scripts/requirements-train.txt").read_text(encoding="utf-8").splitlines())
    assert not {"numpy", "scipy", "warp-lang", "torch"} & {pin.partition("==")[0].lower() for pin in pins}
