"""The hands of a study: recordings of a folder, handwriting, operators made up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError, MissingPartError, RecordingError, TooLargeError
from teletwin.geometry import IDENTITY_POSE, Array, rotation_angle
from teletwin.hand import HANDWRITING
from teletwin.hand.readers import GapError, read_recording, recording_files
from teletwin.hand.recording import HandRecording
from teletwin.hand.synthetic import SYNTHETIC_HANDS, draw_recording

HAND_NAMES = (*SYNTHETIC_HANDS, HANDWRITING)
"""Hands that need no file."""
FIRST_SEED = 1000
"""Seeds of the made-up hands of a study; the shipped pooled model was fitted on others."""
_HOME = np.array([0.3, 0.1, 0.3, *IDENTITY_POSE[3:]])
_SPEED_SPAN_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyHand:
    """One row of the study: one hand, in one or several recordings."""

    name: str
    kind: str
    """'recording', 'handwriting' or 'synthetic'."""
    tracks: tuple[HandRecording, ...]
    gaps: int = 0
    """Where the file had to be cut."""


def study_hands(
    *,
    recordings: str = "",
    names: Sequence[str] = HAND_NAMES,
    seeds: int = 1,
    duration_s: float = 60.0,
    scaled: bool,
    left_out: dict[str, str] | None = None,
) -> list[StudyHand]:
    """The hands of a study, recordings first.

    Args:
        recordings: A folder; every file in it that a reader knows is taken. Empty: none.
        names: Some of HAND_NAMES.
        seeds: Operators made up of each kind.
        duration_s: How long each of these moves [s].
        scaled: Bring the motion into the arm's workspace; else it is as it was recorded.
        left_out: Receives the files that cannot be used with the reason, and files are cut at gaps. None refuses both.

    Raises:
        ConfigError: No such folder or hand, or no recording in the folder that can be used.
        RecordingError: A file cannot be read or trusted, and `left_out` is None.
    """
    for name in names:
        if name not in HAND_NAMES:
            raise ConfigError("no hand has this name", given=name, allowed=", ".join(HAND_NAMES))
    hands = _from_folder(recordings, left_out) if recordings else []
    hands += [_by_name(name, seeds=seeds, duration_s=duration_s) for name in names]
    if not hands:
        raise ConfigError("there is no hand to forecast", mend="give --recordings FOLDER or --hands line,reach")
    return [_scaled(hand) for hand in hands] if scaled else hands


def motion_facts(tracks: Iterable[HandRecording]) -> dict[str, dict[str, float]]:
    """How fast these hands move: speed [mm/s] and turn rate [deg/s], over spans of 20 ms."""
    speeds, turns = (np.concatenate(parts) for parts in zip(*(_speeds(track) for track in tracks), strict=True))
    return {"speed_mm_s": _spread(1e3 * speeds), "turn_rate_deg_s": _spread(np.rad2deg(turns))}


def _from_folder(folder: str, left_out: dict[str, str] | None) -> list[StudyHand]:
    hands = []
    for path in recording_files(folder):
        try:
            hands.append(_from_file(path, cut=left_out is not None))
        except (RecordingError, TooLargeError, MissingPartError) as error:
            if left_out is None:
                raise
            left_out[path.name] = str(error)
    if not hands:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in (left_out or {}).items())
        raise ConfigError("no recording of the folder can be used", given=reasons)
    return hands


def _from_file(path: Path, *, cut: bool) -> StudyHand:
    try:
        return StudyHand(name=path.stem, kind="recording", tracks=(read_recording(path),))
    except GapError as gap:
        if not cut:
            raise
        pieces = gap.pieces()
        return StudyHand(name=path.stem, kind="recording", tracks=pieces, gaps=len(pieces) - 1)


def _by_name(name: str, *, seeds: int, duration_s: float) -> StudyHand:
    if name == HANDWRITING:
        from teletwin.hand.handwriting import HandwritingCfg, write_by_hand

        return StudyHand(
            name=name, kind=HANDWRITING, tracks=(write_by_hand(home_pose=_HOME, cfg=HandwritingCfg(size=1.0)),)
        )
    drawn = (draw_recording(name, seed=FIRST_SEED + seed, duration_s=duration_s) for seed in range(seeds))
    return StudyHand(name=name, kind="synthetic", tracks=tuple(drawn))


def _scaled(hand: StudyHand) -> StudyHand:
    from teletwin.hand.scaling import scale_recording

    return replace(hand, tracks=tuple(scale_recording(track, home_pose=_HOME) for track in hand.tracks))


def _speeds(track: HandRecording) -> tuple[Array, Array]:
    """Speed (n,) [m/s] and turn rate (n,) [rad/s]; over a span, so that noise does not count as speed."""
    span = min(max(1, round(_SPEED_SPAN_S * track.rate_hz)), len(track.t_ns) - 1)
    elapsed_s = (track.t_ns[span:] - track.t_ns[:-span]) / NS_PER_S
    distance = np.linalg.norm(track.poses[span:, :3] - track.poses[:-span, :3], axis=1)
    return distance / elapsed_s, rotation_angle(track.poses[:-span, 3:], track.poses[span:, 3:]) / elapsed_s


def _spread(values: Array) -> dict[str, float]:
    return {
        "rms": float(np.sqrt(np.mean(values**2))),
        "median": float(np.median(values)),
        "p90": float(np.percentile(values, 90)),
        "p99": float(np.percentile(values, 99)),
    }
