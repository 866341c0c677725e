"""`teletwin forecast`: one command from recordings to tables, figures and a report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from teletwin.cli import main
from teletwin.hand.synthetic import draw_recording
from teletwin.report.document import read_report, report_faults

QUICK = ["--hands", "none", "--no-cost", "--forecasters", "hold,arma", "--every-ms", "200", "--rates", "none"]


def write_tum(path: Path, *, seed: int, duration_s: float = 4.0) -> None:
    recording = draw_recording("trace", seed=seed, duration_s=duration_s)
    poses = recording.poses[:, [0, 1, 2, 4, 5, 6, 3]]
    np.savetxt(path, np.column_stack([recording.t_ns / 1e9, poses]), fmt="%.9f")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "hands"
    folder.mkdir()
    for seed in range(3):
        write_tum(folder / f"hand_{seed}.tum", seed=seed)
    (folder / "README.md").write_text("not a hand")
    (folder / "README.txt").write_text("not a hand either")
    return folder


def test_a_folder_of_recordings_becomes_tables_figures_and_a_report(folder, tmp_path, capsys):
    out, report = tmp_path / "out", tmp_path / "report.json"
    status = main(["forecast", "--recordings", str(folder), *QUICK, "--out", str(out), "--report", str(report)])
    assert status == 0
    document = read_report(report)
    assert report_faults(document) == []
    assert list(document["results"]["hands"]) == ["hand_0", "hand_1", "hand_2"]
    assert document["configuration"]["study"]["window_ms"] == 1000
    assert json.loads((out / "forecast.json").read_text())["results"] == document["results"]
    assert "hand_1" in (out / "forecast.md").read_text()
    assert len(list(out.glob("*.png"))) == 5
    assert "hand_2" in capsys.readouterr().out


def test_a_bad_file_and_a_gap_are_named_and_the_others_judged(folder, tmp_path, capsys):
    (folder / "bad.tum").write_text("0 0 0 0 0 0 0 1\n0.01 nan 0 0 0 0 0 1\n")
    write_tum(folder / "brief.tum", seed=4, duration_s=1.5)
    rows = np.loadtxt(folder / "hand_1.tum")
    later = rows + np.eye(8)[0] * 10.0
    np.savetxt(folder / "torn.tum", np.concatenate([rows, later]), fmt="%.9f")
    report = tmp_path / "report.json"
    assert main(["forecast", "--recordings", str(folder), *QUICK, "--report", str(report)]) == 1
    said = capsys.readouterr().out
    assert "left out: bad.tum: " in said
    assert "left out: brief: too short" in said
    assert "cut at 1 gaps: torn" in said
    assert "4 hands judged, 2 left out, 1 cut at gaps" in said
    results = read_report(report)["results"]
    assert list(results["hands"]) == ["hand_0", "hand_1", "hand_2", "torn"]
    assert list(results["left_out"]) == ["bad.tum", "brief"]
    counts = {name: each["forecasters"]["arma"]["forecast_count"] for name, each in results["hands"].items()}
    assert counts["torn"] == 2 * counts["hand_1"]  # nothing is forecast across the gap


def test_the_same_recordings_give_the_same_errors(folder, tmp_path, capsys):
    def errors(path: Path) -> list[float]:
        assert main(["forecast", "--recordings", str(folder), *QUICK, "--report", str(path)]) == 0
        hands = read_report(path)["results"]["hands"].values()
        return [facts["forecasters"]["arma"]["position_mm"]["mean"] for facts in hands]

    assert errors(tmp_path / "a.json") == errors(tmp_path / "b.json")


def test_scaled_motion_says_its_scale(folder, tmp_path, capsys):
    report = tmp_path / "report.json"
    write_tum(folder / "hand_0.tum", seed=0)
    assert main(["forecast", "--recordings", str(folder), *QUICK, "--scaled", "--report", str(report)]) == 0
    assert 0.0 < read_report(report)["results"]["hands"]["hand_0"]["scale_ratio"] <= 1.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--recordings", "nowhere"], "--recordings is no folder"),
        (["--recordings", "{empty}"], "holds no recording"),
        (["--recordings", "{broken}"], "line 2"),
        (["--hands", "none"], "no hand to forecast"),
        (["--hands", "puppet"], "puppet"),
        (["--forecasters", "oracle"], "oracle"),
        (["--window-ms", "995"], "window_ms"),
        (["--horizon-ms", "900"], "horizon_ms"),
        (["--seeds", "0"], "seeds"),
        (["--report", "{empty}"], "--report names a folder"),
        (["--out", "{file}"], "--out cannot be a folder"),
        (["fit", "--recordings", "{broken}", "--out", "{empty}/m.json"], "line 2"),
        (["fit", "--recordings", "{broken}", "--out", "{empty}"], "--out is no file"),
        (["fit", "--recordings", "{broken}", "--out", "{empty}/a/m.json"], "--out lies in no folder"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line_before_any_work(arguments, said, tmp_path, capsys):
    empty, broken, file = tmp_path / "empty", tmp_path / "broken", tmp_path / "file"
    empty.mkdir()
    broken.mkdir()
    file.write_text("")
    (broken / "hand.tum").write_text("0.0 0 0 0 0 0 0 1\n0.01 0 0 nonsense 0 0 0 1\n")
    names = {"empty": empty, "broken": broken, "file": file}
    assert main(["forecast", *(argument.format(**names) for argument in arguments)]) == 2
    told = capsys.readouterr().err.strip()
    assert said in told
    assert len(told.splitlines()) == 1


def test_the_informer_without_its_extra_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "teletwin_training.informer", None)
    assert main(["forecast", "--forecasters", "informer", "--hands", "line"]) == 2
    assert "teletwin[informer]" in capsys.readouterr().err


def test_fit_writes_a_model_that_the_pooled_forecasters_take(folder, tmp_path, capsys):
    from teletwin.forecast.pooled import PooledFirForecaster
    from teletwin.forecast.pooled_model import PooledModel

    out = tmp_path / "pooled.json"
    assert main(["forecast", "fit", "--recordings", str(folder), "--out", str(out)]) == 0
    model = PooledModel.load(out)
    assert model.names == ("hand_0", "hand_1", "hand_2")
    curve = np.empty((26, 7))
    window = draw_recording("trace", seed=9, duration_s=4.0).poses[::2][-100:]
    PooledFirForecaster(model=model).forecast(window, out=curve)
    assert np.isfinite(curve).all()
    assert "3 tracks" in capsys.readouterr().out
