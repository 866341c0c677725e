"""A learner for somebody else's session: it offers its lesson, learns from the rows, and keeps what it learned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.horizon.observation import observation_names
from teletwin.horizon.policy_file import identity_policy, load_policy, save_policy
from teletwin.session.lesson_cfg import LessonCfg, OfferedLesson, offered
from teletwin.session.lesson_channel import LearnerLink, Row
from teletwin_training.cli.learner_alone import learn_alone
from teletwin_training.cli.train_human import HumanOptions

COUNT = len(observation_names("rich"))
EPOCH_SLOTS = 64


def row(slot: int) -> Row:
    rng = np.random.default_rng(slot)
    return Row(
        slot=slot,
        policy=0,
        reward=-1.0,
        metric=-0.01,
        drawing_m=0.02,
        observation=rng.normal(size=COUNT),
        action=0.1 * rng.normal(size=5),
    )


def begun(folder: Path, *options: str) -> subprocess.Popen[str]:
    policy = save_policy(folder / "start.npz", identity_policy())
    told = ["--checkpoint", str(policy), "--out", str(folder / "run"), "--epoch-slots", str(EPOCH_SLOTS)]
    code = "import sys; from teletwin.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "train", "horizon", "--step", "human", "--learner-only", *told, *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def offer_of(process: subprocess.Popen[str]) -> OfferedLesson:
    assert process.stdout is not None
    for line in process.stdout:
        offer = offered(line)
        if offer is not None:
            return offer
    raise AssertionError("it offers nothing")


@pytest.mark.live
@pytest.mark.slow
def test_rows_of_another_programs_session_become_a_policy_that_is_kept(tmp_path: Path) -> None:
    with begun(tmp_path, "--dot-speed-m-s", "0.06", "--seed", "4", "--critic-epochs", "0", "--epochs", "2") as process:
        offer = offer_of(process)
        assert (offer.lesson.task.speed_m_s, offer.lesson.task.seed, offer.lesson.seed) == (0.06, 4, 4)
        assert load_policy(offer.policy_file).action == identity_policy().action
        with LearnerLink(offer.lesson.channel) as link:
            for slot in range(3 * EPOCH_SLOTS):
                link.send(row(slot))
                threading.Event().wait(0.002)
            said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
    assert f"policy: {tmp_path / 'run/policy.npz'}" in said
    assert load_policy(tmp_path / "run/policy.npz").note["step"] == "human"
    assert json.loads((tmp_path / "run/metrics.json").read_text())["learner"]["epochs"] >= 1


class IdleLearner:
    """A learner's process that has nothing to learn from."""

    has_ended = is_done = False

    def wait_ready(self, stop: threading.Event) -> bool:
        return True

    def finish(self) -> dict[str, int]:
        return {"epochs": 0}


def test_a_learner_whose_session_never_came_ends_with_its_launchers_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    inside, hand = os.pipe()
    threading.Timer(0.3, lambda: os.close(hand)).start()
    offer = OfferedLesson(lesson=LessonCfg(channel="/tmp/x"), policy_file="/tmp/a.npz")
    try:
        with os.fdopen(inside) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            assert learn_alone(IdleLearner(), offer) == {"epochs": 0}  # type: ignore[arg-type]
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert offered(capsys.readouterr().out) == offer


@pytest.mark.parametrize("options", [{"headless": True, "drawn_by": "simulated", "epochs": 1}, {"duration": 60.0}])
def test_a_learner_alone_has_no_session_to_set(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="a learner alone has no session"):
        HumanOptions(learner_only=True, **options)  # type: ignore[arg-type]


def test_an_offer_crosses_a_pipe_and_another_line_is_none() -> None:
    offer = OfferedLesson(lesson=LessonCfg(channel="/tmp/x", countdown_s=1.0), policy_file="/tmp/a.npz")
    assert offered(offer.to_line() + "\n") == offer
    assert offered("teletwin: installed") is None
    with pytest.raises(ConfigError, match="the learner's offer cannot be read"):
        offered('lesson {"lesson": {"channel": 1, "task": {"colour": "red"}}}')
