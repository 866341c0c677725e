"""Arms that a simulator moves, in the training's loop."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from teletwin.errors import ConfigError, RobotError
from teletwin.robot.ur3e import HOME_Q
from teletwin.sim.lagged_batch import LaggedBatch, LaggedBatchCfg
from teletwin_training.horizon.actions import LATE_RULE
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.hands import HandBank, load_hands
from teletwin_training.horizon.loops import ARMS, LoopsCfg
from teletwin_training.horizon.probe import Run, constant, mean_squares, measure
from teletwin_training.horizon.sessions import SessionBank, draw_sessions

COUNT = 5


@cache
def material() -> tuple[HandBank, SessionBank]:
    return load_hands(["handwriting"]), draw_sessions(["jitter"], each=2, duration_s=13.0, seed=4)


def loops(arm: str, **given: Any) -> LoopsCfg:
    return LoopsCfg(arm=arm, causal=True, threads=1, **given)


def errors(cfg: LoopsCfg, *, stock: bool = False, slots: int = 400) -> np.ndarray:
    """Root mean square errors (4,) of the rule on handwriting."""
    runs = [Run(hand=0, session=number % 2, start=300 * number, stock=stock) for number in range(4)]
    return np.sqrt(mean_squares(measure(*material(), runs, constant(LATE_RULE), slots=slots, loops=cfg)).mean(axis=0))


def environment(arm: str, count: int = COUNT, **given: Any) -> HorizonEnv:
    cfg = EnvCfg(envs=count, episode_slots=120, settle_slots=20, seed=3)
    return HorizonEnv(*material(), cfg, loops=loops(arm, **given))


class Remembering(LaggedBatch):
    """A batch that follows at once and remembers what it was told."""

    def __init__(self, count: int, lag_s: float = 0.0) -> None:
        self.resets: list[list[int]] = []
        self.targets: list[np.ndarray] = []
        self.moving: list[float] = []
        super().__init__(count, LaggedBatchCfg(lag_s=lag_s, velocity=np.full(6, 100.0)))

    def reset(self, q: Any, rows: Any = None) -> None:
        self.resets.append([] if rows is None else rows.tolist())
        super().reset(q, rows)

    def step(self, q_target: Any, dt_s: float) -> None:
        assert dt_s == 0.002
        self.targets.append(q_target.copy())
        super().step(q_target, dt_s)


@pytest.mark.parametrize("stock", [False, True])
def test_an_arm_with_masses_errs_as_the_one_without_within_a_seventh(stock: bool) -> None:
    plain, simulated = errors(loops("rmpflow"), stock=stock), errors(loops("mujoco"), stock=stock)
    assert simulated[:2] == pytest.approx(plain[:2], rel=0.15)
    assert (simulated[:2] != plain[:2]).all()
    assert (simulated[2:] == plain[2:]).all()  # the shown arm is another one


def test_a_world_that_follows_at_once_is_the_arm_without_masses() -> None:
    plain, followed = environment("rmpflow"), environment("isaac", world=Remembering)
    plain.reset()
    followed.reset()
    for action in np.random.default_rng(0).uniform(-1.0, 1.0, (200, COUNT, 5)):
        rewards = plain.step(action)[1], followed.step(action)[1]
        assert rewards[0] == pytest.approx(rewards[1], rel=1e-6, abs=1e-12)


def test_episodes_of_single_environments_put_only_their_own_arms_back() -> None:
    env = environment("isaac", world=Remembering)
    world = env.loops._parts[0]._drives._world
    env.reset()
    assert world.resets[-1] == list(range(COUNT))
    ended = 0
    for _ in range(150):
        before, count = world.q.copy(), len(world.resets)
        done = env.step(np.zeros((COUNT, 5)))[2]
        assert world.resets[count:] == ([np.flatnonzero(done).tolist()] if done.any() else [])
        at_home = (world.q == HOME_Q).all(axis=1)
        assert at_home[done].all()
        assert not at_home[~done & (np.abs(before - HOME_Q).max(axis=1) > 1e-3)].any()
        ended += int(done.sum())
    assert ended >= COUNT
    assert len(world.targets) == 5 * 150


def test_mujoco_puts_back_single_arms_too_and_the_same_seed_gives_the_same_bytes() -> None:
    def run() -> bytes:
        env = environment("mujoco", 3)
        env.reset()
        rows = [env.step(action) for action in np.random.default_rng(1).uniform(-0.5, 0.5, (130, 3, 5))]
        assert sum(row[2].sum() for row in rows) >= 3
        assert np.isfinite([row[1] for row in rows]).all()
        return b"".join(row[0].tobytes() + row[1].tobytes() for row in rows)

    assert run() == run()


def test_arms_of_isaac_are_stepped_together_by_the_calling_thread() -> None:
    counts: list[int] = []

    def world(count: int) -> Remembering:
        counts.append(count)
        return Remembering(count)

    HorizonEnv(*material(), EnvCfg(envs=200), loops=LoopsCfg(arm="isaac", causal=True, threads=3, world=world))
    assert counts == [200]


def test_without_isaac_sim_one_line_names_the_script() -> None:
    with pytest.raises(ConfigError, match=r"Isaac Sim's own Python; run .*scripts/isaac_train\.py") as caught:
        LoopsCfg(arm="isaac", causal=True)
    assert len(str(caught.value).splitlines()) == 1


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ConfigError, match=", ".join(ARMS)):
        LoopsCfg(arm="gazebo")
    with pytest.raises(ConfigError, match="step together"):
        LoopsCfg(arm="mujoco")
    with pytest.raises(ConfigError, match="takes no world"):
        LoopsCfg(arm="lag", world=Remembering)
    with pytest.raises(ConfigError, match=r"given: joints of shape \(2, 6\); allowed: \(5, 6\)"):
        environment("isaac", world=lambda count: Remembering(2))


def test_arms_that_blow_up_are_named() -> None:
    class Lost(Remembering):
        def step(self, q_target: Any, dt_s: float) -> None:
            super().step(q_target, dt_s)
            self._q[3] = np.nan

    env = environment("isaac", world=Lost)
    env.reset()
    with pytest.raises(RobotError, match=r"not finite; given: arms \[3\]"):
        env.step(np.zeros((COUNT, 5)))
