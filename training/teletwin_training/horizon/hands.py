"""Hands to train and to be judged on: recordings and made-up operators, with their forecasts, slot by slot."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_S
from teletwin.errors import RecordingError
from teletwin.forecast import WINDOW_COUNT
from teletwin.forecast.table import window_tables
from teletwin.geometry import Array
from teletwin.hand import load_hand
from teletwin.hand.recording import GAP_MAX_S, HandRecording
from teletwin.hand.resampled import HandWindows, ResampledHand, resample
from teletwin.horizon.observation import MOTION_NAMES, window_motion_table
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin_training.horizon.left_out import OnLeftOut, usable

PAST_SLOTS = WINDOW_COUNT + 64
"""Slots that must lie before an episode: the forecaster's window, and packets under way when it begins."""
FUTURE_SLOTS = 150
"""Slots that must lie after it: the last packet's effect is judged by what the hand does then, a picture that stands
still for a second among it; nothing later is."""
ORACLE = "oracle"
"""Name of a forecaster that knows what the hand will do: the bound that no forecaster can pass."""
_LOG = logging.getLogger(__name__)
SHORTEST_S = 6.0
"""A recording must be at least this long [s]."""

MOTIONS: dict[str, tuple[str, ...]] = {
    "smooth": ("handwriting", "tum", "line", "touch", "trace"),
    "fast": ("broad", "wearmocap"),
    "stop-and-go": ("reach", "write", "jigsaws"),
    "tool": ("turning", "pair", "screws", "rosma"),
}
"""Kind of motion to how the names of its hands begin."""


def motion_of(name: str) -> str:
    """Kind of motion of a hand by its name; 'other' for one that is not known."""
    starts = [(kind, start) for kind, all_starts in MOTIONS.items() for start in all_starts if name.startswith(start)]
    return max(starts, key=lambda pair: len(pair[1]))[0] if starts else "other"


