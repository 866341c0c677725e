"""The lanes of Kit run every test of a kernel: the list is derived, and none falls out of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import kernel_tests  # noqa: E402

CHOSEN = kernel_tests.kernel_tests()


def reached_from(path: str) -> set[str]:
    """Every module that a test brings in, by way of others too."""
    sources = kernel_tests._sources()
    seen: set[str] = set()
    left = kernel_tests.named_modules((ROOT / path).read_text(encoding="utf-8"))
    while left:
        seen |= left
        left = {name for module in left for name in kernel_tests.named_modules(sources[module])} - seen
    return seen


def test_every_kernel_of_ours_is_reached_by_a_test_that_names_what_starts_it():
    reached = set().union(*map(reached_from, CHOSEN))
    assert len(kernel_tests.kernel_modules()) > 30
    assert kernel_tests.kernel_modules() <= reached


@pytest.mark.parametrize(
    "path",
    [
        "tests/contract/test_forecasters.py",
        "tests/contract/test_policies.py",
        "tests/training/test_allocation_cells.py",
        "tests/training/test_horizon_loops.py",
        "tests/training/test_horizon_stages.py",
        "tests/unit/test_forecast_combined.py",
        "tests/unit/test_limits.py",
        "tests/unit/test_policy_observation.py",
        "tests/unit/test_rmpflow_exact.py",
        "tests/unit/test_self_test.py",
    ],
)
def test_every_kind_of_kernel_is_among_them(path):
    assert path in CHOSEN


@pytest.mark.parametrize(
    "source",
    [
        "from teletwin.twin.limits.limiter import BatchLimiter",
        "from teletwin.twin.limits import CommandLimiter",
        "def test_it():\n    from teletwin.twin.rmpflow import RmpFlow",
        "import teletwin.robot.fast",
        "from teletwin_training.horizon import loops",
        "from teletwin.forecast import build_forecaster",
        "NAMES = ['teletwin.forecast.combined:CombinedForecaster']",
    ],
)
def test_a_new_test_of_a_kernel_is_found_whatever_way_it_takes_it(source):
    assert kernel_tests.named_modules(source) & kernel_tests.kernel_faces()


def test_a_test_of_something_else_is_not_found():
    source = "from teletwin.geometry import Array\nfrom teletwin.session.config import SessionCfg\nimport numpy"
    assert not kernel_tests.named_modules(source) & kernel_tests.kernel_faces()


def test_what_is_left_out_is_there_and_has_its_reason():
    assert set(kernel_tests.LEFT_OUT) <= set(kernel_tests.found_tests())
    for path, reason in kernel_tests.LEFT_OUT.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        assert "torch" not in reason or any(name in text for name in ("torch", "rl_games", "ppo")), path
