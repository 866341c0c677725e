"""Where a role gets its session's secret: a file, the environment, or the person at the terminal.

Never from the command line, which every user of the machine can read in the list of processes.
"""

from __future__ import annotations

import getpass
import os
import stat
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from teletwin.errors import ConfigError
from teletwin.link.secret import MAX_CHARACTERS, check_secret, derived_key, session_number

VARIABLE = "TELETWIN_SESSION_SECRET"
SESSION_NAME = "teletwin"
"""Name of a session that was given none."""
_MAX_FILE_BYTES = 4 * MAX_CHARACTERS + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKey:
    """What a role must know to talk to the others of its session."""

    session_id: int
    """Public number of the session, from its name."""
    key: str = ""
    """Pre-shared key (hex) made of the secret; empty without a secret."""


def session_key(
    *,
    name: str = SESSION_NAME,
    file: str = "",
    ask: bool = False,
    environment: Mapping[str, str] = os.environ,
    prompt: Callable[[str], str] = getpass.getpass,
) -> SessionKey:
    """Number and key of the session; the key is made slowly, so this is called once in a process.

    Args:
        name: The session's name, the same for all roles.
        file: File that holds the secret; before the environment.
        ask: Ask the person at the terminal when neither has one.
        environment: Holds the secret where it is not in a file.
        prompt: Asks.

    Raises:
        ConfigError: The secret is weak, or its file cannot be read or can be read by others.
    """
    secret = read_secret(Path(file)) if file else environment.get(VARIABLE, "")
    if not secret and ask:
        secret = _asked(prompt, name)
    number = session_number(name)
    if not secret:
        return SessionKey(session_id=number)
    return SessionKey(session_id=number, key=derived_key(check_secret(secret), name=name).hex())


def _asked(prompt: Callable[[str], str], name: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would show what is typed
            return prompt(f"secret of the session {name}: ")
    except (EOFError, getpass.GetPassWarning):
        mend = f"--session-secret-file FILE, or the environment's {VARIABLE}"
        raise ConfigError("nobody could be asked for the session's secret", mend=mend) from None


def read_secret(path: Path, what: str = "the session's secret") -> str:
    """What a file holds that its owner alone can read; white space around it does not count.

    Raises:
        ConfigError: There is no such plain file, others can read it, or it holds no text.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe that nobody writes to would be waited for
            raise OSError("no plain file")
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                mend = f"chmod 600 {path}"
                raise ConfigError(f"others can read {what}", given=path, allowed="mode 600", mend=mend)
            text = file.read(_MAX_FILE_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        mend = "make one: (umask 077; teletwin secret > FILE)"
        raise ConfigError(f"{what} cannot be read", given=f"{path} ({error})", mend=mend) from None
    if not text:
        raise ConfigError(f"the file of {what} is empty", given=path, mend="teletwin secret prints one")
    return text


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()
