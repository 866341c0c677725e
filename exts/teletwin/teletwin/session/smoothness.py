"""How smooth a session's motion was: from the arm's host to the report."""

from __future__ import annotations

from typing import Any

from teletwin.messages import FEED_FORWARD_ONLY, NO_PREDICTION, TwinStatus
from teletwin.session.metrics import SessionMetrics
from teletwin.smoothness import SetPointTrack, ToolTrack

_NAMES = (
    "set_point_ticks",
    "set_point_ms",
    "reversals",
    "reversals_all_joints",
    "ticks_at_limit",
    "jerk_p99_rad_s3",
    "jerk_max_rad_s3",
)


def smoothness_counts(track: SetPointTrack) -> dict[str, int]:
    """What the arm's host counts of its set-points, as it tells the twin."""
    told = track.report()
    counts = (told.tick_count, 1e3 * told.duration_s, told.reversal_count, told.reversal_all_count, told.limit_count)
    values = (*counts, told.jerk_p99_rad_s3, told.jerk_max_rad_s3)
    return {name: round(value) for name, value in zip(_NAMES, values, strict=True)}


def smoothness_rows(metrics: SessionMetrics, status: TwinStatus | None) -> dict[str, Any]:
    """The report's part: the set-points, the measured tool beside the hand, and the same of the shadows."""
    return {
        "set_points": _set_points(status.counters if status is not None else {}),
        "tool": _tool(metrics.tool),
        "tool_shadow": _tool(metrics.tool_shadows[NO_PREDICTION]),
        "tool_feed_forward_only": _tool(metrics.tool_shadows[FEED_FORWARD_ONLY]),
    }


def _set_points(counters: dict[str, int]) -> dict[str, float] | None:
    """Rates and shares of what the arm counted; None before it has told anything."""
    told = (counters.get(f"arm_{name}", 0) for name in _NAMES)
    ticks, ms, reversals, reversals_all, at_limit, jerk_p99, jerk_max = told
    if not ticks or not ms:
        return None
    return {
        "reversals_per_s": 1e3 * reversals / ms,
        "reversals_all_joints_per_s": 1e3 * reversals_all / ms,
        "at_limit_ratio": at_limit / ticks,
        "jerk_p99_rad_s3": jerk_p99,
        "jerk_max_rad_s3": jerk_max,
    }


def _tool(track: ToolTrack) -> dict[str, float | None] | None:
    """The tool beside the hand; None before both were measured."""
    told = track.report()
    if told is None:
        return None
    return {
        "error_above_8hz_m": told.shake_m,
        "tool_acceleration_m_s2": told.tool_m_s2,
        "hand_acceleration_m_s2": told.hand_m_s2,
        "acceleration_ratio": told.tool_m_s2 / told.hand_m_s2 if told.hand_m_s2 else None,
    }
