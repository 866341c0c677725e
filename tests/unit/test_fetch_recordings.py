"""Public recordings: converted from local files, resumed over a broken connection, refused in one clear line."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from teletwin.errors import RecordingError
from teletwin.geometry import quat_to_matrix, rotation_angle
from teletwin.hand.readers import read_recording
from teletwin.hand.synthetic import draw_recording
from teletwin.recording.trajectory import tum_text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import fetch_recordings
from fetch_recordings import SETS, RemoteFile, download, main


def hand(seed=0, *, rate_hz=100.0):
    return draw_recording("reach", seed=seed, duration_s=4.0, rate_hz=rate_hz)


def git_blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def write_broad(path, recording):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.attrs["sampling_rate"] = 200.0
        file["opt_pos"], file["opt_quat"] = recording.poses[:, :3], recording.poses[:, 3:]


def test_a_broad_trial_becomes_a_tum_file_that_names_its_source(tmp_path, capsys):
    recording = hand(rate_hz=200.0)
    (tmp_path / "in").mkdir()
    write_broad(tmp_path / "in" / "02_slow.hdf5", recording)
    assert main(["broad", "--from", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    path = tmp_path / "out" / "broad_02_slow.tum"
    assert "CC BY 4.0" in path.read_text().splitlines()[0]
    again = read_recording(path)
    np.testing.assert_allclose(again.poses[:, :3], recording.poses[::2, :3], atol=2e-9)
    assert again.rate_hz == pytest.approx(100.0)
    assert "4 s at 100 Hz" in capsys.readouterr().out


def test_of_a_motion_with_a_gap_the_longest_piece_is_kept(tmp_path):
    recording = hand()
    text = tum_text(recording.t_ns, recording.poses).splitlines()
    (tmp_path / "rgbd_dataset_a-groundtruth.txt").write_text("\n".join(text[:100] + text[200:]) + "\n")
    assert main(["tum", "--from", str(tmp_path), "--out", str(tmp_path)]) == 0
    assert len(read_recording(tmp_path / "tum_a.tum").t_ns) == len(recording.t_ns) - 199


def test_the_ground_truth_is_found_in_an_archive_and_nothing_else_is_unpacked(tmp_path):
    recording = hand()
    (tmp_path / "groundtruth.txt").write_text(tum_text(recording.t_ns, recording.poses))
    (tmp_path / "evil.txt").write_text("no")
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "rgbd_dataset_freiburg1_xyz.tgz", "w:gz") as archive:
        archive.add(tmp_path / "evil.txt", "../../evil.txt")
        archive.add(tmp_path / "groundtruth.txt", "rgbd_dataset_freiburg1_xyz/groundtruth.txt")
    assert main(["tum", "--from", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tum_freiburg1_xyz.tum"]


def test_both_hands_of_a_jigsaws_archive_are_converted(tmp_path):
    poses = hand().poses
    each = np.column_stack([poses[:, :3], quat_to_matrix(poses[:, 3:]).reshape(-1, 9), np.zeros((len(poses), 7))])
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in np.tile(each, 4))
    with zipfile.ZipFile(tmp_path / "Suturing.zip", "w") as archive:
        archive.writestr("Suturing/kinematics/AllGestures/Suturing_B001.txt", rows)
        archive.writestr("Suturing/readme.txt", "words")
    assert main(["jigsaws", "--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["jigsaws_Suturing_B001_master-left.tum", "jigsaws_Suturing_B001_master-right.tum"]


def table(path, columns, *, spoil=None):
    """A table with commas, as the sets have them."""
    rows = np.column_stack(list(columns.values())).astype(object)
    lines = [", ".join(columns), *(",".join(f"{value:.6f}" for value in row) for row in rows)]
    if spoil is not None:
        lines[spoil] = "no,numbers"
    path.write_text("\n".join(lines) + "\n")


def rosma(path, left, right, **spoiled):
    columns = {}
    for arm, poses in (("MTML", left.poses), ("MTMR", right.poses), ("PSM1", left.poses)):
        columns |= {f"{arm}_position_{axis}": poses[:, number] for number, axis in enumerate("xyz")}
        columns |= {
            f"{arm}_orientation_{axis}": poses[:, number] for axis, number in zip("xyzw", (4, 5, 6, 3), strict=True)
        }
        columns |= {f"{arm}_gripper_angle": np.zeros(len(poses))}
    table(path, columns, **spoiled)


def test_both_masters_of_a_rosma_trial_are_converted(tmp_path):
    left, right = hand(1, rate_hz=50.0), hand(2, rate_hz=50.0)
    (tmp_path / "in").mkdir()
    rosma(tmp_path / "in" / "X01_Pea_on_a_Peg_01.csv", left, right)
    rosma(tmp_path / "X02_Wire_Chaser_I_02.csv", right, left)
    with zipfile.ZipFile(tmp_path / "in" / "ROSMA.zip", "w") as archive:
        archive.write(tmp_path / "X02_Wire_Chaser_I_02.csv", "data/X02_Wire_Chaser_I_02.csv")
        archive.writestr("data/notes.csv", "words")
    assert main(["rosma", "--from", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        f"rosma_{each}_MTM{side}.tum" for each in ("X01_Pea_on_a_Peg_01", "X02_Wire_Chaser_I_02") for side in "LR"
    ]
    again = read_recording(tmp_path / "out" / names[1])
    assert again.rate_hz == pytest.approx(50.0)
    np.testing.assert_allclose(again.poses[:, :3], right.poses[:, :3], atol=2e-6)
    assert rotation_angle(again.poses[:, 3:], right.poses[:, 3:]).max() < 1e-5


@pytest.mark.parametrize("row_by_row", [True, False])
def test_a_wearmocap_trial_becomes_a_hand_that_turns_as_the_lower_arm(tmp_path, row_by_row):
    recording = hand(3, rate_hz=60.0)
    columns = quat_to_matrix(recording.poses[:, 3:])[:, :, :2]
    six = (columns if row_by_row else columns.swapaxes(1, 2)).reshape(-1, 6)
    dt_s = np.diff(recording.t_ns, prepend=recording.t_ns[0]) / 1e9
    parts = {"sw_dt": dt_s} | {f"gt_hand_orig_cal_{axis}": recording.poses[:, n] for n, axis in enumerate("xyz")}
    parts |= {f"gt_larm_6drr_cal_{n + 1}": six[:, n] for n in range(6)} | {"sw_pres_cal": dt_s}
    table(tmp_path / "01_watch_only_001.csv", parts)
    assert main(["wearmocap", "--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    path = tmp_path / "out" / "wearmocap_01_watch_only_001.tum"
    assert "Apache-2.0" in path.read_text().splitlines()[0]
    again = read_recording(path)
    assert again.rate_hz == pytest.approx(60.0, rel=0.01)
    assert rotation_angle(again.poses[:, 3:], recording.poses[:, 3:]).max() < 1e-4


def test_tables_that_are_none_of_a_set_are_told_by_file_and_line(tmp_path, capsys):
    (tmp_path / "02_watch_only_001.csv").write_text("a,b\n1,2\n")
    assert main(["wearmocap", "--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "the table lacks columns; given: a,b; allowed: sw_dt" in capsys.readouterr().err
    recording = hand(rate_hz=50.0)
    rosma(tmp_path / "X03_Post_and_Sleeve_01.csv", recording, recording, spoil=7)
    assert main(["rosma", "--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "line 8: not numbers; given: no,numbers" in capsys.readouterr().err


def test_what_cannot_be_converted_is_told_and_the_rest_is_done(tmp_path, capsys):
    (tmp_path / "a-groundtruth.txt").write_text("1 2 3\n")
    recording = hand()
    (tmp_path / "b-groundtruth.txt").write_text(tum_text(recording.t_ns, recording.poses))
    assert main(["tum", "--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert "line 1: not 8 numbers" in captured.err
    assert "tum_b.tum" in captured.out


def test_an_empty_folder_and_a_set_on_request_end_with_one_clear_line(tmp_path, capsys):
    assert main(["broad", "--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "nothing to convert" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="--from FOLDER"):
        main(["jigsaws", "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit):
        main(["brod"])
    assert "no such set: brod" in capsys.readouterr().err
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.count("licence") == len(SETS)


def test_without_a_network_one_line_tells_how_to_go_on(tmp_path, capsys, monkeypatch):
    nowhere = tuple(RemoteFile(name=f"{n}.hdf5", url="http://nowhere.invalid/a") for n in range(3))
    monkeypatch.setitem(SETS, "broad", dataclasses.replace(SETS["broad"], files=nowhere))
    assert main(["broad", "--out", str(tmp_path)]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "cannot be reached" in lines[0]
    assert "--from" in lines[0]


def test_every_known_file_has_its_own_name_and_an_https_address():
    files = [file for each in SETS.values() for file in each.files]
    assert len({file.name for file in files}) == len(files)
    assert len(SETS["broad"].files) + len(SETS["tum"].files) == 47
    assert all(file.url.startswith("https://") and file.url.endswith(file.name) for file in files)
    assert all(len(file.git_blob) == 40 for file in SETS["broad"].files)


class _Halting(http.server.BaseHTTPRequestHandler):
    """Serves the content from where it is asked for; the first answer breaks off half way."""

    content = bytes(range(256)) * 4000
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if len(self.asked) > 1 else body[: len(body) // 2])

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.live
def test_a_download_that_broke_off_goes_on_where_it_ended(tmp_path):
    _Halting.asked.clear()
    server = http.server.HTTPServer(("127.0.0.1", 0), _Halting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/a"
        remote = RemoteFile(name="a", url=url, git_blob=git_blob(_Halting.content))
        with pytest.raises(RecordingError, match="cannot be reached"):
            download(remote, tmp_path)
        assert download(remote, tmp_path).read_bytes() == _Halting.content
        assert _Halting.asked == ["bytes=0-", f"bytes={len(_Halting.content) // 2}-"]
        download(remote, tmp_path)
        assert len(_Halting.asked) == 2  # it is there and whole
        with pytest.raises(RecordingError, match="not the file that is known"):
            download(RemoteFile(name="b", url=url, git_blob="0" * 40), tmp_path)
        assert not list(tmp_path.glob("b*"))
    finally:
        server.shutdown()
        server.server_close()


def test_lasa_shapes_come_from_the_installed_package(tmp_path):
    pytest.importorskip("scipy")
    assert fetch_recordings.main(["lasa", "--only", "lasa_PShape_[01]", "--out", str(tmp_path)]) == 0
    recording = read_recording(tmp_path / "lasa_PShape_0.tum")
    assert 0.02 < np.ptp(recording.poses[:, :3], axis=0).max() < 0.2
