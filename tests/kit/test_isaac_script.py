"""The standalone script tells Isaac Sim the right things and goes on until it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    import isaac_twin

    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield isaac_twin
    for number, handler in kept.items():
        signal.signal(number, handler)


class App:
    """Stands for SimulationApp: counts updates, closes after some."""

    made = None

    def __init__(self, launch_config=None, experience=""):
        self.config, self.experience = launch_config, experience
        self.updates, self.is_closed = 0, False
        self.on_update = lambda count: None
        type(self).made = self

    def is_running(self):
        return self.updates < 50

    def is_exiting(self):
        return False

    def update(self):
        self.updates += 1
        self.on_update(self.updates)

    def close(self, wait_for_replicator=True, skip_cleanup=False):
        self.is_closed = True


@pytest.fixture
def isaac(monkeypatch):
    monkeypatch.setitem(sys.modules, "isaacsim", SimpleNamespace(SimulationApp=App))
    return App


def config(script, *arguments):
    return script.launch_config(*script.read_options(list(arguments)))


def test_the_extension_is_found_enabled_started_and_told_its_settings(script):
    told = config(script, "--headless", "--operator", "learn", "--session-secret-file", "/run/secret")["extra_args"]
    folder = Path(told[told.index("--ext-folder") + 1])
    assert (folder / "teletwin" / "config" / "extension.toml").is_file()
    assert told[told.index("--enable") + 1] == "teletwin"
    wanted = ("autostart=true", "role=twin", "operator=learn", "session_secret_file=/run/secret", "window=off")
    assert {f"--/exts/teletwin/{each}" for each in wanted} <= set(told)


@pytest.mark.parametrize(
    "words",
    [
        ["--/exts/teletwin/page_token=hush"],
        ["--/exts/teletwin/session_token", "hush"],
        ["--session-secret", "hush"],  # no short form of --session-secret-file
        ["--page-token=hush"],
        ["--/other/Password=hush"],
    ],
)
def test_a_secret_is_refused_before_kit_could_print_its_command_line(script, isaac, capsys, words):
    isaac.made = None
    with pytest.raises(SystemExit):
        script.main(["--headless", *words])
    assert isaac.made is None
    said = capsys.readouterr().err
    assert words[0].partition("=")[0] in said
    assert "hush" not in said
    assert "TELETWIN_SESSION_SECRET" in said


def test_secrets_go_by_the_environment_or_a_file_never_in_the_words_that_kit_gets(script, isaac, monkeypatch, tmp_path):
    for name in ("TELETWIN_SESSION_SECRET", "TELETWIN_PAGE_TOKEN"):
        monkeypatch.setenv(name, "hush hush hush hush")
    files = {name: tmp_path / name for name in ("session-secret-file", "page-token-file")}
    for path in files.values():
        path.write_text("hush hush hush hush")
    words = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert script.main(["--headless", "--role", "local", *words]) == 0
    told = isaac.made.config["extra_args"]
    assert f"--/exts/teletwin/page_token_file={files['page-token-file']}" in told
    assert f"--/exts/teletwin/session_secret_file={files['session-secret-file']}" in told
    assert "hush" not in " ".join(told)
    assert "hush" not in str(isaac.made.config)


def test_every_forwarded_option_is_a_setting_of_the_extension(script):
    declared = tomllib.loads((ROOT / "exts/teletwin/config/extension.toml").read_text()).get("settings")
    if declared is None:
        pytest.skip("the extension declares no settings")
    assert {*script.FORWARDED, "window", "autostart"} <= set(declared["exts"]["teletwin"])


def test_what_the_script_does_not_know_goes_to_kit(script):
    told = config(script, "--/exts/teletwin/rate_hz=60", "--no-window")["extra_args"]
    assert told[-2:] == ["--/exts/teletwin/rate_hz=60", "--no-window"]


def test_a_window_is_shown_unless_headless_and_the_livestream_shows_its_ui(script):
    shown = config(script)
    assert (shown["headless"], shown["hide_ui"]) == (False, None)
    assert "--/exts/teletwin/window=off" not in shown["extra_args"]
    unseen = config(script, "--headless")
    assert (unseen["headless"], unseen["hide_ui"]) == (True, None)
    streamed = config(script, "--livestream")
    assert (streamed["headless"], streamed["hide_ui"]) == (True, False)


def test_a_viewport_that_nobody_sees_does_not_render(script):
    assert config(script)["disable_viewport_updates"] is False
    assert config(script, "--headless")["disable_viewport_updates"] is True
    assert config(script, "--envs", "4")["disable_viewport_updates"] is True
    for arguments in (["--livestream"], ["--headless", "--livestream"]):
        streamed = config(script, *arguments)
        assert streamed["disable_viewport_updates"] is False
        assert "--/exts/teletwin/viewport=on" in streamed["extra_args"]


def test_the_experience_without_delay_is_taken_where_it_is(script, monkeypatch, tmp_path):
    monkeypatch.setenv("EXP_PATH", str(tmp_path))
    assert script.experience_file(script.ZERO_DELAY) == ""
    (tmp_path / script.ZERO_DELAY).touch()
    assert script.experience_file(script.ZERO_DELAY) == str(tmp_path / script.ZERO_DELAY)
    assert script.experience_file("/own/app.kit") == "/own/app.kit"


def test_it_updates_until_the_application_closes_and_then_closes_it(script, isaac):
    assert script.main(["--headless"]) == 0
    assert isaac.made.updates == 50
    assert isaac.made.is_closed


def test_a_signal_ends_it_in_order(script, isaac):
    options, rest = script.read_options(["--headless"])
    app = script.start_app(options, rest)
    app.on_update = lambda count: os.kill(os.getpid(), signal.SIGTERM) if count == 3 else None
    script.run_twin(app, 0.0)
    assert app.updates == 3


def test_an_error_closes_the_application_too(script, isaac, monkeypatch):
    monkeypatch.setattr(script, "run_twin", lambda *_: (_ for _ in ()).throw(RuntimeError("x")))
    with pytest.raises(RuntimeError):
        script.main(["--headless"])
    assert isaac.made.is_closed


@pytest.mark.parametrize("known", [0, 1])
def test_the_livestream_of_either_version_is_enabled(script, monkeypatch, known):
    asked = []

    def enable(name, value):
        asked.append(name)
        return name == script.LIVESTREAMS[known]

    manager = SimpleNamespace(set_extension_enabled_immediate=enable)
    application = SimpleNamespace(get_extension_manager=lambda: manager)
    monkeypatch.setitem(sys.modules, "omni.kit.app", SimpleNamespace(get_app=lambda: application))
    script.enable_livestream()
    assert asked == list(script.LIVESTREAMS[: known + 1])


def test_cloned_arms_are_driven_and_measured(script, isaac, monkeypatch, capsys):
    pytest.importorskip("pxr")
    from fake_motion import install_cloning

    install_cloning(monkeypatch, "6.0.1")
    monkeypatch.setitem(sys.modules, "isaacsim", sys.modules["isaacsim"])
    sys.modules["isaacsim"].SimulationApp = App
    assert script.main(["--envs", "3", "--steps", "20", "--device", "cpu"]) == 0
    assert "arms 3" in capsys.readouterr().out
    assert "--enable" not in App.made.config["extra_args"]


@pytest.mark.live
def test_another_python_is_told_in_one_line_how_to_run_it():
    done = subprocess.run([sys.executable, str(ROOT / "scripts/isaac_twin.py")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "python.sh" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_nothing_of_teletwin_is_imported_before_isaac_sim_runs():
    # else teletwin.kit stays in sys.modules without its Extension, and Kit finds none
    text = (ROOT / "scripts/isaac_twin.py").read_text()
    assert "import teletwin" not in text
    assert "from teletwin" not in text
