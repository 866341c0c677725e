"""What a policy sees of recorded hands on drawn networks: two look-ups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.horizon.observation import later
from teletwin_training.horizon.hands import HandBank
from teletwin_training.horizon.sessions import SessionBank

Rows = NDArray[np.integer[Any]]


def observations(hands: HandBank, sessions: SessionBank, kind: str, row: Rows, session: Rows, slot: Rows) -> Array:
    """Observations (N, n) at rows of hands and slots of sessions, not normalised; kind as in horizon.observation."""
    old_s = hands.usual_age_s(row)[:, None]
    if kind == "paper":
        age = np.maximum(sessions.aol_s[session, slot], 0.0)[:, None]
        return np.concatenate([hands.seen[row], age + old_s], axis=1)
    return np.concatenate([hands.motion[row], later(sessions.delays[session, slot], old_s)], axis=1)
