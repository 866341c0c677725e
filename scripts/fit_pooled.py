"""Fits the pooled model that ships in assets/forecast, on synthetic operators and handwriting only.

python scripts/fit_pooled.py [OUT]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from teletwin.forecast import WINDOW_STEP_S
from teletwin.forecast.fit import fit_pooled
from teletwin.geometry import Array, align_hemispheres, quat_normalize
from teletwin.hand.handwriting import write_by_hand
from teletwin.hand.recording import HandRecording
from teletwin.hand.synthetic import SYNTHETIC_HANDS, draw_hands

OUT = Path(__file__).resolve().parents[1] / "assets" / "forecast" / "pooled.json"
HANDS_OF_A_KIND = 8
DURATION_S = 40.0
SEED = 20_000  # apart from the seeds that studies and tests draw
HOME_POSE = np.array([0.3, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0])


def even_track(recording: HandRecording) -> Array:
    """Poses (n, 7) of a recording on the grid of the forecasters."""
    t_s = (recording.t_ns - recording.t_ns[0]) / 1e9
    grid = np.arange(0.0, t_s[-1], WINDOW_STEP_S)
    track = np.stack([np.interp(grid, t_s, channel) for channel in recording.poses.T], axis=1)
    track[:, 3:] = align_hemispheres(quat_normalize(track[:, 3:]))
    return track


def tracks() -> Iterator[tuple[str, Array]]:
    """The hands that the shipped model learns from."""
    for kind in sorted(SYNTHETIC_HANDS):
        drawn = draw_hands(kind, hands=HANDS_OF_A_KIND, duration_s=DURATION_S, rate_hz=1.0 / WINDOW_STEP_S, seed=SEED)
        for number, track in enumerate(drawn):
            track[:, 3:] = align_hemispheres(quat_normalize(track[:, 3:]))
            yield f"{kind}:{number}", track
    yield "handwriting", even_track(write_by_hand(home_pose=HOME_POSE))


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.parent.mkdir(parents=True, exist_ok=True)
    fit_pooled(tracks()).save(out)
