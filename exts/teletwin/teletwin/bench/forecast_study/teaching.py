"""A person's habits from recordings, as live sessions would have learned them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from teletwin.forecast import WINDOW_COUNT
from teletwin.forecast.combined import CombinedForecaster
from teletwin.forecast.habits import PersonHabits, nobody
from teletwin.hand.recording import HandRecording
from teletwin.hand.resampled import resample
from teletwin.messages import CURVE_KNOTS

_AT_ONCE = 256
"""Windows that are in memory at a time."""


def taught(tracks: Sequence[HandRecording], *, known: PersonHabits | None = None) -> PersonHabits:
    """What a person's recordings teach, each a session of its own, in order.

    Args:
        tracks: The hand.
        known: What is known of the person before.
    """
    forecaster, curve = CombinedForecaster(), np.empty((CURVE_KNOTS, 7))
    habits = known or nobody()
    for track in tracks:
        forecaster.adopt(habits)
        hand = resample(track)
        for first in range(0, len(hand), _AT_ONCE):
            for window in hand.windows(np.arange(first, min(first + _AT_ONCE, len(hand))), count=WINDOW_COUNT):
                forecaster.forecast(window, out=curve)
        habits = forecaster.habits
    return habits
