from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import Bandit

from teletwin.errors import ConfigError


def face_of(env: Any, **given: Any) -> Any:
    from teletwin_training.ppo.face import VectorFace

    return VectorFace(env, device="cpu", **given)


class TorchBandit(Bandit):
    """The same in torch; it is given torch."""

    def reset(self) -> Any:
        import torch

        return torch.from_numpy(super().reset())

    def step(self, actions: Any) -> tuple[Any, ...]:
        import torch

        observations, reward, done, _, info = super().step(actions.numpy())
        self.arrays = observations, reward.astype(np.float32), done, np.arange(self.count) == 1
        return *(torch.from_numpy(each) for each in self.arrays), info


def test_observations_are_normalised_and_clipped() -> None:
    env = Bandit(count=4)
    face = face_of(env, mean=np.array([0.5, 0.0]), scale=np.array([0.1, 100.0]))
    seen = face.reset()["obs"].numpy()
    wanted = np.clip((env.observations - [0.5, 0.0]) / [0.1, 100.0], -5.0, 5.0)
    assert np.allclose(seen, wanted, atol=1e-5)
    assert np.abs(seen[:, 0]).max() == 5.0


def test_what_is_handed_over_stays_when_the_environment_fills_its_arrays_again() -> None:
    import torch

    env = TorchBandit(count=4)
    face = face_of(env)
    face.reset()
    seen, rewards, done, info = face.step(torch.zeros(4, 2))
    handed = [seen["obs"], rewards, done, info["time_outs"]]
    before = [each.clone() for each in handed]
    for array in env.arrays:
        array[:] = 1
    assert all(torch.equal(one, other) for one, other in zip(handed, before, strict=True))


def test_ends_by_time_are_told_apart() -> None:
    import torch

    face = face_of(TorchBandit(count=3))
    face.reset()
    *_, done, info = face.step(torch.zeros(3, 2))
    assert done.tolist() == [False] * 3
    assert info["time_outs"].tolist() == [False, True, False]


def test_figures_are_averaged_over_an_epoch() -> None:
    import torch

    face = face_of(Bandit(count=3))
    face.reset()
    rewards = [face.step(torch.zeros(3, 2))[1].mean().item() for _ in range(4)]
    means = face.take_means()
    assert means == pytest.approx({"reward": np.mean(rewards), "error": -np.mean(rewards), "step": 1.0})
    assert face.take_means() == {}


def test_what_has_more_dimensions_than_a_figure_is_not_averaged() -> None:
    import torch

    env = Bandit(count=3)
    step = env.step
    env.step = lambda actions: (*step(actions)[:4], {"final_observation": np.zeros((3, 2)), "figure": np.ones(3)})
    face = face_of(env)
    face.reset()
    face.step(torch.zeros(3, 2))
    assert set(face.take_means()) == {"reward", "figure"}


def test_what_does_not_fit_is_refused() -> None:
    env = Bandit(count=3)
    with pytest.raises(ConfigError, match="mean and scale do not fit"):
        face_of(env, mean=np.zeros(3), scale=np.ones(3))
    with pytest.raises(ConfigError, match=r"smallest scale 0\.0"):
        face_of(env, mean=np.zeros(2), scale=np.zeros(2))
    observed = env.reset()
    env.reset = lambda: observed
    env.observation_count = 5
    face = face_of(env)
    with pytest.raises(ConfigError, match=r"another shape than it says; given: \(3, 2\); allowed: \(3, 5\)"):
        face.reset()
