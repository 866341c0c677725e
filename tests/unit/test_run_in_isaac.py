"""`teletwin run --sim isaac` becomes Isaac Sim with the right options, or says what to do."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

import pytest

from teletwin.cli.isaac import run_in_isaac
from teletwin.cli.run import RunOptions, main
from teletwin.errors import ConfigError, MissingPartError
from teletwin.session.config import NetworkCfg, SessionCfg

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "python.sh").touch()
    return tmp_path


def command(options, folder):
    seen = []
    run_in_isaac(
        options, environment={"ISAAC_SIM_PATH": str(folder)}, become=lambda path, words: seen.append((path, words))
    )
    ((path, words),) = seen
    assert path == words[0]
    return words


def read_as_the_script_does(words) -> tuple[argparse.Namespace, list[str]]:
    spec = importlib.util.spec_from_file_location("isaac_twin", ROOT / "scripts" / "isaac_twin.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.read_options(words[2:])


def test_it_runs_the_script_by_isaac_sims_python_with_the_roles_options(folder):
    options = RunOptions(
        role="twin",
        sim="isaac",
        bind="0.0.0.0",
        operator="learn",
        arm="192.0.2.9",
        session_secret_file="/run/secret",
        record="log.mcap",
        duration=20.0,
        headless=True,
        session=SessionCfg(
            width=1280, height=720, rate_hz=60.0, max_speed_rad_s=0.5, network=NetworkCfg(delay_ms=20.0)
        ),
    )
    words = command(options, folder)
    assert words[:2] == [str(folder / "python.sh"), str(ROOT / "scripts" / "isaac_twin.py")]
    told, for_kit = read_as_the_script_does(words)
    assert (told.role, told.bind, told.operator, told.arm) == ("twin", "0.0.0.0", "learn", "192.0.2.9")
    assert (told.session_secret_file, told.record_path, told.duration) == ("/run/secret", "log.mcap", 20.0)
    assert told.headless
    assert {"--/exts/teletwin/width=1280", "--/exts/teletwin/rate_hz=60.0"} <= set(for_kit)
    assert {"--/exts/teletwin/max_speed_rad_s=0.5", "--/exts/teletwin/delay_ms=20.0"} <= set(for_kit)


def test_the_sessions_secret_stands_in_no_word_that_is_run(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("TELETWIN_SESSION_SECRET", "hush hush hush hush")
    (tmp_path / "secret").write_text("hush hush hush hush")
    by_environment = command(RunOptions(role="twin", sim="isaac"), folder)
    by_file = command(RunOptions(role="twin", sim="isaac", session_secret_file=str(tmp_path / "secret")), folder)
    assert "hush" not in " ".join(by_environment + by_file)
    assert "--session-secret-file" not in by_environment  # the process that it becomes keeps the environment
    assert by_file[by_file.index("--session-secret-file") + 1] == str(tmp_path / "secret")
    told, for_kit = read_as_the_script_does(by_file)
    assert told.session_secret_file == str(tmp_path / "secret")
    assert not [word for word in for_kit if "secret" in word or "token" in word]


def test_what_isaac_sims_twin_would_not_hear_is_refused_not_lost(folder):
    refused = {
        "--link": SessionCfg(link="dds"),
        "--paper-mode": SessionCfg(paper_mode=True),
        "--network": SessionCfg(network=NetworkCfg(up="delay_ms=80")),
    }
    for name, session in refused.items():
        with pytest.raises(ConfigError, match=name):
            command(RunOptions(role="twin", sim="isaac", session=session), folder)


def test_a_python_that_has_isaac_sim_is_taken_itself(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert command(RunOptions(role="twin", sim="isaac"), folder)[0] == sys.executable


def test_without_isaac_sim_one_line_says_how_to_launch(tmp_path):
    for environment in ({}, {"ISAAC_SIM_PATH": str(tmp_path)}):
        with pytest.raises(MissingPartError, match=r"ISAAC_SIM_PATH.*python\.sh scripts/isaac_twin\.py"):
            run_in_isaac(RunOptions(role="twin", sim="isaac"), environment=environment)


def test_the_command_line_says_so_too_before_anything_starts(monkeypatch):
    for name in ("ISAAC_SIM_PATH", "ISAACSIM_PATH", "ISAAC_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingPartError, match="no Isaac Sim is found"):
        main(["--role", "twin", "--sim", "isaac"])


@pytest.mark.parametrize("role", ["operator", "arm"])
def test_only_the_twin_runs_there(folder, role):
    with pytest.raises(ConfigError, match="--role twin"):
        command(RunOptions(role=role, sim="isaac"), folder)


def test_an_installation_without_the_extension_says_so(folder, tmp_path):
    with pytest.raises(MissingPartError, match="checkout"):
        run_in_isaac(
            RunOptions(role="twin", sim="isaac"),
            environment={"ISAAC_SIM_PATH": str(folder)},
            script=tmp_path / "missing.py",
        )
