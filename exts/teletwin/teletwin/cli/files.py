"""Looks at the files of a command before anything starts, so that one line tells what is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

from teletwin.errors import ConfigError
from teletwin.hand import HANDWRITING, raw_hand
from teletwin.hand.devices.choose import check_device


def check_files(*, hand: str, report: str, record: str) -> None:
    """Refuse a hand that cannot be read, and a report or recording that cannot be written.

    Raises:
        ConfigError: A file cannot be written where it is wanted, or a device's file or topic cannot be used.
        RecordingError: The hand's file cannot be read or trusted.
    """
    if hand != HANDWRITING and not check_device(hand):
        raw_hand(hand)
    for name, text in (("report", report), ("record", record)):
        if text:
            _check_writable(Path(text), name)


def _check_writable(path: Path, name: str) -> None:
    """A file in a folder that is there or can be made."""
    if path.is_dir():
        raise ConfigError(f"--{name} names a folder", given=path, allowed="a file")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigError(f"--{name} cannot be written", given=path, allowed="a file in a folder that can be written")
