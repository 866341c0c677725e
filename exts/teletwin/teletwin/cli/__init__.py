"""The command line: `teletwin demo | run | export | forecast | bench | doctor`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from teletwin.errors import SaidError, TeletwinError

_COMMANDS = {
    "demo": "the whole loop on this machine, with the page; a recorded hand until a person takes over",
    "run": "one role of a session: operator, twin or arm",
    "export": "TUM trajectories from a recorded session",
    "forecast": "forecasters side by side on recorded and made-up hands; `forecast fit` fits the pooled model",
    "bench": "speed of every stage, beside what a user would pick instead",
    "doctor": "what this machine has and lacks, with the mend",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
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

    return importlib.import_module(f"teletwin.cli.{name}").main


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
