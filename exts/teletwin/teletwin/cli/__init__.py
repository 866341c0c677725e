"""The command line: `teletwin demo | run | secret | export | verify | replay | forecast | train | evaluate | bench`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from teletwin.errors import MissingPartError, SaidError, TeletwinError

_COMMANDS = {
    "demo": "the whole loop on this machine, with the page; a recorded hand until a person takes over",
    "run": "one role of a session: operator, twin or arm",
    "secret": "a new secret for the roles of a session",
    "export": "trajectories, one MCAP file or a rerun file from a recorded session",
    "verify": "whether an audit log is what its role wrote",
    "replay": "a recorded session again, bit for bit, or its hand with other settings",
    "forecast": "forecasters side by side on recorded and made-up hands; `forecast fit` fits the pooled model",
    "train": "a horizon policy that learns, from recordings or from the person at the page",
    "evaluate": "trained policies beside the rule, fixed horizons and the oracle",
    "bench": "speed of every stage, beside what a user would pick instead",
    "doctor": "what this machine has and lacks, with the mend",
}

_STARTS_ROLES = ("demo", "run")
_IN_TRAINING = {"train": "teletwin_training.cli.train", "evaluate": "teletwin_training.cli.evaluate"}
"""Modules of commands that the runtime does not know; it never imports them but by these names."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    try:
        status = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        if _is_read():
            raise
        return 1


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from teletwin import __version__

        print(f"teletwin {__version__}")
        return 0
    name = arguments[0]
    if name not in _COMMANDS:
        print(f"teletwin: unknown command; given: {name}; allowed: {', '.join(_COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return _command(name)(arguments[1:])
    except SaidError:
        return 2
    except TeletwinError as error:
        print(f"teletwin {name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _command(name: str) -> Callable[[list[str]], int]:
    """The function behind a command, imported when asked for."""
    import importlib

    if name in _IN_TRAINING:
        return lambda arguments: _train(_IN_TRAINING[name], arguments)
    if name not in _STARTS_ROLES:
        return importlib.import_module(f"teletwin.cli.{name}").main
    from teletwin.session.realtime import hurried

    with hurried():
        return importlib.import_module(f"teletwin.cli.{name}").main


def _train(module: str, arguments: list[str]) -> int:
    """Run a command of the training package; what it lacks may show only while it runs."""
    import importlib

    try:
        return importlib.import_module(module).main(arguments)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if missing.startswith(("teletwin.", "teletwin_training.")):
            raise  # not a package that can be installed but a mistake of ours
        raise MissingPartError(
            f"this command needs {missing}, which is not installed", mend="pip install 'teletwin[train]'"
        ) from error


def _is_read() -> bool:
    """Whether somebody still reads our output; `| head` ends before we do."""
    try:
        print(flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains at its end
        return False
    return True


def _help() -> str:
    """What the commands are."""
    lines = [f"  {name:<8} {text}" for name, text in _COMMANDS.items()]
    return "\n".join(
        [
            "teletwin: drive a distant UR3e through its digital twin",
            "",
            *lines,
            "",
            "teletwin COMMAND --help tells its options.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
