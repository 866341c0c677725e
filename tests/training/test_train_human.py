"""The command of step 2 with a person: what cannot be done is one line, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from teletwin.errors import ConfigError
from teletwin.horizon.policy_file import identity_policy, save_policy
from teletwin_training.cli.train_human import HumanOptions, main


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--drawn-by", "simulated"), "give --duration SECONDS or --epochs"),
        (("--headless",), "nobody can draw without a page"),
        (("--duration", "-1"), "an end cannot be negative"),
        (("--epoch-slots", "100"), "given: 100; allowed: 64, 128"),
        (("--learning-rate", "2"), "learning_rate cannot be used"),
        (("--spread", "0.9"), "the noise on actions is out of range"),
        (("--dot-speed-m-s", "3"), "a drawing task cannot be made so"),
        (("--checkpoint", "nowhere.npz"), "given: nowhere.npz"),
        (("--checkpoint", "."), "the folder holds no policy"),
        (("--drawn-by", "nobody"), "nobody"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=told):
        main([*options, "--out", "run"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_another_training_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "run/ppo").mkdir(parents=True)
    (tmp_path / "run/ppo/checkpoint.pth").touch()
    policy = save_policy(tmp_path / "policy.npz", identity_policy())
    with pytest.raises(ConfigError, match="holds a training already"):
        main(["--out", str(tmp_path / "run"), "--checkpoint", str(policy)])
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["ppo"]


def test_the_task_and_the_learning_follow_the_options() -> None:
    options = HumanOptions(epochs=3, epoch_slots=128, dot_speed_m_s=0.05, critic_epochs=1)
    assert (options.task.speed_m_s, options.task.seed) == (0.05, options.session.seed)
    assert (options.learning.epochs, options.learning.horizon_length) == (3, 128)
    assert options.learning.critic_first_epochs == 1
    assert HumanOptions().learning.epochs > 10**5
