"""The tables that a step looks up, on the device: hands with their forecasts, and times of sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.warp_runtime import load_warp
from teletwin_training.horizon.hands import HandBank
from teletwin_training.horizon.sessions import SessionBank

NO_RING = 1 << 30
_TIMES = {
    "packet": "packet",
    "fresh": "is_fresh",
    "downstream": "downstream_s",
    "arm_mode": "arm_mode",
    "left": "left",
    "right": "right",
    "ahead": "ahead_s",
    "span": "span_s",
    "begun_ms": "begun_ms",
    "frame_packet": "packet",
    "first_tick_ms": "first_tick_ms",
    "tick_count": "tick_count",
    "way": "way_s",
    "first_slot": "first_slot",
    "last_slot": "last_slot",
    "screen": "screen",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """Arrays on one device, shared by every environment there."""

    poses: Any
    seen: Any
    ages: Any
    curves: Any
    times: dict[str, Any]
    ring: int
    device: str


def recorded_tables(hands: HandBank, sessions: SessionBank, *, device: str = "cpu") -> Tables:
    """Tables of recorded hands."""
    wp = load_warp()
    from teletwin_training.horizon.motion_types_kernel import vec7

    return Tables(
        poses=_shared(wp, hands.poses, vec7, device),
        seen=_shared(wp, hands.seen, vec7, device),
        ages=_shared(wp, hands.age_s, wp.float64, device),
        curves=_shared(wp, hands.curves, vec7, device),
        times=session_times(sessions, device),
        ring=NO_RING,
        device=device,
    )


def live_tables(poses: NDArray[Any], curves: NDArray[Any], sessions: SessionBank, *, ring: int) -> Tables:
    """Tables of hands that move as the loop runs: rings of `ring` slots an environment, which the caller fills."""
    wp = load_warp()
    from teletwin_training.horizon.motion_types_kernel import vec7

    own = _shared(wp, poses, vec7, "cpu")
    return Tables(
        poses=own,
        seen=own,
        ages=_shared(wp, np.zeros(1), wp.float64, "cpu"),
        curves=_shared(wp, curves, vec7, "cpu"),
        times=session_times(sessions, "cpu"),
        ring=ring,
        device="cpu",
    )


def session_times(sessions: SessionBank, device: str) -> dict[str, Any]:
    """The kernel's `Times` by field."""
    wp = load_warp()
    out: dict[str, Any] = {}
    for field, name in _TIMES.items():
        source = np.stack([p.packet for p in _padded(sessions)]) if field == "frame_packet" else sessions.stacked(name)
        is_real = source.dtype.kind == "f"
        values = np.ascontiguousarray(source, dtype=np.float64 if is_real else np.int32)
        out[field] = _shared(wp, values, wp.float64 if is_real else wp.int32, device)
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class _PaddedPictures:
    packet: NDArray[np.int32]


def _padded(sessions: SessionBank) -> list[_PaddedPictures]:
    """Packets of the pictures; `packet` is a name of Timing too."""
    length = max(len(p.packet) for p in sessions.pictures)
    last = np.iinfo(np.int32).max
    return [
        _PaddedPictures(packet=np.pad(p.packet, (0, length - len(p.packet)), constant_values=last))
        for p in sessions.pictures
    ]


def _shared(wp: Any, values: NDArray[Any], dtype: Any, device: str) -> Any:
    """A view on the CPU, a copy on a GPU."""
    return wp.array(np.ascontiguousarray(values), dtype=dtype, device=device, copy=device != "cpu")
