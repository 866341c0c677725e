"""The same hand as a slower device would have sampled it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from teletwin.bench.forecast_study.hands import StudyHand
from teletwin.clock import NS_PER_S
from teletwin.geometry import quat_normalize
from teletwin.hand.recording import HandRecording

_SLOWER_SHARE = 0.95
"""A rate must lie below the recorded one by more than this, or it is the same hand once more."""


def at_rate(hand: StudyHand, rate_hz: float) -> StudyHand | None:
    """A recording sampled at an even rate; None for a made-up hand and where it was not recorded faster."""
    if hand.kind != "recording" or rate_hz > _SLOWER_SHARE * hand.tracks[0].rate_hz:
        return None
    return replace(hand, tracks=tuple(_sampled(track, rate_hz) for track in hand.tracks))


def _sampled(track: HandRecording, rate_hz: float) -> HandRecording:
    count = int((track.t_ns[-1] - track.t_ns[0]) * rate_hz / NS_PER_S) + 1
    t_ns = track.t_ns[0] + np.round(np.arange(count) * (NS_PER_S / rate_hz)).astype(np.int64)
    known = (track.t_ns - track.t_ns[0]).astype(np.float64)
    offset = (t_ns - track.t_ns[0]).astype(np.float64)
    poses = np.stack([np.interp(offset, known, channel) for channel in track.poses.T], axis=1)
    poses[:, 3:] = quat_normalize(poses[:, 3:])
    return replace(track, t_ns=t_ns, poses=poses)
