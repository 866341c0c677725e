"""Options of the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "folder with an index of Isaac Sim's Python API per version (5.1.0.json, 6.0.1.json)"
    parser.addoption("--isaac-api", default=None, metavar="DIR", help=help_text)


@pytest.fixture(scope="session")
def isaac_api(request: pytest.FixtureRequest) -> Path:
    """The folder of the API index; the test is skipped where there is none."""
    folder = request.config.getoption("--isaac-api") or os.environ.get("TELETWIN_ISAAC_API")
    if not folder:
        pytest.skip("no API index: give --isaac-api DIR or set TELETWIN_ISAAC_API")
    return Path(folder)
