"""What the reading of one file may still take of memory."""

from __future__ import annotations

import os

from teletwin.errors import ConfigError, TooLargeError

MIB = 1024 * 1024
READ_MIB = 224
"""Of one file, or of the files of one session together; with Python and the libraries it stays below 300 MB."""
READ_MIB_VARIABLE = "TELETWIN_READ_MIB"


def read_bytes_max() -> int:
    """The bound [bytes]: READ_MIB, or what the environment says.

    Raises:
        ConfigError: The environment says something that is no bound.
    """
    text = os.environ.get(READ_MIB_VARIABLE, "")
    if not text:
        return READ_MIB * MIB
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise ConfigError(f"{READ_MIB_VARIABLE} cannot be used", given=text, allowed="a whole number of MiB from 1")
    return int(text) * MIB


class Allowance:
    """The memory that reading `source` may take; each part is asked for before it is made.

    Args:
        source: What errors call the file.
        byte_count: The whole of it; `read_bytes_max()` when left out.
    """

    def __init__(self, source: object, *, byte_count: int | None = None) -> None:
        self.source = source
        self._whole = self._left = read_bytes_max() if byte_count is None else byte_count

    def take(self, byte_count: int) -> None:
        """Use up byte_count [bytes].

        Raises:
            TooLargeError: So much is not left.
        """
        self._left -= byte_count
        if self._left < 0:
            raise too_large(self.source, needed=self._whole - self._left)

    def check(self, byte_count: int) -> None:
        """Refuse what would take byte_count [bytes] for a while, without using it up.

        Raises:
            TooLargeError: So much is not left.
        """
        if byte_count > self._left:
            raise too_large(self.source, needed=self._whole - self._left + byte_count)


def too_large(source: object, *, needed: int) -> TooLargeError:
    """The refusal of a file that takes `needed` [bytes] or more."""
    return TooLargeError(
        "reading this takes too much memory",
        given=f"{source}, {needed / MIB:,.0f} MiB or more",
        allowed=f"{read_bytes_max() // MIB} MiB",
        mend=f"for a file that you trust, raise the bound: {READ_MIB_VARIABLE}={_next_mib(needed)}",
    )


def _next_mib(needed: int) -> int:
    """The next round bound above what was needed so far."""
    return 1 << max(needed // MIB, 1).bit_length()
