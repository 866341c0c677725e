"""Three hosts on one machine, as far as it needs no rights: scripts, relay, cleaning up, the sweep."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from math import inf

import pytest

from teletwin.bench.three_hosts.changes import load_script, read_script, shipped_scripts
from teletwin.bench.three_hosts.emulator import Netem, TunRelay, has_netem, netem_can
from teletwin.bench.three_hosts.hops import HOSTS, hops_of, only_delay
from teletwin.bench.three_hosts.hosts import Host
from teletwin.bench.three_hosts.namespaces import Namespaces
from teletwin.bench.three_hosts.relay import Relay
from teletwin.bench.three_hosts.sweep import point_of, saturation_ms, sweep
from teletwin.bench.three_hosts.virtual import measure_virtual
from teletwin.cli.three_hosts import run
from teletwin.cli.three_hosts_options import read, session_of
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import ConfigError, TeletwinError
from teletwin.report.document import build_report, report_faults
from teletwin.report.latency_sweep import draw_latency_sweep, sweep_table
from teletwin.session.config import NetworkCfg, SessionCfg

# --- scripts ---------------------------------------------------------------------------------------------------------

SCRIPT = """
# a fade
2    up   loss=0.1 burst_ms=40   # for a while
3.5  all  delay_ms=80
1    down jitter_ms=4
repeat 10
"""


def test_a_script_changes_what_it_names_and_keeps_the_rest():
    script, asked = read_script(SCRIPT), hops_of(NetworkCfg(delay_ms=20))
    assert script.settings(0.0, asked) == asked
    at_three = script.settings(3.0, asked)
    assert (at_three["up"].loss, at_three["up"].burst_ms, at_three["up"].delay_ms) == (0.1, 40.0, 20.0)
    assert (at_three["down"].jitter_ms, at_three["down"].loss) == (4.0, 0.0)
    at_four = script.settings(4.0, asked)
    assert {each.delay_ms for each in at_four.values()} == {80.0}
    assert at_four["up"].loss == 0.1


def test_a_script_that_repeats_begins_anew_from_what_was_asked_for():
    script, asked = read_script(SCRIPT), hops_of(NetworkCfg(delay_ms=20))
    times_s, t_s = [], 0.0
    for _ in range(6):
        t_s = script.next_change_s(t_s)
        times_s.append(t_s)
    assert times_s == [1.0, 2.0, 3.5, 10.0, 11.0, 12.0]
    assert script.settings(10.0, asked) == asked
    assert script.settings(13.0, asked) == script.settings(3.0, asked)
    assert read_script("1 up loss=1").next_change_s(1.0) == inf


def test_every_shipped_script_can_be_played_for_a_minute():
    assert "wifi-handover" in shipped_scripts()
    for name in shipped_scripts():
        script, t_s = load_script(name), 0.0
        while t_s < 60.0:
            assert script.settings(t_s, hops_of(NetworkCfg())).keys() == {"up", "down", "command", "state"}
            t_s = script.next_change_s(t_s)
    assert load_script("").next_change_s(0.0) == inf


@pytest.mark.parametrize(
    "line", ["soon up loss=1", "1 sideways loss=1", "1 up", "1 up loss=2", "1 up speed=3", "5 up loss=1\nrepeat 5"]
)
def test_a_script_that_cannot_be_read_is_refused_in_one_line(line):
    with pytest.raises(ConfigError, match="allowed"):
        read_script(line)
    with pytest.raises(ConfigError, match="wifi-handover"):
        load_script("nowhere.txt")


# --- the relay -------------------------------------------------------------------------------------------------------


def _packet(destination, size=100):
    return b"\x45" + bytes(15) + socket.inet_aton(destination) + bytes(size - 20)


def _relay(**settings):
    relay = Relay({host: socket.inet_aton(address) for host, address in HOSTS.items()}, seed=1)
    relay.change(hops_of(NetworkCfg(**settings)))
    return relay


def test_the_relay_holds_each_packet_for_the_delay_of_its_hop_and_tells_how_late_it_was():
    relay = _relay(delay_ms=30, command="delay_ms=5")
    relay.offer("operator", _packet(HOSTS["twin"]), NS_PER_S)
    relay.offer("twin", _packet(HOSTS["arm"]), NS_PER_S)
    assert relay.next_due_ns() == NS_PER_S + 5 * NS_PER_MS
    assert relay.leave(NS_PER_S + 4 * NS_PER_MS) == []
    assert [host for host, _ in relay.leave(NS_PER_S + 6 * NS_PER_MS)] == ["arm"]
    assert [host for host, _ in relay.leave(NS_PER_S + 33 * NS_PER_MS)] == ["twin"]
    assert relay.next_due_ns() is None
    figures = relay.figures()
    assert figures["packet_count"] == {"up": 1, "down": 0, "command": 1, "state": 0}
    assert figures["lateness_ms"]["max"] == pytest.approx(3.0)
    assert figures["lateness_ms"]["count"] == 2
    assert report_faults(build_report("relay", results=figures, configuration={}, seed=1)) == []
    relay.reset_figures()
    assert relay.figures()["lateness_ms"] is None


def test_what_has_no_place_on_the_network_goes_nowhere_and_is_counted():
    relay = _relay()
    strange = [_packet(HOSTS["arm"]), _packet("10.87.0.9"), b"\x60" + bytes(60), b"\x45"]
    for packet in strange:  # the operator to the arm, to a stranger, IPv6, a scrap
        relay.offer("operator", packet, NS_PER_S)
    assert relay.leave(2 * NS_PER_S) == []
    assert relay.figures()["unroutable_count"] == len(strange)


def test_the_relay_loses_and_doubles_as_the_imitated_network_does_and_never_holds_without_bound():
    relay = _relay(loss=0.2, duplication=0.1, delay_ms=10)
    for k in range(1000):
        relay.offer("arm", _packet(HOSTS["twin"]), NS_PER_S + k * NS_PER_MS)
    assert 850 < len(relay.leave(3 * NS_PER_S)) < 910
    relay.change(hops_of(NetworkCfg(delay_ms=2000)))
    for k in range(30_000):
        relay.offer("arm", _packet(HOSTS["twin"]), 4 * NS_PER_S + k)
    assert len(relay.leave(10 * NS_PER_S)) == 20_000


# --- namespaces and processes, always cleaned up ---------------------------------------------------------------------


class System:
    """Stands in for `ip`: keeps what exists, fails or is interrupted where told."""

    def __init__(self, *, fail_at=None, error=None):
        self.there, self.commands, self._fail_at, self._error = [], [], fail_at, error or ConfigError("no")

    def __call__(self, command):
        self.commands.append(list(command))
        if self._fail_at is not None and len(self.commands) == self._fail_at:
            raise self._error
        if list(command[:3]) == ["ip", "netns", "add"]:
            self.there.append(command[3])
        if list(command[:3]) == ["ip", "netns", "delete"]:
            if command[3] not in self.there:
                raise ConfigError("no such namespace")
            self.there.remove(command[3])


def test_namespaces_have_names_of_their_own_and_are_gone_after_the_block(tmp_path):
    system = System()
    with Namespaces(list(HOSTS), run=system, folder=tmp_path) as one, Namespaces(["arm"], run=system) as other:
        assert len(set(system.there)) == 4
        assert one.names["arm"] != other.names["arm"]
        assert str(os.getpid()) in one.path("twin")
    assert system.there == []
    for error in (RuntimeError("broken"), KeyboardInterrupt()):
        with pytest.raises(type(error)), Namespaces(list(HOSTS), run=system, folder=tmp_path):
            raise error
        assert system.there == []


@pytest.mark.parametrize("error", [ConfigError("no"), KeyboardInterrupt()], ids=["refused", "interrupted"])
@pytest.mark.parametrize("fail_at", range(1, 7))
def test_what_was_made_is_removed_when_the_making_breaks_off(tmp_path, fail_at, error):
    system = System(fail_at=fail_at, error=error)
    with pytest.raises(type(error)), Namespaces(list(HOSTS), run=system, folder=tmp_path):
        pytest.fail("the block must not run")
    assert system.there == []


def test_only_what_a_dead_process_left_behind_is_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [f"teletwin-{dead.pid}-0-arm", f"teletwin-{os.getpid()}-99-arm", "teletwin-x-0-arm", "others"]
    for name in names:
        (tmp_path / name).touch()
    system = System()
    system.there = list(names)
    with Namespaces(["twin"], run=system, folder=tmp_path):
        pass
    assert system.there == names[1:]


def test_a_relay_that_refuses_is_told_in_one_line_and_gone():
    class Nowhere:
        def path(self, host):
            return f"/nowhere/{host}"

    relay = TunRelay(Nowhere(), seed=0)
    with pytest.raises(TeletwinError, match="no such network namespace"):
        relay.__enter__()
    assert relay._process is None


def _host(code):
    return Host("twin", [sys.executable, "-c", f"import signal, time; {code}"])


def test_a_host_is_ready_when_it_says_so_and_is_killed_only_when_it_does_not_listen():
    told = "print('teletwin: the twin runs', flush=True); time.sleep(60)"
    gentle, deaf = _host(told), _host(f"signal.signal(15, signal.SIG_IGN); {told}")
    until_s = time.monotonic() + 20.0
    while not (gentle.is_ready and deaf.is_ready):
        assert time.monotonic() < until_s
        time.sleep(0.01)
    assert gentle.status is None
    for host in (gentle, deaf):
        host.ask_to_end()
    gentle.end(within_s=10.0)
    deaf.end(within_s=0.1)
    assert (gentle.status, deaf.status) == (-signal.SIGTERM, -signal.SIGKILL)


# --- netem -----------------------------------------------------------------------------------------------------------


def test_netem_is_told_the_delay_of_each_hop_on_the_senders_end(tmp_path):
    system = System()
    with Namespaces(list(HOSTS), run=system, folder=tmp_path) as namespaces, Netem(namespaces, run=system) as netem:
        assert netem.devices("twin") == {"lo", "to-operator", "to-arm"}
        system.commands.clear()
        netem.apply(hops_of(NetworkCfg(delay_ms=50, loss=0.01, up="delay_ms=80")))
        told = {(command[2].rsplit("-")[-1], command[6]): command[8:] for command in system.commands}
    common = ["netem", "limit", "10000", "delay", "50ms", "loss", "1%"]
    assert told["operator", "to-twin"] == [*common[:4], "80ms", *common[5:]]
    assert [told[end] for end in (("twin", "to-operator"), ("twin", "to-arm"), ("arm", "to-twin"))] == [common] * 3
    assert has_netem(namespaces, run=System())
    assert not has_netem(namespaces, run=System(fail_at=1))


def test_netem_is_trusted_with_what_it_does_truthfully_only():
    assert netem_can(hops_of(NetworkCfg(delay_ms=50, loss=0.1, duplication=0.1)))
    for name in ("jitter_ms", "burst_ms", "reordering", "rate_mbps"):
        asked = hops_of(NetworkCfg(state=f"{name}=0.5"))
        assert not netem_can(asked)
        assert netem_can(only_delay(asked))


# --- options, the sweep, the virtual session -------------------------------------------------------------------------


def test_options_of_the_hosts_stand_after_two_dashes():
    options, rest = read(["--delay-ms", "30", "--clocks", "twin=-5000:200 arm=1e6", "--", "--paper-mode"])
    assert options.network.delay_ms == 30.0
    assert options.lies() == {"twin": (-5000.0, 200.0), "arm": (1e6, 0.0)}
    assert session_of(rest).paper_mode


@pytest.mark.parametrize(
    "wrong",
    [
        "--seconds 1",
        "--sweep --page",
        "--sweep --modes fast",
        "--clocks twin=soon",
        "--clocks nobody=1",
        "--script nowhere",
        "--virtual -- --delay-ms 5",
        "-- --no-such-option",
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(wrong, capsys):
    assert run(wrong.split()) == 2
    assert capsys.readouterr().err.count("\n") == 1


def _results(delay_ms, mode):
    horizon_ms = {"default": 50 + 2 * delay_ms, "paper": 150 + 2 * delay_ms, "off": 0.0}[mode]
    error = {"position_m": 1e-3 + 1e-4 * delay_ms, "orientation_rad": 0.01}
    spread = {"p50": 40.0 + 2 * delay_ms, "p95": 60.0 + 2 * delay_ms}
    horizon = {"p50": min(horizon_ms, 500.0)}
    return {
        **{"control_rmse": error, "display_rmse": error, "mtp_ms": spread, "effective_mtp_ms": spread},
        **{"horizon_control_ms": horizon, "horizon_render_ms": horizon},
    }


def test_the_sweep_marks_where_the_horizon_ends_and_goes_on_when_a_point_fails(tmp_path):
    def measure(delay_ms, mode):
        if (delay_ms, mode) == (100.0, "off"):
            raise TeletwinError("the arm is gone")
        return _results(delay_ms, mode)

    points, failures = sweep(measure, delays_ms=(0.0, 50.0, 100.0, 200.0), modes=("default", "paper", "off"))
    assert failures == ["off at 100 ms: the arm is gone"]
    assert len(points) == 11
    assert [point["delay_ms"] for point in points if point["is_saturated"]] == [200.0]
    assert saturation_ms(points, "default") == pytest.approx(225.0)
    assert saturation_ms(points, "paper") == pytest.approx(175.0)
    assert saturation_ms(points, "off") is None
    assert report_faults(build_report("sweep", results={"points": points}, configuration={}, seed=0)) == []
    rows = sweep_table(points).rows
    assert [row[:2] for row in rows[:3]] == [["0", "forecasting"], ["0", "paper mode"], ["0", "no prediction"]]
    assert [row[1] for row in rows if row[-2].endswith("*")] == ["paper mode"]
    assert sweep_table(points).markdown().count("\n") == 13
    drawn = draw_latency_sweep(tmp_path / "sweep.png", points, saturations_ms={"paper": 175.0}, note="made up")
    assert drawn.read_bytes()[:4] == b"\x89PNG"
    nothing = point_of(
        _results(0.0, "off") | dict.fromkeys(("control_rmse", "mtp_ms", "horizon_control_ms")), delay_ms=0.0, mode="off"
    )
    assert sweep_table([nothing]).rows[0][2] == "–"


def test_a_script_plays_on_the_virtual_clock_among_clocks_that_lie():
    script = read_script("3.5 up loss=1\n3.8 up loss=0")
    told = {"seconds": 4.5, "lies": {"twin": (-5000.0, 200.0)}, "seed": 2}
    results = measure_virtual(SessionCfg(), hops_of(NetworkCfg(delay_ms=20)), script=script, **told)
    assert results["twin_counters"]["held"] == 1
    assert 25 < results["twin_counters"]["imitated_loss"] < 40
    assert results["stages_ms"]["uplink"]["p50"] == pytest.approx(20.5, abs=2.0)
    assert results["control_rmse"]["position_m"] < results["control_rmse_shadow"]["position_m"]


def test_without_rights_it_says_in_one_line_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr("teletwin.bench.three_hosts.namespaces._rights", lambda: 0)
    monkeypatch.setattr("teletwin.cli.three_hosts.warm_up", lambda *_, **__: False)
    assert run(["--delay-ms", "10"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "CAP_NET_ADMIN" in told or "Linux" in told or "iproute2" in told
