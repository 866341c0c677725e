"""Two numbers painted into a picture as blocks, to prove which picture a screen shows.

Row 0 of blocks is the frame id, row 1 the newest input's number; 20 bits each, most significant first,
white for one. Blocks of 16 pixels survive every codec and rate in use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import StreamError

BLOCK_PX = 16
BITS = 20
MODULUS = 1 << BITS
"""Numbers are painted modulo this."""
_PLACES = np.arange(BITS - 1, -1, -1)


def write_barcode(picture: NDArray[np.uint8], *, frame_id: int, input_seq: int) -> None:
    """Paint both numbers over the upper left corner (32 x 320 pixels) of a picture (h, w, 3), in place."""
    _check(picture)
    for row, number in enumerate((frame_id, input_seq)):
        bits = (number % MODULUS >> _PLACES) & 1
        stripe = np.repeat(bits * 255, BLOCK_PX).astype(np.uint8)
        picture[row * BLOCK_PX : (row + 1) * BLOCK_PX, : BITS * BLOCK_PX] = stripe[None, :, None]


def read_barcode(picture: NDArray[np.uint8]) -> tuple[int, int]:
    """Frame id and input number, both modulo MODULUS, from the upper left corner of a picture (h, w, 3)."""
    _check(picture)
    middle = BLOCK_PX // 2
    blocks = picture[middle : 2 * BLOCK_PX : BLOCK_PX, middle : BITS * BLOCK_PX : BLOCK_PX, 1] > 127
    frame_id, input_seq = (blocks @ (1 << _PLACES)).tolist()
    return frame_id, input_seq


def _check(picture: NDArray[np.uint8]) -> None:
    if picture.shape[0] < 2 * BLOCK_PX or picture.shape[1] < BITS * BLOCK_PX:
        allowed = f"at least {BITS * BLOCK_PX}x{2 * BLOCK_PX}"
        raise StreamError("the picture has no room for a barcode", given=picture.shape[:2][::-1], allowed=allowed)
