"""What the allocator sees of a tick in a running session: the columns of `teletwin.allocation.features`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.allocation.features import Feature
from teletwin.geometry import Array

TICK_S = 0.1
"""From one allocation to the next [s]."""
REQUEST_DEADLINE_MS = 150.0
UPDATE_DEADLINE_MS = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits and what comes, in a running session's own units."""

    capacity_bps: float
    """Of the way to the operator."""
    frame_backlog_bits: float
    """Of pictures, on the way."""
    update_backlog_bits: float
    """Of updates, on the way."""
    frame_bps: float
    """Pictures as they were asked for."""
    update_bps: float
    """Updates at their full rate."""
    frames_due: float
    """Pictures that packets wait for [count]."""
    frame_ms: float
    """Cost of one of them as they are drawn now."""
    frame_load_ms: float
    """Work of pictures in a second, as they were asked for."""
    steps_due: float
    """Steps by which the shown world is behind."""
    step_ms: float
    """Cost of one of them."""
    step_load_ms: float
    """Work of physics in a second at its finest step."""
    request_ms: float
    """Age of the oldest packet that is not on the screen."""
    update_ms: float
    """Age of the newest state of the arm at the operator's side."""


def features(seen: Waiting, *, link_share: float, compute_share: float) -> Array:
    """Features (16,) of one tick; a second of this machine's time is the whole compute."""
    tick_bits, tick_ms = max(seen.capacity_bps * TICK_S, 1.0), 1e3 * TICK_S
    row = np.zeros(len(Feature))
    row[Feature.REQUEST_QUEUE], row[Feature.UPDATE_QUEUE] = seen.frames_due, seen.steps_due
    row[Feature.LINK_REQUESTS] = row[Feature.LINK_WORST_REQUESTS] = seen.frame_backlog_bits / tick_bits
    row[Feature.LINK_UPDATES] = row[Feature.LINK_WORST_UPDATES] = seen.update_backlog_bits / tick_bits
    row[Feature.COMPUTE_REQUESTS] = seen.frames_due * seen.frame_ms / tick_ms
    row[Feature.COMPUTE_UPDATES] = seen.steps_due * seen.step_ms / tick_ms
    row[Feature.LINK_LOAD_REQUESTS] = seen.frame_bps * TICK_S / tick_bits
    row[Feature.LINK_LOAD_UPDATES] = seen.update_bps * TICK_S / tick_bits
    row[Feature.COMPUTE_LOAD_REQUESTS] = seen.frame_load_ms * TICK_S / tick_ms
    row[Feature.COMPUTE_LOAD_UPDATES] = seen.step_load_ms * TICK_S / tick_ms
    row[Feature.REQUEST_AGE] = seen.request_ms / REQUEST_DEADLINE_MS
    row[Feature.UPDATE_AGE] = seen.update_ms / UPDATE_DEADLINE_MS
    row[Feature.LINK_SHARE], row[Feature.COMPUTE_SHARE] = link_share, compute_share
    return row
