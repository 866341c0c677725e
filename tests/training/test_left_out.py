"""One bad file or gap ends no comparison: it is named, left out and counted, and the exit status tells."""

from __future__ import annotations

import numpy as np
import pytest
from made_hands import waves

from teletwin.cli import main
from teletwin.errors import RecordingError
from teletwin.recording.trajectory import tum_text
from teletwin_training.horizon.hands import load_hands


def write(path, recording, *, gap_s=0.0):
    t_ns = recording.t_ns + (np.arange(len(recording.t_ns)) > 500) * round(1e9 * gap_s)
    path.write_text(tum_text(t_ns, recording.poses), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    """Two hands that can be judged, one with a gap, one that is no recording, one too short."""
    place = tmp_path / "recordings"
    place.mkdir()
    write(place / "a.tum", waves(1500, seed=1))
    write(place / "b_gap.tum", waves(1500, seed=2), gap_s=0.7)
    (place / "c_noise.tum").write_text("nobody's hand\n", encoding="utf-8")
    write(place / "d_brief.tum", waves(300, seed=3))
    write(place / "e.tum", waves(1500, seed=4))
    return place


def test_bad_files_are_told_with_their_reasons_and_the_others_loaded(folder):
    told = []
    files = [str(path) for path in sorted(folder.iterdir())]
    bank = load_hands(files, forecaster="linear", on_left_out=told.append)
    assert bank.names == ("a", "e")
    assert [left.name for left in told] == files[1:4]
    for left, reason in zip(told, ("a gap in time", "line 1", "too short"), strict=True):
        assert reason in left.why
    with pytest.raises(RecordingError, match="a gap in time"):
        load_hands(files, forecaster="linear")
    with pytest.raises(RecordingError, match="no hand can be used"):
        load_hands(files[1:4], forecaster="linear", on_left_out=told.append)


@pytest.mark.parametrize("spoiled", [True, False])
def test_evaluation_goes_on_without_them_and_its_exit_status_tells(folder, tmp_path, capsys, spoiled):
    if not spoiled:
        for name in ("b_gap", "c_noise", "d_brief"):
            (folder / f"{name}.tum").unlink()
    options = ["--recordings", str(folder), "--made-up", "none", "--delays", "jitter", "--sessions", "1"]
    options += ["--slots", "300", "--arm", "lag", "--out", str(tmp_path / "out")]
    assert main(["evaluate", "horizon", *options]) == int(spoiled)
    said = capsys.readouterr().out
    assert ("3 hands left out, 2 judged" in said) == spoiled
    assert ("b_gap.tum: " in said) == spoiled
    assert ("Left out, 3: " in (tmp_path / "out" / "evaluation.md").read_text(encoding="utf-8")) == spoiled
