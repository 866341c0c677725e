"""The secret that all roles of a session share: how good it must be, and the key that is made of it.

Whoever overhears a greeting can try secrets on it at leisure, so a secret must not be found that way: 16 characters
or more and 80 bits by the estimate below, times a slow derivation that costs 0.3 s and 128 MiB a try.

The estimate is simple and errs on the low side. A letter is worth log2(26) bits and a digit log2(10), one more
where the kind changes; letters that look like a word (three or more of one case in a row) 2.5 bits each, about what
random words give; what stands between words 1 bit, other signs 4; and what was to be expected nothing: three
characters that stood together before, or go on in alphabet, digits or keyboard.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import unicodedata

from teletwin.errors import ConfigError

MIN_CHARACTERS, MAX_CHARACTERS = 16, 1024
MIN_BITS = 80.0
_GENERATED_BYTES = 24
_WORD_BITS, _CHANGE_BITS = 2.5, 1.0
_BETWEEN, _BETWEEN_BITS, _SIGN_BITS = " -_.,:;/+", 1.0, 4.0
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}|[^\x00-\x7f]{3,}")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm")
_EXPECTED = "\n".join([*_ROWS, *(row[::-1] for row in _ROWS)])
_SCRYPT = {"n": 1 << 17, "r": 8, "p": 1, "maxmem": 1 << 28, "dklen": 32}


def generated_secret() -> str:
    """A new secret of 192 random bits, 32 characters that a shell leaves alone."""
    while estimated_bits(made := secrets.token_urlsafe(_GENERATED_BYTES)) < MIN_BITS or made.startswith("-"):
        pass
    return made


def estimated_bits(secret: str) -> float:
    """How many bits somebody has to guess; see the module."""
    in_words = {k for word in _WORD.finditer(secret) for k in range(*word.span())}
    folded = secret.casefold() if len(secret.casefold()) == len(secret) else secret
    return sum(_character_bits(secret, folded, k, in_words) for k in range(len(secret)))


def check_secret(secret: str) -> str:
    """The secret in its normal form.

    Raises:
        ConfigError: It is too easy to guess, or too long; a better one is offered.
    """
    normal = unicodedata.normalize("NFC", secret)
    if not MIN_CHARACTERS <= len(normal) <= MAX_CHARACTERS or estimated_bits(normal) < MIN_BITS:
        given = f"{len(normal)} characters, about {estimated_bits(normal[:MAX_CHARACTERS]):.0f} bits"
        allowed = f"{MIN_CHARACTERS} to {MAX_CHARACTERS} characters that cannot be guessed, {MIN_BITS:.0f} bits or more"
        mend = f"take this one, or another from `teletwin secret`: {generated_secret()}"
        raise ConfigError("the session's secret is too weak", given=given, allowed=allowed, mend=mend)
    return normal


def session_number(name: str) -> int:
    """Public 64-bit number of a session, from its name alone."""
    return int.from_bytes(hashlib.sha256(b"teletwin session " + name.encode()).digest()[:8], "little")


def derived_key(secret: str, *, name: str) -> bytes:
    """Pre-shared key of 32 bytes, by scrypt (RFC 7914); takes 0.3 s and 128 MiB.

    The salt is a label and the session's name. Both are public and the same for all roles, which cannot send each
    other a random one before they share a key. So the salt keeps sessions of different names and other programs that
    use the same secret apart, and makes a table of guesses good for one name only; guessing itself is kept off by
    what `check_secret` asks for.
    """
    salt = hashlib.sha256(b"teletwin session key 1 " + name.encode()).digest()
    return hashlib.scrypt(secret.encode(), salt=salt, **_SCRYPT)


def _character_bits(secret: str, folded: str, k: int, in_words: set[int]) -> float:
    if _is_expected(folded, k):
        return 0.0
    if k in in_words:
        return _WORD_BITS
    kind = _kind(secret[k])
    if kind == "other":
        return _BETWEEN_BITS if secret[k] in _BETWEEN else _SIGN_BITS
    changes = k > 0 and _kind(secret[k - 1]) != kind
    return math.log2(10 if kind == "digit" else 26) + _CHANGE_BITS * changes


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if not character.isalpha():
        return "other"
    return "upper" if character.isupper() else "lower"


def _is_expected(text: str, k: int) -> bool:
    """Whether the three characters that end at k stood together before, or follow each other in a row."""
    if k < 1:
        return False
    if k >= 2 and text[k - 2 : k + 1] in _EXPECTED:
        return True
    return text[k] == text[k - 1] or (k >= 3 and text[k - 2 : k + 1] in text[:k])
