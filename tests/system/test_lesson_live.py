"""A lesson as CI can give it: real processes, a made-up person at the page, a policy that learns meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from teletwin.horizon.learned import LearnedPolicy
from teletwin.horizon.policy_file import load_policy
from teletwin.report.document import read_report, report_faults
from teletwin_training.ppo import read_checkpoint_facts, read_weights

pytestmark = [pytest.mark.live, pytest.mark.slow]

START = """
import sys
from teletwin.errors import TeletwinError
from teletwin_training.cli.train_human import main
try:
    sys.exit(main(sys.argv[1:]))
except TeletwinError as error:
    sys.exit(f"teletwin: {error}")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lesson:
    """The command with a made-up person, in a process group of its own."""

    def __init__(self, folder: Path, *options: str, controller: str) -> None:
        small = ("--width", "320", "--height", "180")  # pictures that software draws quickly
        where = ("--controller-host", controller, "--port", str(free_port()), "--out", "run", *small)
        command = [sys.executable, "-c", START, "--drawn-by", "simulated", *where, *options]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        assert any(text in line for line in self.process.stdout), "it ended before"

    def end(self, limit_s: float = 200.0) -> tuple[int, str, str]:
        try:
            out, err = self.process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        return self.process.returncode, out, err


def test_a_made_up_person_draws_and_a_policy_learns_and_takes_over(tmp_path: Path) -> None:
    short = ("--epoch-slots", "128", "--critic-epochs", "1", "--delay-ms", "40", "--jitter-ms", "5")
    code, out, err = Lesson(tmp_path, "--duration", "30", *short, controller="127.0.41.1").end()
    assert (code, err) == (0, "")
    assert "the page is at http://127.0.0.1:" in out
    run = tmp_path / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["person"] == "simulated"
    assert metrics["step"] == "human"
    assert metrics["versions"]["rl_games"]
    learner, session = metrics["learner"], metrics["session"]
    assert learner["rows"] > 256, "what was drawn has arrived"
    assert session["lesson"]["row_count"] >= learner["rows"]
    assert session["lesson"]["dropped_count"] == 0
    assert session["lesson"]["refused_count"] == 0
    assert session["lesson"]["swap_count"] >= 1
    assert 0.5 < session["lesson"]["drawing_error_mm"] < 60.0
    report = read_report(run / "session.json")
    rate_hz = report["configuration"]["control_rate_hz"]
    for name in ("control_loop", "arm_loop"):
        loop = session[name]
        assert loop["tick_count"] > 0.6 * rate_hz * 12, "control keeps its rate while a policy learns"
        assert 0.95 < loop["period_p50_ms"] * rate_hz / 1e3 < 1.1
        assert loop["overrun_count"] < 0.05 * loop["tick_count"]
    assert session["control_rmse"]["position_m"] < 0.02
    assert (report["kind"], report_faults(report)) == ("lesson", [])

    policy, start = load_policy(run / "policy.npz"), load_policy(run / "policy_start.npz")
    assert policy.note["person"] == "simulated"
    assert policy.note["step"] == "human"
    LearnedPolicy(start).swap(policy)
    assert any(not np.array_equal(a[0], b[0]) for a, b in zip(policy.layers, start.layers, strict=True)), "it learned"
    facts, weights = read_checkpoint_facts(run / "ppo"), read_weights(run / "ppo" / "checkpoint.pth")
    assert facts["epoch"] == learner["epochs_all"]
    assert np.array_equal(weights.layers[0][0], policy.layers[0][0])


def test_ctrl_c_leaves_whole_files(tmp_path: Path) -> None:
    short = ("--epoch-slots", "64", "--critic-epochs", "0")
    lesson = Lesson(tmp_path, "--duration", "600", *short, controller="127.0.41.2")
    lesson.wait_for("the page is at")
    ends_s = time.monotonic() + 120.0
    while not (tmp_path / "run/policy.npz").exists():
        assert time.monotonic() < ends_s, "no policy came"
        time.sleep(0.2)
    os.killpg(lesson.process.pid, signal.SIGINT)
    code, out, err = lesson.end(30.0)
    assert (code, err) == (0, "")
    assert "go on from it with --checkpoint run" in out
    assert json.loads((tmp_path / "run/metrics.json").read_text())["learner"]["epochs"] >= 1
    weights = read_weights(tmp_path / "run/ppo/checkpoint.pth")
    assert np.array_equal(weights.layers[0][0], load_policy(tmp_path / "run/policy.npz").layers[0][0])
