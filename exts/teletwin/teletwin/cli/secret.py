"""`teletwin secret`: a new secret for the roles of a session."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.cli.options import read_options
from teletwin.link.secret import generated_secret


@dataclass(frozen=True, kw_only=True)
class SecretOptions:
    """`teletwin secret` has no options; write what it prints to a file: (umask 077; teletwin secret > FILE)."""


def main(arguments: list[str]) -> int:
    """Print it."""
    read_options(SecretOptions, arguments, command="secret", description=__doc__ or "")
    print(generated_secret())
    return 0
