"""Seeded mutations of bytes: flips, cuts, repeats, numbers at the ends of their ranges, words of two inputs mixed."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

_SPECIAL = (
    *(struct.pack("<d", value) for value in (float("nan"), float("inf"), -float("inf"), 1e308, -0.0)),
    *(struct.pack(">d", value) for value in (float("nan"), 1e308)),
    *(struct.pack("<q", value) for value in (-(2**63), 2**63 - 1, -1, 0)),
    *(struct.pack("<I", value) for value in (0xFFFFFFFF, 0x80000000, 0)),
    *(b"\xff\xff", b"\x00\x00", b"\x7f", b"NaN", b"1e999", b"-1", b"null", b"[" * 200, b'{"a":' * 100, b"\xc3\x28"),
    *(b"true", b'""', b"99999999999999999999999", b",", b"\n", b"\x00" * 16, b"..", b"%s%n"),
)
_BYTES_MAX = 1 << 18


class Mutator:
    """Draws mutations; the same seed gives the same bytes."""

    def __init__(self, corpus: Sequence[bytes], *, seed: int) -> None:
        self._corpus, self._random = list(corpus), random.Random(seed)

    def draw(self) -> bytes:
        """One input, made of a good one by one to four changes; now and then nothing but noise."""
        draw = self._random
        if draw.random() < 0.02:
            return draw.randbytes(draw.randrange(200))
        data = bytearray(draw.choice(self._corpus))
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            self._change(data)
        return bytes(data[:_BYTES_MAX])

    def _change(self, data: bytearray) -> None:
        draw = self._random
        at = draw.randrange(len(data) + 1)
        match draw.randrange(8):
            case 0 | 1 if data:
                data[at % len(data)] ^= 1 << draw.randrange(8)
            case 2 if data:
                data[at % len(data)] = draw.randrange(256)
            case 3:
                del data[at : at + draw.choice((1, 2, 8, 100, 10**6))]
            case 4:
                special = draw.choice(_SPECIAL)
                data[at : at + len(special)] = special
            case 5:
                data[at:at] = draw.choice(_SPECIAL)
            case 6:
                data[at:at] = data[at : at + draw.choice((1, 4, 16, 64, 1024))] * draw.choice((1, 2, 16))
            case _:
                other = draw.choice(self._corpus)
                start = draw.randrange(len(other) + 1)
                data[at:] = other[start:]
