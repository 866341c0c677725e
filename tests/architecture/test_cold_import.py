"""`import teletwin` is silent, quick and light; every room waits with its heavy parts until they are used."""

from __future__ import annotations

import json
import pkgutil
import statistics
import subprocess
import sys

import pytest

import teletwin

HEAVY = ("torch", "warp", "numba", "omni", "carb", "pxr", "mujoco", "moderngl", "av", "aiohttp", "rtde_control")
HEAVY += ("rtde_receive", "matplotlib", "simplejpeg", "scipy", "statsmodels", "mcap", "rich", "tyro", "yaml")
HEAVY += ("cyclonedds", "rosbags", "pygame", "pyspacemouse", "scservo_sdk", "dynamixel_sdk")
ROOMS = [f"teletwin.{each.name}" for each in pkgutil.iter_modules(teletwin.__path__) if each.name not in ("kit", "cli")]

_PROBE = """
import sys, time, json
started = time.perf_counter()
import {module}
took_s = time.perf_counter() - started
print(json.dumps([took_s, [name for name in {heavy!r} if name in sys.modules]]))
"""


def probe(module: str) -> tuple[float, list[str]]:
    command = [sys.executable, "-c", _PROBE.format(module=module, heavy=HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"importing {module} prints: {done.stdout}"
    assert done.stderr == ""
    took_s, loaded = json.loads(lines[0])
    return took_s, loaded


def test_importing_teletwin_takes_a_moment_at_most() -> None:
    times = [probe("teletwin")[0] for _ in range(5)]
    assert statistics.median(times) < 0.5  # the bar is 0.15 s on an idle machine; this one may be busy


@pytest.mark.parametrize("module", ["teletwin", *ROOMS])
def test_importing_a_room_loads_nothing_heavy_and_prints_nothing(module: str) -> None:
    assert probe(module)[1] == []
