"""The loop's speed is measured on whatever number of cores there is, from a cold start."""

from __future__ import annotations

import subprocess
import sys

import pytest

COLD = "from teletwin_training.horizon.speed import measure_speed; print(sorted(measure_speed(envs=256, slots=3)))"


@pytest.mark.slow
def test_arms_in_joint_space_begin_on_several_threads_at_once():
    """Two threads that recorded the same kernel at the same time ended the process."""
    done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.strip() == str(["lag_environment", "lag_loops", "rmpflow_environment", "rmpflow_loops"])
