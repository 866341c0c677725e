"""Commands whose code lies in the training package, as the runtime's command line sees them."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from teletwin.cli import main

MODULES = {"train": "teletwin_training.cli.train", "evaluate": "teletwin_training.cli.evaluate"}


@pytest.fixture(params=sorted(MODULES))
def command(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ModuleType]:
    """A command and the module that stands in for its own."""
    module = ModuleType(MODULES[request.param])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return request.param, module


def lacking(package: str):
    def run(arguments):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    return run


def test_a_command_of_training_gets_the_rest_of_the_line(command):
    name, module = command
    module.main = lambda arguments: 3 if arguments == ["horizon", "--epochs", "2"] else 0
    assert main([name, "horizon", "--epochs", "2"]) == 3


@pytest.mark.parametrize("package", ["torch", "rl_games", "gymnasium"])
def test_a_missing_package_is_one_line_with_the_mend(command, package, capsys):
    name, module = command
    module.main = lacking(package)
    assert main([name]) == 2
    told = f"teletwin {name}: this command needs {package}, which is not installed; pip install 'teletwin[train]'\n"
    assert capsys.readouterr().err == told


def test_a_missing_training_package_is_told_the_same_way(monkeypatch, capsys):
    monkeypatch.setattr("importlib.import_module", lacking("teletwin_training"))
    assert main(["train"]) == 2
    assert "needs teletwin_training, which is not installed; pip install 'teletwin[train]'" in capsys.readouterr().err


def test_a_mistake_of_ours_is_not_called_a_missing_package(command):
    name, module = command
    module.main = lacking("teletwin_training.horizon.nowhere")
    with pytest.raises(ModuleNotFoundError):
        main([name])
