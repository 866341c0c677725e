"""The horizon task as Isaac Lab steps it: the same loop as in our own environment, arms in another simulator."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from teletwin.assets import asset_path
from teletwin.errors import ConfigError
from teletwin.horizon.policy_file import load_policy
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.ground import make_ground
from teletwin_training.horizon.loops import LoopsCfg

torch = pytest.importorskip("torch")
gym = pytest.importorskip("gymnasium")
pytestmark = pytest.mark.usefixtures("isaac_lab")

TASK = "Teletwin-UR3e-Horizon-Direct-v0"
HANDS = ["line:seed=0,duration=12", "reach:seed=3,duration=12"]
ENVS, SLOTS, SETTLE = 3, 120, 40


def settings(**others: Any) -> Any:
    from isaaclab_tasks.utils import parse_env_cfg

    import isaaclab_teletwin  # noqa: F401

    cfg = parse_env_cfg(TASK, device="cpu", num_envs=ENVS)
    cfg.hands, cfg.sessions, cfg.seed = list(HANDS), 2, 5
    cfg.episode_length_s, cfg.settle_s = 0.01 * SLOTS, 0.01 * SETTLE
    for name, value in others.items():
        setattr(cfg, name, value)
    return cfg


@pytest.fixture
def made() -> Iterator[Any]:
    envs: list[Any] = []

    def make(**others: Any) -> Any:
        envs.append(gym.make(TASK, cfg=settings(**others)))
        return envs[-1].unwrapped

    yield make
    for env in envs:
        env.close()


def ours() -> HorizonEnv:
    names = {"condition": "mixed", "forecaster": "arma", "episode_slots": SLOTS, "seed": 0}
    ground = make_ground(HANDS, sessions=2, **names)
    cfg = EnvCfg(envs=ENVS, episode_slots=SLOTS, settle_slots=SETTLE, seed=5)
    loops = LoopsCfg(arm="mujoco", causal=True, threads=1)
    env = HorizonEnv(ground.hands, ground.sessions, cfg, loops=loops, tables=ground.tables)
    env.norm[:] = ground.norm
    return env


def normalised(seen: np.ndarray) -> np.ndarray:
    policy = load_policy(asset_path("policies", "default.npz"))
    return np.clip((seen - policy.mean) / policy.scale, -5.0, 5.0)


def test_it_is_our_environment_slot_by_slot(made: Any) -> None:
    """Observations, rewards, ends and the arm's errors, over whole episodes with a reset in each."""
    env, own = made(decimation=5, beside_rule=False), ours()
    rng = np.random.default_rng(0)
    seen, wanted = env.reset()[0]["policy"].numpy(), normalised(own.reset())
    for _ in range(SLOTS + 40):
        np.testing.assert_allclose(seen, wanted, atol=2e-4)
        action = rng.uniform(-1.2, 1.2, (ENVS, 5)).astype(np.float32)
        answer, reward, ended, timed_out, _ = env.step(torch.tensor(action))
        wanted, own_reward, done, _, _ = own.step(action)
        wanted, seen = normalised(wanted), answer["policy"].numpy()
        np.testing.assert_allclose(np.sqrt(env.errors.numpy()), np.sqrt(own.loops.errors), atol=2e-4)
        np.testing.assert_allclose(reward.numpy(), own_reward, rtol=0.02, atol=0.02)
        np.testing.assert_array_equal(timed_out.numpy(), done)
        assert not ended.any()


def test_an_action_lasts_its_slots_and_the_rule_is_taken_off(made: Any) -> None:
    env = made()
    env.reset()
    rewards = []
    for _ in range(SLOTS // 4 - 8):
        _, reward, *_, extras = env.step(torch.zeros(ENVS, 5))
        log = extras["log"]
        assert float(reward.mean()) == pytest.approx(float(log["reward"] - log["rule_reward"]), abs=1e-5)
        rewards.append((float(log["reward"]), float(log["rule_reward"])))
    off = [abs(own - rule) for own, rule in rewards[SETTLE // 4 :]]
    assert off[-1] < 0.1 * off[0]  # the arm has come from its home to where the rule's is


def test_the_same_seed_gives_the_same_numbers(made: Any) -> None:
    env = made()
    runs = []
    for _ in range(2):
        seen = env.reset(seed=9)[0]["policy"].clone()
        rewards = torch.stack([env.step(torch.full((ENVS, 5), 0.3))[1] for _ in range(5)])
        runs.append((seen, rewards))
    assert torch.equal(runs[0][0], runs[1][0])
    torch.testing.assert_close(runs[0][1], runs[1][1], rtol=1e-4, atol=1e-4)


def test_what_the_actions_mean_is_what_they_mean_in_training(made: Any) -> None:
    from teletwin.horizon.action import ActionLimits
    from teletwin_training.horizon.actions import horizon_rows

    actions = np.array([[2.0, -0.4, 0.7, 0.1, -3.0], [0.0] * 5, [np.nan, 0.2, -0.9, 1.0, 0.5]], dtype=np.float32)
    wanted = horizon_rows(actions.astype(np.float64), kind="late", limits=ActionLimits(), base=np.zeros((3, 4)))
    np.testing.assert_allclose(made()._look.horizons(torch.tensor(actions)).numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"decimation": 7}, {"decimation": 0}, {"episode_length_s": 60.0}])
def test_settings_that_do_not_fit_are_refused_before_anything_starts(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        gym.make(TASK, cfg=settings(**wrong))


def test_a_physics_that_takes_all_steps_at_once_is_refused(isaac_lab: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if isaac_lab:
        pytest.skip("of the stand-in")
    cfg = settings()
    monkeypatch.setattr("isaaclab.envs.DirectRLEnv.folds", True)
    with pytest.raises(ConfigError, match="implicit actuators"):
        gym.make(TASK, cfg=cfg)


def test_the_task_is_registered_with_an_agent_for_each_library() -> None:
    import isaaclab_teletwin

    kwargs = gym.spec(TASK).kwargs
    for library in ("rl_games", "skrl"):
        package, _, name = kwargs[f"{library}_cfg_entry_point"].partition(":")
        path = Path(isaaclab_teletwin.__file__).parents[1] / package.replace(".", "/") / name
        assert yaml.safe_load(path.read_text(encoding="utf-8"))
    module, _, name = kwargs["rsl_rl_cfg_entry_point"].partition(":")
    assert getattr(import_module(module), name)().num_steps_per_env == 32
    module, _, name = kwargs["env_cfg_entry_point"].partition(":")
    assert getattr(import_module(module), name)().observation_space == 41


def test_the_run_keeps_its_normalisation_for_the_export(made: Any, tmp_path: Path) -> None:
    from isaaclab_teletwin.tasks.horizon.normalization import kept_normalization

    made(log_dir=str(tmp_path / "run"))
    kept = kept_normalization(tmp_path / "run/nn/teletwin_horizon.pth")
    np.testing.assert_array_equal(kept.mean, load_policy(asset_path("policies", "default.npz")).mean)
    with pytest.raises(ConfigError, match="normalisation is missing"):
        kept_normalization(tmp_path / "elsewhere/nn/x.pth")
