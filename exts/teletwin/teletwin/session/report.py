"""The report of a session, from what the operator's side gathered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teletwin.messages import FEED_FORWARD_ONLY, NO_PREDICTION, TwinStatus
from teletwin.session.display import FrameGate
from teletwin.session.metrics import SessionMetrics
from teletwin.session.smoothness import smoothness_rows
from teletwin.telemetry import ErrorTrack, LatencyHistogram

SHADOW_KEYS = {NO_PREDICTION: "_shadow", FEED_FORWARD_ONLY: "_feed_forward_only"}
"""How the shadows are called in keys of reports and of the page's rows."""


def session_results(
    metrics: SessionMetrics, *, duration_s: float, status: TwinStatus | None, gate: FrameGate, counters: dict[str, int]
) -> dict[str, Any]:
    """Everything that a session measured; a unit stands in every key; None where nothing was measured."""
    lags_ms = dict(zip(("", *SHADOW_KEYS.values()), metrics.lags_ms(), strict=True))
    display = metrics.display
    return {
        "duration_s": duration_s,
        "settle_s": metrics.settle_s,
        "control_rmse": _rmse(metrics.control),
        "display_rmse": _rmse(metrics.shown),
        **_beside("control", metrics.control, metrics.control_shadows),
        **_beside("display", metrics.shown, metrics.shown_shadows),
        **{f"arm_lag{key}_ms": lag_ms for key, lag_ms in lags_ms.items()},
        "smoothness": smoothness_rows(metrics, status),
        "mtp_ms": _spread(display.mtp_ms),
        "effective_mtp_ms": _spread(display.effective_mtp_ms),
        "mtp_page_ms": _spread(metrics.page_mtp_ms),
        "frame_ready_to_drawn_ms": _spread(display.frame_ms),
        "aol_ms": _spread(metrics.aol_ms),
        "pose_age_at_arm_ms": _spread(metrics.pose_age_at_arm_ms),
        "horizon_control_ms": _spread(metrics.horizon_control_ms),
        "horizon_render_ms": _spread(metrics.horizon_render_ms),
        "stages_ms": {name: _spread(histogram) for name, histogram in metrics.stages_ms.items()},
        "paths_ms": _paths(metrics, status),
        "frame_rate_hz": display.drawn_count / duration_s if duration_s else None,
        "bitrate_mbps": 8e-6 * display.byte_count / duration_s if duration_s else None,
        "frame_count": display.drawn_count,
        "frame_lost_count": gate.lost_count,
        "held_back_share": _held_back(metrics),
        "control_loop": _control_loop(status),
        "arm_loop": _arm_loop(status),
        "arm_fault": status.arm.fault if status is not None else "no word from the twin",
        "operator_counters": counters,
        "twin_counters": dict(status.counters) if status is not None else {},
        "series": _series(metrics),
    }


def _beside(path: str, track: ErrorTrack, shadows: Mapping[str, ErrorTrack]) -> dict[str, object]:
    """Errors of a path's shadows, and its own error over theirs."""
    rows: dict[str, object] = {}
    for name, key in SHADOW_KEYS.items():
        rows[f"{path}_rmse{key}"] = _rmse(shadows[name])
        rows[f"{path}_ratio{'' if name == NO_PREDICTION else key}"] = _ratio(track, shadows[name])
    return rows


def _paths(metrics: SessionMetrics, status: TwinStatus | None) -> dict[str, dict[str, float]]:
    """Medians of the stages in the order in which a hand sample passes them."""

    def median(histogram: LatencyHistogram) -> float:
        return histogram.quantile(0.5) if histogram.count else 0.0

    stages = {name: median(histogram) for name, histogram in metrics.stages_ms.items()}
    sense = stages["sense_to_send"]
    uplink = max(stages["uplink"] - sense, 0.0)
    servo = 1e3 * status.downstream_s - stages["command_link"] if status is not None else 0.0
    drawing = {name: stages[name] for name in ("frame_wait", "policy_physics", "draw", "encode")}
    drawing["downlink_decode_draw"] = median(metrics.display.frame_ms)
    return {
        "control": {"sense": sense, "uplink": uplink, "command_link": stages["command_link"], "servo": servo},
        "display": {
            "sense": sense,
            "uplink": uplink,
            **drawing,
            "downlink_decode_draw": median(metrics.display.frame_ms),
        },
    }


def _spread(histogram: LatencyHistogram) -> dict[str, float | int] | None:
    """p50, p95, p99, max and count; None when nothing was measured."""
    return histogram.summary() if histogram.count else None


def _rmse(track: ErrorTrack) -> dict[str, float] | None:
    """Root mean square error of a whole run."""
    total = track.whole()
    return {"position_m": total.position_m, "orientation_rad": total.orientation_rad} if total.count else None


def _ratio(track: ErrorTrack, shadow: ErrorTrack) -> dict[str, float] | None:
    """Error over a shadow's."""
    ours, theirs = track.whole(), shadow.whole()
    if not ours.count or not theirs.position_m or not theirs.orientation_rad:
        return None
    return {
        "position_ratio": ours.position_m / theirs.position_m,
        "orientation_ratio": ours.orientation_rad / theirs.orientation_rad,
    }


def _held_back(metrics: SessionMetrics) -> dict[str, float]:
    """Share of the time in which the arm followed and was held back, by what held it back."""
    total = sum(metrics.held_back.values())
    return {reason: count / total for reason, count in metrics.held_back.most_common() if reason}


def _control_loop(status: TwinStatus | None) -> dict[str, float | int] | None:
    """The twin's ticks."""
    if status is None:
        return None
    return {
        "tick_mean_us": status.tick_us,
        "tick_p50_us": status.tick_p50_us,
        "tick_p99_us": status.tick_p99_us,
        "period_p50_ms": status.period_p50_ms,
        "period_p99_ms": status.period_p99_ms,
        "period_max_ms": status.period_max_ms,
        "overrun_count": status.overrun_count,
        "tick_count": status.tick_count,
        "downstream_s": status.downstream_s,
    }


def _arm_loop(status: TwinStatus | None) -> dict[str, float | int] | None:
    """The arm's ticks."""
    if status is None:
        return None
    arm = status.arm
    return {
        "tick_mean_us": arm.tick_us,
        "tick_p50_us": arm.tick_p50_us,
        "tick_p99_us": arm.tick_p99_us,
        "period_p50_ms": arm.period_p50_ms,
        "period_p99_ms": arm.period_p99_ms,
        "period_max_ms": arm.period_max_ms,
        "overrun_count": arm.overrun_count,
        "tick_count": arm.tick_count,
        "held_count": arm.held_count,
        "limited_count": arm.limited_count,
        "hiccup_count": arm.hiccup_count,
        "stall_count": arm.stall_count,
    }


def _series(metrics: SessionMetrics) -> dict[str, list[float]]:
    """Errors second by second, where all were measured."""
    tracks = {"control_error_mm": metrics.control.per_second(), "display_error_mm": metrics.shown.per_second()}
    for name, key in SHADOW_KEYS.items():
        tracks[f"control_error{key}_mm"] = metrics.control_shadows[name].per_second()
        tracks[f"display_error{key}_mm"] = metrics.shown_shadows[name].per_second()
    seconds = sorted(set.intersection(*(set(track) for track in tracks.values())))
    series = {name: [1e3 * track[s].position_m for s in seconds] for name, track in tracks.items()}
    return {"t_s": [float(s - seconds[0]) for s in seconds], **series}