def source_of(name: str) -> str:
    """Where a hand comes from, by its name: a generator, or a set of recordings."""
    kind, _, rest = name.partition(":")
    return kind if rest else name.partition("_")[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class HandBank:
    """Tracks of hands on the grid of slots, one after the other in the rows of common arrays."""

    names: tuple[str, ...]
    scales: tuple[float, ...]
    """Metres here over metres of the recorded motion, by hand."""
    first_row: NDArray[np.int64]
    """(hands,) where each begins."""
    slot_count: NDArray[np.int64]
    """(hands,) slots of each."""
    poses: Array
    """(rows, 7) where the hand is at each slot: what arm and picture are judged by."""
    seen: Array
    """(rows, 7) newest sample that has come by then: what the loop is told."""
    age_s: Array
    """(rows,) how old that is then [s]."""
    curves: Array
    """(rows, CURVE_KNOTS, 7) forecast from each newest sample on; holds it where the past is too short."""
    motion: Array
    """(rows, features) what a policy sees of the motion, see horizon.observation."""
    forecaster: str

    def usual_age_s(self, rows: NDArray[np.integer[Any]]) -> Array:
        """Mean age of the newest sample of the hands that these rows belong to [s]."""
        return self._mean_age_s[np.searchsorted(self.first_row, rows, side="right") - 1]

    @cached_property
    def _mean_age_s(self) -> Array:
        bounds = zip(self.first_row, self.slot_count, strict=True)
        return np.array([self.age_s[first : first + count].mean() for first, count in bounds])

    def rooms(self, slots: int) -> NDArray[np.int64]:
        """How many places (hands,) an episode of so many slots can begin at in each hand."""
        return np.maximum(self.slot_count - PAST_SLOTS - FUTURE_SLOTS - slots + 1, 0)

    def speed_m_s(self, hand: int) -> float:
        """Root mean square speed of a hand as it enters the loop [m/s]."""
        first, count = int(self.first_row[hand]), int(self.slot_count[hand])
        steps = np.diff(self.poses[first : first + count, :3], axis=0) * 100.0
        return float(np.sqrt((steps**2).sum(axis=1).mean()))


def load_hands(
    names: Sequence[str],
    *,
    forecaster: str = "arma",
    longest_s: float = 60.0,
    paces: Sequence[float] = (1.0,),
    on_left_out: OnLeftOut | None = None,
) -> HandBank:
    """Hands by name or path, scaled into the workspace, each at every pace, with their forecasts.

    Args:
        names: Hands by name or path.
        forecaster: By name.
        longest_s: What comes later in a recording is cut off [s].
        paces: One or more.
        on_left_out: Told of every hand that cannot be read or trusted, or is too short; without it that is refused.

    Raises:
        RecordingError: No hand can be used; or, without on_left_out, one cannot.
    """
    home = tool_pose_in_ur_base(HOME_Q)
    loaded = list(usable(names, lambda name: _long_enough(load_hand(name, home_pose=home)), on_left_out=on_left_out))
    if not loaded:
        raise RecordingError("no hand can be used", given=", ".join(names))
    paced = [_paced(recording, pace) for pace in paces for recording in loaded if _can_go_at(recording, pace)]
    if not paced:
        raise RecordingError("no hand can be used at these paces", given=", ".join(f"{pace:g}" for pace in paces))
    return bank_of(paced, forecaster=forecaster, longest_s=longest_s)


def _long_enough(recording: HandRecording) -> HandRecording:
    """The recording.

    Raises:
        RecordingError: It is too short.
    """
    if recording.duration_s < SHORTEST_S:
        raise RecordingError(
            f"recording '{recording.name}' is too short to learn from",
            given=f"{recording.duration_s:.1f} s",
            allowed=f"at least {SHORTEST_S:g} s",
            mend="leave it out of the folder",
        )
    return recording


def is_paced(name: str) -> bool:
    """Whether a hand is another one at another pace."""
    return "@" in name


def _can_go_at(recording: HandRecording, pace: float) -> bool:
    """Whether the recording's gaps are short enough at that pace too; says so where they are not."""
    gap_s = float(np.diff(recording.t_ns).max()) / NS_PER_S
    if pace == 1.0 or gap_s / pace < GAP_MAX_S:
        return True
    _LOG.warning("'%s' is left out at pace %g: its longest gap is %.2f s", recording.name, pace, gap_s)
    return False


def _paced(recording: HandRecording, pace: float) -> HandRecording:
    """The same motion, faster or slower."""
    if pace == 1.0:
        return recording
    t_ns = recording.t_ns[0] + np.round((recording.t_ns - recording.t_ns[0]) / pace).astype(np.int64)
    return replace(recording, name=f"{recording.name}@{pace:g}", t_ns=t_ns)


def bank_of(recordings: Sequence[HandRecording], *, forecaster: str = "arma", longest_s: float = 60.0) -> HandBank:
    """Recorded hands that are in the workspace already.

    Raises:
        RecordingError: One is too short.
    """
    tracks = [_track(_long_enough(recording), longest_s) for recording in recordings]
    windows = [HandWindows(track, count=WINDOW_COUNT) for track in tracks]
    tables = _known_futures(tracks) if forecaster == ORACLE else window_tables(windows, name=forecaster)
    before = WINDOW_COUNT - 1
    counts = np.array([len(track) for track in tracks], dtype=np.int64)
    first = np.cumsum(counts) - counts
    seen = np.concatenate([track.newest() for track in tracks])
    curves = np.repeat(seen[:, None], CURVE_KNOTS, axis=1)
    motion = np.zeros((len(seen), len(MOTION_NAMES)))
    for start, track, each, table in zip(first.tolist(), tracks, windows, tables, strict=True):
        rows = slice(start + before, start + len(track))
        curves[rows] = table
        motion[rows] = window_motion_table(each, table)
    return HandBank(
        names=tuple(recording.name for recording in recordings),
        scales=tuple(recording.scale for recording in recordings),
        first_row=first,
        slot_count=counts,
        poses=np.concatenate([track.even() for track in tracks]),
        seen=seen,
        age_s=np.concatenate([track.age_s for track in tracks]),
        curves=curves,
        motion=motion,
        forecaster=forecaster,
    )


def _known_futures(tracks: Sequence[ResampledHand]) -> list[Array]:
    """Tables as `window_tables` gives them, of what the hands did; at the end of a track it rests."""
    ahead_s = np.arange(CURVE_KNOTS, dtype=np.float64) * CURVE_STEP_S
    return [track.truth(np.arange(WINDOW_COUNT - 1, len(track)), ahead_s) for track in tracks]


def _track(recording: HandRecording, longest_s: float) -> ResampledHand:
    """The motion as the live loop meets it, slot by slot."""
    last = int(np.searchsorted(recording.t_ns, recording.t_ns[0] + round(longest_s * NS_PER_S), side="right"))
    part = HandRecording(
        name=recording.name,
        t_ns=recording.t_ns[:last],
        poses=recording.poses[:last],
        scale=recording.scale,
        rotation_scale=recording.rotation_scale,
    )
    return resample(part)
