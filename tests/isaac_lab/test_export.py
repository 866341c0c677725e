"""A checkpoint of Isaac Lab's rl_games becomes a policy that the live loop runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.horizon.actor import Actor
from teletwin.horizon.policy_file import load_policy

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("isaac_lab")


def checkpoint(folder: Path, *, prefix: str = "", drop: str = "") -> Path:
    """As rl_games writes it: whole state, the best reward so far as one of numpy's numbers."""
    from isaaclab_teletwin.tasks.horizon.normalization import keep_normalization, shipped_normalization

    keep_normalization(str(folder), shipped_normalization())
    generator = torch.Generator().manual_seed(1)
    sizes = {"actor_mlp.0": (64, 41), "actor_mlp.2": (64, 64), "mu": (5, 64), "critic_mlp.0": (64, 41)}
    model: dict[str, Any] = {"a2c_network.sigma": torch.zeros(5)}
    for name, shape in sizes.items():
        model[f"a2c_network.{name}.weight"] = 0.1 * torch.randn(shape, generator=generator)
        model[f"a2c_network.{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    model = {prefix + name: tensor for name, tensor in model.items() if drop not in name or not drop}
    path = folder / "nn/teletwin_horizon.pth"
    path.parent.mkdir(parents=True)
    torch.save({"model": model, "epoch": 3, "last_mean_rewards": np.float32(-1.0), "frame": 9}, path)
    return path


def acts(path: Path, seen: np.ndarray) -> np.ndarray:
    """What rl_games' network says of normalised observations."""
    state = {name.removeprefix("a2c_network."): t for name, t in torch.load(path, weights_only=False)["model"].items()}
    values = torch.tensor(seen, dtype=torch.float32)
    for name in ("actor_mlp.0", "actor_mlp.2"):
        values = torch.nn.functional.elu(values @ state[f"{name}.weight"].T + state[f"{name}.bias"])
    return (values @ state["mu.weight"].T + state["mu.bias"]).clamp(-1.0, 1.0).numpy()


def test_the_policy_acts_as_the_network_did(tmp_path: Path) -> None:
    from isaaclab_teletwin.export import export_policy

    path = checkpoint(tmp_path / "run")
    export_policy(path, tmp_path / "policy.npz")
    policy = load_policy(tmp_path / "policy.npz")
    seen = np.random.default_rng(0).normal(policy.mean, policy.scale, (20, 41))
    normalised = np.clip((seen - policy.mean) / policy.scale, -5.0, 5.0)
    assert policy.action == "late"
    actor = Actor(policy)
    np.testing.assert_allclose([actor.act(each).copy() for each in seen], acts(path, normalised), atol=1e-5)


def test_a_compiled_network_is_exported_too(tmp_path: Path) -> None:
    from isaaclab_teletwin.export import export_policy

    assert len(export_policy(checkpoint(tmp_path / "run", prefix="_orig_mod."), tmp_path / "policy.npz").layers) == 3


def test_another_network_or_file_is_refused_in_one_line(tmp_path: Path) -> None:
    from isaaclab_teletwin.export import export_policy

    shared = checkpoint(tmp_path / "shared", drop="actor_mlp")
    with pytest.raises(ConfigError, match=r"do not fit|no actor"):
        export_policy(shared, tmp_path / "policy.npz")
    junk = checkpoint(tmp_path / "junk")
    junk.write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="cannot be read"):
        export_policy(junk, tmp_path / "policy.npz")
    lonely = shutil.copy(checkpoint(tmp_path / "run"), tmp_path / "lonely.pth")
    with pytest.raises(ConfigError, match="normalisation is missing"):
        export_policy(lonely, tmp_path / "policy.npz")
    assert not (tmp_path / "policy.npz").exists()
