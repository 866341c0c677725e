"""The audit of pinned dependencies: what it asks, what it finds, and that nobody's tests need the network."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import audit  # noqa: E402


@contextmanager
def index(answer: dict[str, object], status: int = 200) -> Iterator[tuple[str, list[dict]]]:
    asked: list[dict] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()


def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements-a.txt"
    path.write_text("# locked\nnumpy==2.4.6\naiohttp==3.14.5 ; python_version > '3'\n-r other.txt\n")
    return path


def test_every_pinned_version_is_asked_about_and_a_finding_fails(tmp_path, capsys):
    answer = {"results": [{}, {"vulns": [{"id": "PYSEC-1"}, {"id": "GHSA-2"}]}]}
    with index(answer) as (url, asked):
        assert audit.run([lock(tmp_path)], url=url) == 1
    assert [(each["package"]["name"], each["version"]) for each in asked[0]["queries"]] == [
        ("aiohttp", "3.14.5"),
        ("numpy", "2.4.6"),
    ]
    assert "numpy 2.4.6: GHSA-2, PYSEC-1" in capsys.readouterr().out


def test_what_was_looked_into_passes_and_stays_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(audit, "ACCEPTED", {"PYSEC-1": "not reachable: nothing calls it"})
    with index({"results": [{}, {"vulns": [{"id": "PYSEC-1"}]}]}) as (url, _):
        assert audit.run([lock(tmp_path)], url=url) == 0
    assert "PYSEC-1: not reachable" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer", [{}, [], {"results": [{}]}, {"results": [{}] * 3}, {"results": [7, {"vulns": [{}]}]}]
)
def test_an_answer_that_does_not_cover_every_package_counts_as_not_looked(tmp_path, capsys, answer):
    with index(answer) as (url, _):
        assert audit.run([lock(tmp_path)], url=url) == audit.NOT_LOOKED
    assert "not looked: 2 packages" in capsys.readouterr().out


def test_where_the_database_cannot_be_reached_nothing_was_looked_at_and_that_is_no_pass(tmp_path, capsys):
    with index({}, status=503) as (url, _):
        assert audit.run([lock(tmp_path)], url=url) == 3
    assert audit.run([lock(tmp_path)], url="http://127.0.0.1:9/") == 3
    assert capsys.readouterr().out.count("not looked: 2 packages") == 2


@pytest.fixture
def checks(monkeypatch):
    """The script that runs every check, as a module."""
    place = importlib.util.spec_from_file_location("every_check", ROOT / "scripts/test.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["test.py"])
    return module


def test_every_check_tells_that_nobody_looked_and_does_not_fail_for_it(checks, capsys):
    results = {"ruff": ("passed", 1.0), "advisories": (checks._outcome("advisories", audit.NOT_LOOKED), 1.0)}
    assert checks._summarize(results, []) == 0
    assert "passed; not looked: advisories in 2 s" in capsys.readouterr().out
    results["advisories"] = (checks._outcome("advisories", 1), 1.0)
    assert checks._summarize(results, []) == 1
    assert checks._outcome("tests", audit.NOT_LOOKED) == "FAILED"


def test_only_a_clean_tree_has_a_revision_that_was_checked(checks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert checks._clean_revision() == ""  # no repository
    author = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    for command in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *command], check=True)
    assert len(checks._clean_revision()) == 40
    (tmp_path / "new.txt").touch()
    assert checks._clean_revision() == ""


def test_the_locks_of_this_repository_are_read():
    pinned = audit.pinned(audit.LOCKS)
    assert len(audit.LOCKS) >= 3
    assert {"numpy", "aiohttp", "mcap"} <= {name for name, _ in pinned}
