"""A recorded session once more: the same, its control function alone, or with other settings."""

from __future__ import annotations

from teletwin.session.replay.again import replay_virtual
from teletwin.session.replay.control import replay_control
from teletwin.session.replay.difference import CommandDifference
from teletwin.session.replay.recorded import RecordedHand, recorded_settings
from teletwin.session.replay.variants import Variant, run_variant, variants

__all__ = [
    "CommandDifference",
    "RecordedHand",
    "Variant",
    "recorded_settings",
    "replay_control",
    "replay_virtual",
    "run_variant",
    "variants",
]
