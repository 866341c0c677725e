"""A recorded session again: the same commands bit for bit, and its hand with other settings."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pytest

from teletwin.cli.export import main as export
from teletwin.cli.replay import main as replay
from teletwin.errors import ConfigError, RecordingError
from teletwin.messages import LinkSettings, Mode
from teletwin.recording import SessionLog, export_tum, read_log, read_session
from teletwin.session.config import NetworkCfg, SessionCfg
from teletwin.session.recorded_virtual import recorded_session
from teletwin.session.replay import recorded_settings, replay_control, replay_virtual, variants
from teletwin.session.virtual import VirtualSession

OFFSETS_MS = {"twin": 70.0, "arm": -40.0}
SESSION = SessionCfg(network=NetworkCfg(delay_ms=30, jitter_ms=8, loss=0.05, up="duplication=0.1"), seed=3)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A session with a hold, a blackout of the uplink and clocks that lie, recorded by each role."""
    path = tmp_path_factory.mktemp("recorded") / "run.mcap"
    with recorded_session(path, SESSION, clock_offsets_ms=OFFSETS_MS, renders=False) as virtual:
        virtual.run(0.3, mode=Mode.HOLD)
        virtual.run(1.2)
        virtual.run(0.2, mode=Mode.HOLD)
        virtual.run(2.5)
    return path


def twin_log(path):
    return read_log(path.with_name("run.twin.mcap"))


def test_a_virtual_session_gives_the_same_commands_bit_for_bit(recorded):
    difference = replay_virtual(read_log(recorded), twin_log(recorded))
    assert difference.is_exact
    assert difference.recorded_count > 1900
    assert difference.position_max_rad == 0.0


def test_the_twins_log_alone_drives_its_control_function_to_the_same_commands(recorded):
    difference = replay_control(twin_log(recorded))
    assert difference.is_exact
    assert difference.recorded_count > 1900


def test_what_happened_to_the_network_by_hand_is_in_the_twins_log_all_the_same(tmp_path):
    with recorded_session(tmp_path / "run.mcap", SESSION, renders=False) as virtual:
        virtual.run(0.8)
        virtual.links["twin"].set_link("operator", LinkSettings(loss=1.0))
        virtual.run(0.3)
        virtual.links["twin"].set_link("operator", LinkSettings(delay_ms=30.0))
        virtual.run(0.5)
    assert replay_control(twin_log(tmp_path / "run.mcap")).is_exact


def test_a_command_that_was_not_the_controls_is_found(recorded):
    log = twin_log(recorded)

    def altered_data(each):
        return json.dumps(each.values | {"q": [angle + 1.0 for angle in each.values["q"]]}).encode()

    commands = ((k, each) for k, each in enumerate(log.messages) if each.topic == "/twin/JointCommand")
    altered = log.messages.with_data({k: altered_data(each) for k, each in commands if each.place % 500 < 3})
    difference = replay_control(dataclasses.replace(log, messages=altered))
    assert 0 < difference.recorded_count - difference.equal_count < 50
    assert difference.position_max_rad > 0.5
    assert difference.first_unequal_s is not None


def test_the_settings_come_back_from_the_log(recorded):
    assert recorded_settings(read_log(recorded)) == SESSION


def test_the_command_says_that_all_is_the_same(recorded, tmp_path, capsys):
    assert replay([str(recorded), "--report", str(tmp_path / "r.json")]) == 0
    assert "the same bit for bit" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["results"]["is_exact"] is True


def test_the_recorded_hand_is_compared_with_other_settings(recorded, tmp_path, capsys):
    arguments = ("--policy", "fixed", "--horizon-ms", "20", "--delay-ms", "60")
    out = ("--out", str(tmp_path / "cmp"), "--report", str(tmp_path / "r.json"))
    assert replay([str(recorded), *arguments, *out]) == 0
    results = json.loads((tmp_path / "r.json").read_text())["results"]["variants"]
    assert list(results) == ["settings as recorded", "fixed, delay 60.0"]
    first, second = results.values()
    assert 0.0 < first["control_rmse"]["position_m"] < second["control_rmse"]["position_m"]
    assert second["horizon_control_ms"] == pytest.approx(20.0, abs=1.0)
    assert second["control_rmse_shadow"]["position_m"] > first["control_rmse_shadow"]["position_m"]
    assert (tmp_path / "cmp" / "errors.png").stat().st_size > 10_000
    assert "fixed, delay 60.0" in capsys.readouterr().out


