"""Whatever a file says of itself, reading it takes at most 300 MB, or it is refused in one line that says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bomb_files import BOMBS, make_all

GROWN_MAX_MB = 300.0
DISK_MAX_MB = 100.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each bomb, each read in a process of its own."""
    folder = tmp_path_factory.mktemp("bombs")
    made = make_all(folder)
    sizes_mb = {name: path.stat().st_size / 1e6 for name, (_, path) in made.items()}
    asked = json.dumps({name: (reader, str(path)) for name, (reader, path) in made.items()})
    script = Path(__file__).with_name("bomb_readers.py")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "MALLOC_ARENA_MAX": "2"}
    done = subprocess.run(
        [sys.executable, str(script)], input=asked, capture_output=True, text=True, timeout=600, env=environment
    )
    for _, path in made.values():
        path.unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return {name: each | {"disk_mb": sizes_mb[name]} for name, each in found.items()}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_more_than_300_mb(outcomes, name):
    found = outcomes[name]
    assert found["disk_mb"] < DISK_MAX_MB
    assert not found["said"].startswith("crashed"), found["said"]
    assert found["grown_mb"] <= GROWN_MAX_MB, found
