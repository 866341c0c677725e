"""What a policy sees of recorded hands on drawn networks: two look-ups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin_training.horizon.hands import HandBank
from teletwin_training.horizon.sessions import SessionBank

Rows = NDArray[np.integer[Any]]


def observations(hands: HandBank, sessions: SessionBank, kind: str, row: Rows, session: Rows, slot: Rows) -> Array:
    """Observations (N, n) at rows of hands and slots of sessions, not normalised; kind as in horizon.observation."""
    if kind == "paper":
        age = np.maximum(sessions.aol_s[session, slot], 0.0)[:, None]
        return np.concatenate([hands.poses[row], age], axis=1)
    return np.concatenate([hands.motion[row], sessions.delays[session, slot]], axis=1)
