"""The workflows run what is there, with no more rights than reading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_checks_audit_and_fuzzing_run_by_themselves() -> None:
    assert [path.stem for path in WORKFLOWS] == ["audit", "checks", "fuzz"]
    for name in ("audit", "fuzz"):
        text = (ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8")
        assert "schedule" in yaml.safe_load(text)[True]  # YAML reads the key `on` as true


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_runs_scripts_that_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 360
        commands = " ".join(step.get("run", "") for step in job["steps"])
        assert "${{" not in commands  # what an event says must not become part of a command
        named = re.findall(r"(?<![\w/.])((?:scripts|\.ci)/[\w.-]+)", commands)
        assert named
        assert [each for each in named if not (ROOT / each).exists()] == []
