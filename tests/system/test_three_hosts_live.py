"""A session across three network namespaces, where they are permitted: the emulated network is the only way."""

from __future__ import annotations

import contextlib
import subprocess

import pytest

from teletwin.bench.three_hosts.changes import NetworkScript
from teletwin.bench.three_hosts.hops import hops_of, only_delay
from teletwin.bench.three_hosts.live import LiveCfg, ThreeHosts
from teletwin.bench.three_hosts.namespaces import FOLDER
from teletwin.bench.three_hosts.round_trip import prove_route
from teletwin.errors import TeletwinError
from teletwin.session.config import NetworkCfg

pytestmark = pytest.mark.live

HOPS = hops_of(NetworkCfg(delay_ms=20, jitter_ms=2))


@pytest.fixture
def three():
    with contextlib.ExitStack() as stack:
        hosts = ThreeHosts(emulator="relay", seed=1, hops=HOPS, script=NetworkScript())
        try:
            stack.enter_context(hosts)
        except TeletwinError as error:
            pytest.skip(f"no namespaces here: {error}")
        names = set(hosts.namespaces.names.values())
        yield hosts
    assert not names & {path.name for path in FOLDER.glob("*")}, "namespaces outlived their block"


def test_another_way_between_the_hosts_is_found_out(three):
    names = three.namespaces.names
    prove_route(three.namespaces, three.emulator, HOPS, three.clock)
    cable = ["type", "veth", "peer", "name", "short", "netns", names["twin"]]
    subprocess.run(["ip", "-n", names["operator"], "link", "add", "short", *cable], check=True)
    with pytest.raises(TeletwinError, match="other devices"):
        prove_route(three.namespaces, three.emulator, only_delay(HOPS), three.clock)


def test_a_session_runs_over_the_emulated_network_between_clocks_that_lie(three):
    lies = {"twin": (4000.0, 200.0), "arm": (-1500.0, -200.0)}
    slow = ("--control-rate-hz", "125", "--servo-rate-hz", "125")  # which any machine carries
    cfg = LiveCfg(hops=HOPS, script=NetworkScript(), seconds=9.0, lies=lies, arguments=slow)
    results = three.measure(cfg, lambda _: None)
    assert results["arm_fault"] == ""
    assert results["control_rmse"]["position_m"] < results["control_rmse_shadow"]["position_m"]
    assert 20.0 < results["stages_ms"]["uplink"]["p50"] < 60.0
    assert 17.0 < results["stages_ms"]["command_link"]["p50"] < 50.0
    emulation = results["emulation"]
    assert emulation["emulator"] == "relay"
    assert 39.0 < emulation["round_trip"]["twin_arm"]["measured_ms"] < 46.0
    assert emulation["lateness_ms"]["count"] > 2000
    assert min(emulation["packet_count"].values()) > 200
    assert [_pids(name) for name in three.namespaces.names.values()] == [[], [], []]


def _pids(namespace: str) -> list[str]:
    done = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=True)
    return done.stdout.split()
