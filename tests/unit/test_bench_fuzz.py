"""The guided fuzzing that goes on for a time: what it keeps, and how its process is told what to do."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from teletwin.bench.faults.fuzz import count, guided
from teletwin.bench.faults.fuzz.guided import Guidance
from teletwin.bench.faults.fuzz.target import FuzzTarget
from teletwin.cli import main
from teletwin.errors import ConfigError, MessageError


def read(data: bytes) -> None:
    if data[:1] == b"!":
        raise KeyError(data[1:2])
    raise MessageError("refused")


@pytest.fixture
def atheris(monkeypatch):
    """What atheris does with its arguments, without its library: every file of its folders is one input."""
    given: list[str] = []

    def setup(arguments, one):
        given.extend(arguments)
        fake.one = one

    def feed():
        for folder in (Path(each) for each in given if Path(each).is_dir()):
            for path in sorted(folder.iterdir()):
                fake.one(path.read_bytes())

    fake = SimpleNamespace(given=given, Setup=setup, Fuzz=feed, instrument_imports=lambda **_: contextlib.nullcontext())
    monkeypatch.setitem(sys.modules, "atheris", fake)
    target = FuzzTarget(name="a reader", corpus=[b"good", b"!x crashes"], read=read, refusals=(MessageError,))
    monkeypatch.setattr(count, "all_targets", lambda stack: [target])
    monkeypatch.setattr(guided.resource, "setrlimit", lambda *_: None)
    level = logging.getLogger("teletwin").level
    yield fake
    logging.getLogger("teletwin").setLevel(level)


@pytest.fixture
def guidance(tmp_path, monkeypatch) -> Guidance:
    monkeypatch.chdir(tmp_path)
    for name in ("corpus", "crashes"):
        (tmp_path / name).mkdir()
    folders = {"corpus": str(tmp_path / "corpus"), "crashes": str(tmp_path / "crashes")}
    return Guidance(reader="a reader", out=str(tmp_path / "counts.json"), seconds=3, **folders)


def test_an_input_that_crashed_a_reader_is_kept_whole_and_tried_again(atheris, guidance):
    (Path(guidance.crashes) / "of-last-week").write_bytes(b"!y was mended or was not")
    guided.main([json.dumps(asdict(guidance))])
    kept = {path.read_bytes() for path in Path(guidance.crashes).iterdir()}
    assert kept == {b"!y was mended or was not", b"!x crashes"}
    counts = json.loads(Path(guidance.out).read_text())
    assert counts["crashes"] >= 1
    assert "-max_total_time=3" in atheris.given
    assert f"-artifact_prefix={guidance.crashes}/" in atheris.given


def test_every_reader_gets_an_equal_part_of_the_time_and_folders_of_its_own(atheris, tmp_path, monkeypatch):
    told: list[Guidance] = []
    monkeypatch.setattr(guided, "_shares", lambda: {"first, TUM": 1.0, "second": 8.0})
    monkeypatch.setattr(guided, "_guide", lambda each: told.append(each) or {})
    guided.guide_for(60.0, corpus=tmp_path / "c", crashes=tmp_path / "k")
    assert [each.seconds for each in told] == [30, 30]
    assert Path(told[0].corpus) == tmp_path / "c" / "first--TUM" / "corpus"
    assert Path(told[0].crashes).is_dir()
    with pytest.raises(ConfigError, match="unknown reader; given: third; allowed: first, TUM, second"):
        guided.guide_for(60.0, corpus=tmp_path, crashes=tmp_path, only=["third"])
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="a folder for inputs cannot be made"):
        guided.guide_for(60.0, corpus=tmp_path / "file", crashes=tmp_path)


def test_the_exit_status_tells_of_a_crash(atheris, tmp_path, monkeypatch, capsys):
    found = {
        "inputs": 9,
        "accepted": 8,
        "refused": 0,
        "per_s": 3.0,
        "grown_mb": 0.0,
        "moved": 0,
        "traces": ["KeyError"],
    }
    for crashes, status in ((0, 0), (1, 1)):
        monkeypatch.setattr(guided, "_guide", lambda _, n=crashes: {**found, "crashes": n, "crash_kinds": {}})
        assert main(["bench", "fuzz", "--minutes", "0.1", "--corpus", str(tmp_path)]) == status
    assert "KeyError" in capsys.readouterr().out
    assert main(["bench", "fuzz", "--minutes", "0"]) == 2


def test_without_atheris_one_line_names_the_mend(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert main(["bench", "fuzz", "--minutes", "1"]) == 2
    assert "pip install 'teletwin[fuzz]'" in capsys.readouterr().err
