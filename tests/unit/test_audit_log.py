"""The audit log: what tampering is found and told, and that the loop never waits for it."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from teletwin.cli import main
from teletwin.cli.demo import DemoOptions
from teletwin.cli.demo import _common as demo_settings
from teletwin.cli.isaac import script_arguments
from teletwin.cli.run import RunOptions, role_settings
from teletwin.clock import SystemClock, VirtualClock
from teletwin.errors import ConfigError, RecordingError
from teletwin.recording.audit_chain import LINE_BYTES_MAX, sealed_line
from teletwin.recording.audit_check import check_audit_log
from teletwin.recording.audit_log import AuditLog, open_audit_log
from teletwin.session.audit import audit_path, no_audit, role_audit, role_file, settings_digest
from teletwin.session.config import SessionCfg
from teletwin.session.role_cfg import RoleCfg, from_json, to_json
from teletwin.session.secret_source import SessionKey

KEY = SessionKey(session_id=7, key="")
FACTS = {"session": "7", "versions": {"teletwin": "0"}}


def wait_for(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 20.0
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.002)


def written(path: Path, count: int = 8) -> AuditLog:
    log = open_audit_log(path, facts=FACTS, clock=VirtualClock(start_ns=5))
    with log:
        for k in range(count):
            log.add("engage", {"who": f"page {k}", "is_allowed": True})
    return log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def lines(path: Path) -> list[bytes]:
    """Ten good lines: the first, eight entries, the closing one."""
    written(path)
    return path.read_bytes().splitlines(keepends=True)


def verdict(path: Path, lines: list[bytes]) -> str:
    path.write_bytes(b"".join(lines))
    found = check_audit_log(path)
    assert found.is_sound == found.text.startswith("sound")
    return found.text


def resealed(line: bytes, **change: Any) -> bytes:
    entry = json.loads(line)
    del entry["hash"]
    return sealed_line(**{**entry, **change})[0]


def test_a_log_is_sound_and_says_who_wrote_it_and_how_many_lines_it_has(path: Path, lines: list[bytes]) -> None:
    assert verdict(path, lines) == f"sound: 10 lines, head {json.loads(lines[-1])['hash']}"
    entries = [json.loads(line) for line in lines]
    assert entries[0]["kind"] == "log_start"
    assert entries[0]["values"] == FACTS
    assert entries[-1]["values"] == {"line_count": 10, "lost_count": 0, "ended_by": ""}
    assert [each["number"] for each in entries] == list(range(10))
    assert entries[3]["t_ns"] == 5
    assert entries[3]["utc"].endswith("+00:00")
    body = lines[4][: lines[4].rindex(b',"hash":')]
    assert json.loads(lines[5])["before"] == json.loads(lines[4])["hash"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("at", range(10))
def test_a_line_that_was_changed_is_named(path: Path, lines: list[bytes], at: int) -> None:
    lines[at] = lines[at].replace(b'"t_ns":5', b'"t_ns":6')
    assert verdict(path, lines).startswith(f"line {at + 1} was changed")


@pytest.mark.parametrize("at", range(1, 9))
def test_a_line_that_was_changed_with_its_hash_made_anew_is_named(path: Path, lines: list[bytes], at: int) -> None:
    lines[at] = resealed(lines[at], values={"who": "somebody else"})
    assert verdict(path, lines).startswith(f"line {at + 1} was changed and its hash made anew")


@pytest.mark.parametrize(
    ("first", "last", "words"), [(0, 0, "line 1 was"), (4, 4, "line 5 was"), (3, 6, "lines 4 to 7 were")]
)
def test_lines_that_were_removed_are_named(path: Path, lines: list[bytes], first: int, last: int, words: str) -> None:
    del lines[first : last + 1]
    assert verdict(path, lines).startswith(f"{words} removed")


def test_a_line_that_was_inserted_is_named(path: Path, lines: list[bytes]) -> None:
    assert "line 5 or 6 was inserted" in verdict(path, [*lines[:5], lines[4], *lines[5:]])
    forged = resealed(lines[5], values={"who": "somebody else"})
    assert "line 6 or 7 was inserted" in verdict(path, [*lines[:5], forged, *lines[5:]])
    assert "line 4 was changed or inserted" in verdict(path, [*lines[:3], b"hello\n", *lines[3:]])
    assert "line 11 was inserted: it stands after the closing line" in verdict(path, [*lines, lines[3]])


def test_lines_in_another_order_are_named(path: Path, lines: list[bytes]) -> None:
    swapped = [*lines[:4], lines[5], lines[4], *lines[6:]]
    assert verdict(path, swapped) == "lines were reordered: line 6 belongs where line 5 stands"
    assert "line 9 belongs where line 3 stands" in verdict(path, [*lines[:2], *lines[3:9], lines[2], lines[9]])
    assert "line 4 belongs where line 3 stands" in verdict(path, [*lines[:2], lines[6], *lines[2:6], *lines[7:]])


def test_a_log_that_was_cut_is_told_from_a_whole_one(path: Path, lines: list[bytes]) -> None:
    assert verdict(path, lines[:-1]).startswith("cut after line 9")
    assert verdict(path, [*lines[:5], lines[5][:40]]) == "cut: line 6 is not whole"
    assert verdict(path, []) == "cut: the file is empty"
    short = resealed(lines[9], number=4, before=json.loads(lines[3])["hash"])
    assert "counts 10 lines, there are 5" in verdict(path, [*lines[:4], short])


def test_a_log_that_was_written_anew_is_found_by_its_anchor_alone(path: Path, tmp_path: Path) -> None:
    head = written(path).head
    other = tmp_path / "anew.jsonl"
    written(other, count=3)
    assert check_audit_log(other).is_sound
    assert not check_audit_log(other, anchor=head).is_sound
    assert "the anchor is the last of them" in check_audit_log(path, anchor=head).text
    early = json.loads(path.read_bytes().splitlines()[4])["hash"]
    assert "line 5 and stands for 1 to 5" in check_audit_log(path, anchor=early).text


def test_the_command_tells_in_one_line_and_by_its_exit_status(path: Path, lines: list[bytes], capsys) -> None:
    head = json.loads(lines[-1])["hash"]
    assert main(["verify", str(path), "--anchor", head.upper()]) == 0
    assert main(["verify", str(path), "--anchor", "0" * 64]) == 1
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    report = path.with_name("report.json")
    assert main(["verify", str(path), "--report", str(report)]) == 1
    assert json.loads(report.read_text())["results"]["is_sound"] is False
    assert "line 4 was removed" in capsys.readouterr().out.splitlines()[-1]
    assert main(["verify", str(path), "--anchor", "abc"]) == 2
    assert main(["verify", str(path.with_name("none.jsonl"))]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize(
    "junk", [b"\0" * 5000, b"{" * 40000, b'{"number":1,"hash":"' + b"0" * 64 + b'"}\n', os.urandom(3000)]
)
def test_what_is_no_log_is_a_verdict_not_an_error(path: Path, junk: bytes) -> None:
    path.write_bytes(junk)
    assert not check_audit_log(path).is_sound


class Disk(io.BytesIO):
    """A file whose disk has room for so many bytes, and whose writes can be held up."""

    def __init__(self, room: int = 1 << 30) -> None:
        super().__init__()
        self.room, self.kept = room, b""
        self.gate = threading.Event()
        self.gate.set()
        self.syncs: list[int] = []

    def write(self, data: Any, /) -> int:
        self.gate.wait()
        part = bytes(data)[: max(self.room - self.tell(), 0)]
        if not part:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(part)

    def fileno(self) -> int:
        return 0

    def close(self) -> None:
        self.kept = self.getvalue()


def disk_log(disk: Disk, **options: Any) -> AuditLog:
    options = {"clock": SystemClock(), "fsync": disk.syncs.append, **options}
    return AuditLog(disk, facts=FACTS, **options)


def kinds(disk: Disk) -> list[str]:
    return [json.loads(line)["kind"] for line in disk.kept.splitlines()]


def test_a_disk_that_hangs_holds_up_nobody_and_what_was_too_much_is_counted_in_the_log(path: Path) -> None:
    disk = Disk()
    disk.gate.clear()
    with disk_log(disk, capacity=16) as log:
        started_s = time.monotonic()
        for _ in range(1000):
            log.add("engage", {})
        assert time.monotonic() - started_s < 2.0
        assert 1000 - 18 <= log.lost_count <= 1000 - 16 + 1
        lost_count = log.lost_count
        disk.gate.set()
        wait_for(lambda: log.line_count >= 16)
    path.write_bytes(disk.kept)
    assert check_audit_log(path).is_sound
    told = [json.loads(line)["values"]["lost_count"] for line in disk.kept.splitlines() if b"log_lost" in line]
    assert told[-1] == lost_count


def test_several_threads_lose_no_count(path: Path) -> None:
    disk = Disk()
    disk.gate.clear()
    with disk_log(disk, capacity=8) as log:
        adders = [threading.Thread(target=lambda: [log.add("stop", {}) for _ in range(500)]) for _ in range(4)]
        for each in adders:
            each.start()
        for each in adders:
            each.join()
        disk.gate.set()
    entry_count = kinds(disk).count("stop")
    assert entry_count + log.lost_count == 2000
    path.write_bytes(disk.kept)
    assert check_audit_log(path).is_sound


def test_a_full_disk_is_counted_and_warned_of_once_and_the_chain_goes_on_when_there_is_room(path: Path, caplog) -> None:
    caplog.set_level(logging.WARNING, logger="teletwin")
    disk = Disk(room=700)
    with disk_log(disk) as log:
        for _ in range(20):
            log.add("hold", {"who": "page"})
        wait_for(lambda: log.lost_count > 15)
        assert "cannot be written" in log.fault
        disk.room = 1 << 30
        log.add("stop", {"who": "page"})
    path.write_bytes(disk.kept)
    assert check_audit_log(path).is_sound
    assert kinds(disk)[-3:] == ["log_lost", "stop", "log_end"]
    assert json.loads(disk.kept.splitlines()[-1])["values"]["lost_count"] == log.lost_count
    assert len([each for each in caplog.records if "audit log" in each.message]) == 1


def test_the_disk_is_asked_for_at_most_once_a_second() -> None:
    disk, clock = Disk(), VirtualClock()
    with disk_log(disk, clock=clock) as log:
        for second in range(1, 4):
            for _ in range(50):
                log.add("hold", {})
            wait_for(lambda n=second: log.line_count == 50 * n + 1)
            assert len(disk.syncs) == second - 1
            clock.sleep_until(second * 1_000_000_000)
            wait_for(lambda n=second: len(disk.syncs) == n)


def test_a_flood_does_not_fill_the_disk(path: Path) -> None:
    disk = Disk()
    with disk_log(disk, bytes_max=4000, capacity=10_000) as log:
        for _ in range(500):
            log.add("engage", {"who": "a page that toggles"})
    assert len(disk.kept) < 4500
    assert log.lost_count > 450
    path.write_bytes(disk.kept)
    assert check_audit_log(path).is_sound


class Spiteful:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [Spiteful(), float("nan"), "line\nfeed \u2028 \ud800 \0", {"a": {1: object()}}, "x" * LINE_BYTES_MAX, b"\xff"],
)
def test_any_value_makes_one_line_of_a_sound_log(path: Path, value: object) -> None:
    with open_audit_log(path, facts=FACTS, clock=VirtualClock()) as log:
        log.add("limits", {"value": value})
    assert len(path.read_bytes().splitlines()) == 3
    assert check_audit_log(path).is_sound


def test_what_is_no_mapping_is_counted_and_raises_nothing(path: Path) -> None:
    with open_audit_log(path, facts=FACTS, clock=VirtualClock()) as log:
        log.add("limits", 7)  # type: ignore[arg-type]
    assert log.lost_count == 1
    assert check_audit_log(path).is_sound


def test_an_entry_after_the_end_is_counted_and_a_second_end_does_nothing(path: Path) -> None:
    log = written(path)
    log.add("stop", {})
    log.close()
    assert log.lost_count == 1
    assert check_audit_log(path).is_sound


def test_a_log_is_never_written_over_and_only_its_owner_reads_it(path: Path) -> None:
    written(path)
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(RecordingError, match="never written over"):
        written(path)
    with pytest.raises(RecordingError, match="cannot be written"):
        open_audit_log(path / "inside" / "a.jsonl", facts=FACTS, clock=VirtualClock())


def test_a_killed_role_leaves_a_log_that_is_told_as_cut(path: Path) -> None:
    log = open_audit_log(path, facts=FACTS, clock=VirtualClock())
    log.__enter__()
    log.add("engage", {})
    wait_for(lambda: log.line_count == 2)
    assert check_audit_log(path).text.startswith("cut after line 2")  # as it lies on the disk before any end
    log.close()


def test_a_role_writes_its_own_file_with_the_settings_but_no_secret(tmp_path: Path) -> None:
    cfg = RoleCfg(role="twin", session_id=7, key="5ec2e7" * 6, audit_log=str(tmp_path / "s.jsonl"))
    told: list[str] = []
    with role_audit(from_json(to_json(cfg)), VirtualClock(), tell=told.append) as audit:
        audit("hold", {"why": "silence"})
    text = (tmp_path / "s.twin.jsonl").read_text()
    facts = json.loads(text.splitlines()[0])["values"]
    assert facts["role"] == "twin"
    assert facts["settings"]["silence_ms"] == cfg.session.silence_ms
    assert facts["settings_digest"] == settings_digest(SessionCfg())
    assert facts["settings_digest"] != settings_digest(SessionCfg(seed=1))
    assert {"teletwin", "python", "numpy"} <= set(facts["versions"])
    assert "5ec2e7" not in text
    head = json.loads(text.splitlines()[-1])["hash"]
    assert told == [f"teletwin twin: audit log {tmp_path / 's.twin.jsonl'}: 3 lines, anchor {head}\n"]


def test_a_role_that_breaks_leaves_a_whole_log_that_names_the_error(tmp_path: Path) -> None:
    cfg, told = RoleCfg(role="arm", audit_log=str(tmp_path / "s.jsonl")), list[str]()
    with pytest.raises(KeyError), role_audit(cfg, VirtualClock(), tell=told.append):
        raise KeyError("a mistake")
    path = tmp_path / "s.arm.jsonl"
    assert check_audit_log(path).is_sound
    assert json.loads(path.read_text().splitlines()[-1])["values"]["ended_by"] == "KeyError"
    assert "anchor" in told[0]


def test_without_a_file_nothing_is_noted() -> None:
    with role_audit(RoleCfg(role="arm"), VirtualClock()) as audit:
        assert audit is no_audit
        audit("stop", {})


def test_auto_names_a_new_file_each_time(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = audit_path("auto", "arm")
    file = role_file(first, "arm")
    assert file.parent == Path("runs/audit")
    assert file.name.endswith("Z.arm.jsonl")
    file.parent.mkdir(parents=True)
    file.touch()
    assert audit_path("auto", "arm") != first
    assert audit_path("off", "arm") == ""
    assert audit_path("x.jsonl", "arm") == "x.jsonl"


def test_run_notes_by_default_and_a_demo_only_when_asked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = RunOptions(role="arm")
    assert role_settings(options, "arm", KEY).audit_log.startswith("runs/audit/")
    assert role_settings(replace(options, audit_log="off"), "arm", KEY).audit_log == ""
    assert not (tmp_path / "runs").exists()  # nothing is made before a role runs
    assert demo_settings(DemoOptions()).audit_log == ""
    assert demo_settings(DemoOptions(audit_log="a.jsonl")).audit_log == "a.jsonl"


def test_isaacs_twin_refuses_an_audit_log_that_it_would_not_write() -> None:
    options = RunOptions(role="twin")
    assert script_arguments(options)
    with pytest.raises(ConfigError, match="--audit-log"):
        script_arguments(replace(options, audit_log="a.jsonl"))
