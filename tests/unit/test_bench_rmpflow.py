from __future__ import annotations

import sys

from teletwin.bench import ik_peers
from teletwin.bench.ik_peers import measure_ik_peers
from teletwin.bench.rmpflow import measure_rmpflow


def test_rmpflow_is_timed_with_few_and_with_all_arms_under_the_bound():
    numbers = measure_rmpflow(calls=20, batch_calls=2)
    assert all(value >= 0.0 for value in numbers.values())
    assert numbers["rmpflow_1024_projected_share"] <= 0.1
    assert numbers["rmpflow_1024_all_projected_share"] == 1.0
    assert numbers["rmpflow_step_us_p50"] < 1000.0


def test_a_peer_that_is_not_installed_has_no_number(monkeypatch):
    for name in ("pinocchio", "pink", "mink"):
        monkeypatch.setitem(sys.modules, name, None)
    assert set(measure_ik_peers(calls=1).values()) == {None}


def test_peers_move_the_arm_when_they_are_installed():
    numbers = measure_ik_peers(calls=2)
    assert set(numbers) == {"pinocchio_dls_us_p50", "pink_us_p50", "mink_us_p50"}
    assert all(value is None or value > 0.0 for value in numbers.values())
    assert callable(ik_peers.pinocchio_step)
