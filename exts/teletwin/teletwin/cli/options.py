"""Reads a command's options into its dataclass, and says in one line what is wrong with them."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from typing import TypeVar

from teletwin.errors import ConfigError

T = TypeVar("T")
_TOKEN_OPTIONS = ("--token", "--page.token", "--page-token", "--admin-token", "--page.admin-token", "--watch-token")
_FRAME = re.compile(r"[\u2500-\u257f]+")
_TITLE = re.compile(r"^\u256d.*$", re.MULTILINE)


def read_options(
    kind: type[T], arguments: Sequence[str], *, command: str, description: str, default: T | None = None
) -> T:
    """The options as an instance of `kind`, a dataclass; nested ones without prefix; `default` in place of its own.

    Raises:
        ConfigError: An option is unknown, or its value is not allowed.
    """
    import tyro

    _refuse_tokens(arguments)
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            return tyro.cli(
                kind,
                args=arguments,
                prog=f"teletwin {command}",
                description=description,
                config=(tyro.conf.OmitArgPrefixes,),
                default=tyro.MISSING_NONPROP if default is None else default,
            )
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise ConfigError(_one_line(told.getvalue()), mend=f"teletwin {command} --help lists them") from None


def _refuse_tokens(arguments: Sequence[str]) -> None:
    """A command line can be read by everybody on the machine, and stays in the shell's history."""
    for argument in arguments:
        name = argument.partition("=")[0].replace("_", "-")
        if name in _TOKEN_OPTIONS:
            which = next((each for each in ("admin", "watch") if each in name), "")
            file = f"--{which}-token-file" if which else "--token-file"
            variable = f"TELETWIN_PAGE_{which.upper()}_TOKEN" if which else "TELETWIN_PAGE_TOKEN"
            raise ConfigError(
                "a token of the page on the command line can be read by others",
                given=name,
                allowed=f"{file} FILE or the environment's {variable}; without them one is made",
            )


def _one_line(told: str) -> str:
    """The parser's message without its frame and the frame's title."""
    words = " ".join(_FRAME.sub(" ", _TITLE.sub("", told)).split())
    return words.split(" For full helptext")[0] or "the options cannot be read"
