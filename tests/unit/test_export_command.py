from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from teletwin.cli.export import run_export
from teletwin.clock import VirtualClock
from teletwin.errors import RecordingError
from teletwin.messages import JointCommand, Mode, PoseSample
from teletwin.recording import SessionLog
from teletwin.report import report_faults
from teletwin.robot.ur3e import HOME_Q


def record(path: Path) -> None:
    zeros = np.zeros(6)
    with SessionLog(path, clock=VirtualClock()) as log:
        for tick in range(3):
            log.write(PoseSample(t_ns=tick * 10, pose=np.array([0, 0, 0, 1.0, 0, 0, 0])), role="operator", t_ns=tick)
            command = JointCommand(
                t_ns=tick * 10,
                q=HOME_Q,
                qd=zeros,
                q_shadows=np.zeros((2, 6)),
                qd_shadows=np.zeros((2, 6)),
                pose_t_ns=0,
                mode=Mode.ENGAGED,
            )
            log.write(command, role="twin", t_ns=tick)


def test_a_log_becomes_trajectories_of_the_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path / "a.mcap")
    assert run_export(tmp_path / "a.mcap", out=tmp_path / "out", report=tmp_path / "r.json") == 0
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["command.tum", "hand.tum"]
    command = np.loadtxt(tmp_path / "out" / "command.tum")
    np.testing.assert_allclose(command[0, 1:4], [-0.382, -0.131, 0.244], atol=1e-3)
    assert "command.tum  3 poses" in capsys.readouterr().out
    report = json.loads((tmp_path / "r.json").read_text())
    assert report_faults(report) == []
    assert report["results"]["pose_count"] == {"hand": 3, "command": 3}


def test_a_cut_log_is_exported_and_said_to_be_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path / "a.mcap")
    whole = (tmp_path / "a.mcap").read_bytes()
    (tmp_path / "a.mcap").write_bytes(whole[:-20])
    assert run_export(tmp_path / "a.mcap", out=tmp_path / "out") == 0
    assert "ends too early" in capsys.readouterr().out


def test_a_missing_log_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="name an existing"):
        run_export(tmp_path / "none.mcap", out=tmp_path)
