"""Parity pieces: any k of k + m pieces give back all k.

A systematic code over GF(256) (x^8 + x^4 + x^3 + x^2 + 1). Its parity rows are those of a Cauchy matrix, whose square
parts can all be inverted, with each column divided by its first entry: the first parity piece is then the plain
exclusive or of the pieces (Blömer et al., ICSI TR-95-048, 1995).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PIECES_MAX = 128
PARITIES_MAX = 64

Bytes = NDArray[np.uint8]


def _tables() -> tuple[Bytes, Bytes]:
    """Products (256, 256) and inverses (256,) of the field."""
    exponents, logarithms = np.zeros(510, dtype=np.uint8), np.zeros(256, dtype=np.int64)
    value = 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value = (value << 1) ^ (0x11D if value & 0x80 else 0)
    products = exponents[logarithms[:, None] + logarithms[None, :]]
    products[0, :] = products[:, 0] = 0
    inverses = exponents[255 - logarithms]
    inverses[0] = 0
    return products, inverses


_PRODUCTS, _INVERSES = _tables()
_TIMES = [row.tobytes() for row in _PRODUCTS]
"""Tables for bytes.translate, which multiplies a piece by a factor ten times as fast as indexing does."""


@lru_cache(maxsize=PIECES_MAX)
def _rows(count: int) -> Bytes:
    """Factors (PARITIES_MAX, count) of the pieces in each parity piece."""
    parities, pieces = np.arange(255, 255 - PARITIES_MAX, -1)[:, None], np.arange(count)[None, :]
    cauchy = _INVERSES[parities ^ pieces]
    return _PRODUCTS[cauchy, _INVERSES[cauchy[0]]]


def parity(pieces: Bytes, count: int) -> Bytes:
    """The first `count` parity pieces (count, n) of pieces (k, n); k is at most PIECES_MAX."""
    out = np.zeros((count, pieces.shape[1]), dtype=np.uint8)
    for row, factors in zip(out, _rows(len(pieces)), strict=False):
        _add(row, factors, pieces)
    return out


def rebuild(known: Mapping[int, Bytes], parities: Mapping[int, Bytes], count: int) -> dict[int, Bytes]:
    """The pieces of `count` that are not known, by number; there must be a parity piece for each.

    Args:
        known: Pieces (n,) by number, 0 ... count - 1.
        parities: Parity pieces (n,) by number.
        count: How many pieces there are.
    """
    missing = [number for number in range(count) if number not in known]
    if not missing:
        return {}
    used = sorted(parities)[: len(missing)]
    rows = _rows(count)
    numbers = list(known)
    stacked = np.stack([known[number] for number in numbers]) if numbers else np.zeros((0, 0), np.uint8)
    sums = np.stack([parities[each].copy() for each in used])
    for row, each in zip(sums, used, strict=True):
        _add(row, rows[each, numbers], stacked)
    return dict(zip(missing, _solve(rows[np.ix_(used, missing)].copy(), sums), strict=True))


def _add(row: Bytes, factors: Bytes, pieces: Bytes) -> None:
    """Add the sum of factors[i] * pieces[i] to row (n,)."""
    for factor, piece in zip(factors.tolist(), pieces, strict=True):
        row ^= piece if factor == 1 else _times(factor, piece)


def _times(factor: int, piece: Bytes) -> Bytes:
    return np.frombuffer(piece.tobytes().translate(_TIMES[factor]), np.uint8)


def _solve(matrix: Bytes, sums: Bytes) -> Bytes:
    """Unknowns (m, n) of matrix (m, m) times unknowns = sums (m, n), by elimination; both are used up."""
    for column in range(len(matrix)):
        pivot = column + int(np.flatnonzero(matrix[column:, column])[0])
        for each in (matrix, sums):
            each[[column, pivot]] = each[[pivot, column]]
        inverse = int(_INVERSES[matrix[column, column]])
        for each in (matrix, sums):
            each[column] = _times(inverse, each[column])
        for row in range(len(matrix)):
            factor = int(matrix[row, column])
            for each in (matrix, sums) if row != column and factor else ():
                each[row] ^= _times(factor, each[column])
    return sums
