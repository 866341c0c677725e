"""Where the operator's motion comes from: a recorded hand, or a person at the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.messages import PoseSample

if TYPE_CHECKING:
    from teletwin.hand.recording import HandRecording

HANDWRITING = "handwriting"
"""Name of the hand that needs no file."""


class HandSource(Protocol):
    """Gives samples of a hand, mapped to tool targets in the UR base frame."""

    def poll(self, now_ns: int) -> list[PoseSample]:
        """Samples since the last call, oldest first; times increase over calls and are at most now_ns [ns].

        Only a rest that nobody reported (`is_rest`) may be followed by an earlier sample, which proves it wrong.
        """
        ...


def load_hand(name: str, *, home_pose: Array) -> HandRecording:
    """The hand of this name, scaled and placed before the arm.

    Args:
        name: 'handwriting'; a made-up operator as 'line', 'reach', 'write', 'trace', 'turning', 'pair',
            'screws' or 'line:seed=3'; or the path of a recording, with the part of it to play after a #
            ('session.mcap#/hand/pose').
        home_pose: Tool pose (7,) at the arm's home, UR base frame.

    Raises:
        ConfigError: No hand is named so, and no file.
        RecordingError: The file cannot be read or trusted.
    """
    if name == HANDWRITING:
        from teletwin.hand.handwriting import write_by_hand

        return write_by_hand(home_pose=home_pose)
    from teletwin.hand.scaling import scale_recording

    return scale_recording(raw_hand(name), home_pose=home_pose)


def raw_hand(name: str) -> HandRecording:
    """A made-up operator or a recording by its name, at its own size and place; see load_hand.

    Raises:
        ConfigError: No hand is named so, and no file.
        RecordingError: The file cannot be read or trusted.
    """
    from teletwin.hand.readers import read_recording
    from teletwin.hand.synthetic import recording_by_name

    made_up = recording_by_name(name)
    if made_up is None and not _names_a_file(name):
        raise ConfigError("no such hand", given=name, allowed=f"{', '.join(hand_names())}, or the file of a recording")
    return made_up or read_recording(name)


def hand_names() -> list[str]:
    """Hands that need no file; devices on the operator's host come last."""
    from teletwin.hand.devices import DEVICES
    from teletwin.hand.synthetic import MADE_UP_HANDS

    return [HANDWRITING, *MADE_UP_HANDS, *DEVICES]


def _names_a_file(name: str) -> bool:
    from teletwin.hand.readers import RECORDING_SUFFIXES

    whole = Path(name.partition("#")[0])
    return whole.suffix.lower() in RECORDING_SUFFIXES or whole.is_file()
