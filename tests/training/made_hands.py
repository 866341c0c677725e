"""Hands that are made up for tests of the training loop, on the grid of slots, around the arm's home."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.hand import load_hand
from teletwin.hand.recording import HandRecording
from teletwin.hand.resampled import resample
from teletwin.messages import CURVE_KNOTS
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin_training.horizon.hands import HandBank
from teletwin_training.horizon.timing import SLOT_NS


def on_grid(name: str, poses: Array) -> HandRecording:
    return HandRecording(name=name, t_ns=np.arange(len(poses)) * SLOT_NS, poses=poses)


def handwriting(slots: int = 2000) -> HandRecording:
    track = resample(load_hand("handwriting", home_pose=tool_pose_in_ur_base(HOME_Q))).even()[:slots]
    return on_grid("handwriting", track)


def waves(slots: int, *, seed: int = 0, still_slots: int = 0) -> HandRecording:
    """Sums of sines in position and orientation, at rest for still_slots at both ends."""
    rng = np.random.default_rng(seed)
    t_s = 0.01 * np.arange(slots)
    rate, phase = rng.uniform(1.5, 4.0, (2, 3, 1)), rng.uniform(0.0, 6.0, (2, 3, 1))
    swing = np.sin(rate * t_s + phase)
    if still_slots:
        steps = np.arange(slots)
        share = np.clip((np.minimum(steps, slots - 1 - steps) - still_slots) / 100.0, 0.0, 1.0)
        swing *= share * share * (3.0 - 2.0 * share)
    home = tool_pose_in_ur_base(HOME_Q)
    poses = np.empty((slots, 7))
    poses[:, :3] = home[:3] + 0.03 * swing[0].T
    poses[:, 3:] = quat_multiply(quat_from_rotvec(0.15 * swing[1].T), home[3:])
    return on_grid(f"waves:seed={seed}", poses)


def ramp(slots: int, *, speed_m_s: float) -> HandRecording:
    """A straight way at constant speed, through home in its middle."""
    poses = np.tile(tool_pose_in_ur_base(HOME_Q), (slots, 1))
    poses[:, 1] += speed_m_s * 0.01 * (np.arange(slots) - slots / 2)
    return on_grid("ramp", poses)


def foreseen(hands: HandBank) -> HandBank:
    """The same hands with the true future for a forecast."""
    ahead = np.arange(len(hands.poses))[:, None] + 2 * np.arange(CURVE_KNOTS)
    return replace(hands, curves=hands.poses[np.minimum(ahead, len(hands.poses) - 1)])
