from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from teletwin.cli import doctor, doctor_checks
from teletwin.cli.doctor_checks import Check, State
from teletwin.report import report_faults


def one(checks: Iterator[Check]) -> Check:
    (check,) = checks
    return check


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch):
    def replace(*found: Check) -> None:
        monkeypatch.setattr(doctor, "all_checks", lambda **_: iter(found))

    return replace


def test_the_doctor_is_content_where_only_notes_are_left(only, capsys: pytest.CaptureFixture[str]) -> None:
    only(
        Check(name="cores", state=State.OK, found="2"),
        Check(name="browser", state=State.NOTE, found="none here", mend="apt-get install chromium"),
    )
    assert doctor.run_doctor() == 0
    said = capsys.readouterr().out
    assert "apt-get install chromium" in said
    assert "ready: teletwin demo" in said


def test_the_doctor_refuses_when_the_demo_cannot_run_and_reports_why(only, tmp_path: Path) -> None:
    only(Check(name="x264", state=State.MISSING, found="[not] there", mend="pip install av"))
    assert doctor.run_doctor(report=tmp_path / "deep" / "doctor.json") == 1
    report = json.loads((tmp_path / "deep" / "doctor.json").read_text())
    assert report_faults(report) == []
    assert report["results"]["ready"] is False
    assert report["results"]["checks"][0] == {
        "name": "x264",
        "state": "missing",
        "found": "[not] there",
        "mend": "pip install av",
    }


def test_a_busy_port_is_found_and_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check = one(doctor_checks.check_ports("127.0.0.1", {port: "page"}))
    assert check.state is State.MISSING
    assert f"port {port}" in check.name
    assert "--port" in check.mend


def test_an_unsupported_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    assert one(doctor_checks.check_python()).state is State.MISSING


def test_a_missing_package_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks.metadata, "requires", lambda _: ["nothing-of-the-kind>=2", "numpy>=99"])
    missing, old = doctor_checks.check_packages()
    assert (missing.name, missing.state) == ("nothing-of-the-kind", State.MISSING)
    assert "pip install 'nothing-of-the-kind>=2'" in missing.mend
    assert (old.state, "tested with >=99" in old.found) == (State.NOTE, True)


def test_this_machine_encodes_and_draws() -> None:
    assert one(doctor_checks.check_encoder()).state is State.OK
    assert one(doctor_checks.check_rendering()).state is State.OK


def test_a_cache_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WARP_CACHE_PATH", str(tmp_path / "new"))
    assert one(doctor_checks.check_kernel_cache()).state is State.NOTE
    monkeypatch.setattr(doctor_checks.os, "access", lambda *_: False)
    assert one(doctor_checks.check_kernel_cache()).state is State.MISSING


def test_looking_for_real_time_changes_nothing() -> None:
    import os

    before = os.sched_getscheduler(0)
    one(doctor_checks.check_realtime())
    assert os.sched_getscheduler(0) == before


def test_each_extra_says_what_it_is_for_and_what_of_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = [
        "numpy>=1",
        "pyspacemouse>=2; extra == 'hands'",
        "numpy>=1; extra == 'hands'",
        "numpy>=1; extra == 'dds'",
    ]
    monkeypatch.setattr(doctor_checks.metadata, "requires", lambda _: declared)
    monkeypatch.setattr(doctor_checks, "_is_installed", lambda name: name == "numpy")
    found = {check.name: check for check in doctor_checks.check_extras()}
    assert found["[hands]"].found == "SpaceMouse, gamepad, leader arms: not installed (pyspacemouse)"
    assert found["[dds]"].found == "--link dds: installed"
    assert all(check.state is State.OK for check in found.values()), "the demo needs none"