def test_settings_that_cannot_be_are_refused_before_anything_runs(recorded):
    with pytest.raises(ConfigError, match="unknown forecaster"):
        replay([str(recorded), "--forecaster", "magic"])
    with pytest.raises(ConfigError, match="unknown horizon policy"):
        replay([str(recorded), "--policy", "magic"])


def test_every_combination_is_tried():
    found = variants(SESSION, policies=("rule", "fixed"), forecasters=("arma", "hold"), networks=({"delay_ms": 5.0},))
    assert [each.name for each in found[1:]] == [
        f"{policy}, {forecaster}, delay 5.0" for policy in ("rule", "fixed") for forecaster in ("arma", "hold")
    ]
    assert found[0].session == SESSION


@pytest.mark.parametrize("gone", ["twin", "operator"])
def test_a_log_that_is_not_there_is_named(recorded, tmp_path, gone):
    kept = {"twin": "run.mcap", "operator": "run.twin.mcap"}[gone]
    copy = tmp_path / kept
    copy.write_bytes(recorded.with_name(kept).read_bytes())
    with pytest.raises(RecordingError, match=f"the {gone}'s log is not there"):
        replay([str(copy), *(("--policy", "rule") if gone == "operator" else ())])


def test_a_log_without_settings_is_refused(tmp_path):
    with SessionLog(tmp_path / "a.mcap", clock=VirtualSession(SESSION, renders=False).clock):
        pass
    with pytest.raises(RecordingError, match="does not tell its session's settings"):
        recorded_settings(read_log(tmp_path / "a.mcap"))


def test_trajectories_of_hosts_whose_clocks_lie_are_exported_on_one_clock(recorded, tmp_path):
    lying = {name: np.loadtxt(path) for name, path in export_tum(read_session(recorded), tmp_path / "lying").items()}
    with recorded_session(tmp_path / "true.mcap", SESSION, renders=False) as virtual:
        virtual.run(0.3, mode=Mode.HOLD)
        virtual.run(1.2)
        virtual.run(0.2, mode=Mode.HOLD)
        virtual.run(2.5)
    true = read_session(tmp_path / "true.mcap")
    true = {name: np.loadtxt(path) for name, path in export_tum(true, tmp_path / "true").items()}
    start_s = true["hand"][0, 0] - lying["hand"][0, 0]  # the lying session starts later, so that no clock is negative
    for name in ("command", "arm"):
        moved = np.interp(true[name][:, 0], lying[name][:, 0] + start_s, lying[name][:, 1])
        apart_s = np.abs(moved - true[name][:, 1])[300:] / np.abs(np.gradient(true[name][:, 1], true[name][:, 0])).max()
        assert apart_s.max() < 0.012, name


def test_the_session_becomes_one_file_and_rerun_is_asked_for_where_it_is_missing(recorded, tmp_path, monkeypatch):
    assert export([str(recorded), "--to", "mcap", "--out", str(tmp_path / "one.mcap")]) == 0
    assert len(read_log(tmp_path / "one.mcap").messages) == len(read_session(recorded).messages)
    from teletwin.errors import MissingPartError

    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(MissingPartError, match=r"pip install 'teletwin\[rerun\]'"):
        export([str(recorded), "--to", "rerun", "--out", str(tmp_path / "one.rrd")])


def test_the_session_becomes_a_file_for_rerun(recorded, tmp_path):
    pytest.importorskip("rerun")
    assert export([str(recorded), "--to", "rerun", "--out", str(tmp_path / "one.rrd")]) == 0
    assert (tmp_path / "one.rrd").stat().st_size > 10_000
