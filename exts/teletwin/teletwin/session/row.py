"""The numbers that the page shows now."""

from __future__ import annotations

import dataclasses
import math
from collections import deque

from teletwin.clock import NS_PER_S
from teletwin.safety import STATE_NAMES
from teletwin.session.desk import PageDesk
from teletwin.session.operator import OperatorLoop
from teletwin.session.report import SHADOW_KEYS
from teletwin.smoothness import ToolTrack
from teletwin.telemetry import ErrorTrack, Rmse

_KEEP_NS = NS_PER_S
_SILENT_NS = 2 * NS_PER_S
_HORIZON_NS = 0.4 * NS_PER_S
"""Horizons are smoothed over time, however few pictures come: they settle within 2 s of a change."""
_REVERSAL_SECONDS = 5
"""The arm tells its counts once a second."""
MODE_NAMES = {0: "off", 1: "hold", 2: "engaged"}


class TelemetryRow:
    """Makes one row of telemetry for the page, twenty times a second."""

    def __init__(self, loop: OperatorLoop, desk: PageDesk) -> None:
        self._loop, self._desk = loop, desk
        self._row_ns = 0
        self._horizons_ms: dict[str, float | None] = {"control": None, "render": None}
        self._drawn: deque[tuple[int, int, int]] = deque()
        self._reversals: deque[tuple[int, int]] = deque(maxlen=_REVERSAL_SECONDS + 1)

    def make(self, now_ns: int, *, is_recording: bool, hand: str, forecaster: str) -> dict[str, object]:
        """The row at now_ns; None where nothing is known yet."""
        loop, metrics, desk = self._loop, self._loop.metrics, self._desk
        status = loop.state.status
        mtp_ms = metrics.page_mtp_ms.smoothed if hand == "person" else metrics.display.mtp_ms.smoothed
        self._smooth_horizons(now_ns)
        horizon_render_ms = self._horizons_ms["render"]
        row: dict[str, object] = {
            "mode": MODE_NAMES[int(loop.state.mode)],
            **self._arm(now_ns),
            "fault": status.arm.fault if status is not None else f"waiting for the {self._next()}",
            "held_back_by": (status.held_back_by or status.arm.held_back_by) if status is not None else "",
            "is_approaching": status is not None and status.is_approaching,
            "aol_ms": metrics.aol_ms.smoothed,
            "mtp_ms": mtp_ms,
            "effective_mtp_ms": None if mtp_ms is None else mtp_ms - (horizon_render_ms or 0.0),
            "horizon_control_ms": self._horizons_ms["control"],
            "horizon_render_ms": horizon_render_ms,
            "recording": is_recording,
            "hand": hand,
            "link": {"delay_ms": desk.link.delay_ms, "jitter_ms": desk.link.jitter_ms, "loss": desk.link.loss},
            "view": {
                "codec": desk.view.codec,
                "rate_hz": desk.view.rate_hz,
                "bitrate_mbps": 1e-6 * desk.view.bitrate_bps,
            },
            "allocation": self._allocation(now_ns),
            "squeeze": dataclasses.asdict(desk.squeeze),
            "limits": dataclasses.asdict(desk.limits.now),
            "stop": self._stop(),
            "policy": desk.horizon.policy,
            "forecast": desk.forecast_on,
            "forecaster": forecaster,
            "counters": self._counters(),
        }
        return row | self._errors() | self._rates(now_ns)

    def _smooth_horizons(self, now_ns: int) -> None:
        """Follow the horizons that were used last."""
        share = 1.0 - math.exp(-min(now_ns - self._row_ns, NS_PER_S) / _HORIZON_NS)
        self._row_ns, metrics = now_ns, self._loop.metrics
        used = {"control": metrics.horizon_control_ms.newest, "render": metrics.horizon_render_ms.newest}
        for name, newest_ms in used.items():
            before_ms = self._horizons_ms[name]
            if before_ms is not None and newest_ms is not None:
                newest_ms = before_ms + share * (newest_ms - before_ms)
            self._horizons_ms[name] = newest_ms

    def _arm(self, now_ns: int) -> dict[str, object]:
        """What the arm does and keeps, by its own words, and what a person must do for it to move."""
        state = self._loop.state
        shown, book, status = state.shown(), state.in_force, state.status
        needs_enabling = book is not None and book.needs_enabling
        return {
            "state": "unknown" if shown is None else STATE_NAMES[shown],
            "arm_heard_ms": state.evidence.age_ms(now_ns),
            "outage": f"{state.intent.outage}: {self._what_to_do()}" if state.intent.outage else "",
            "needs_enabling": needs_enabling,
            "enabling": needs_enabling and status is not None and status.arm.is_enabled,
            "in_force": book.row(self._desk.limits.now, now_ns) if book is not None else None,
        }

    def _what_to_do(self) -> str:
        """What brings the arm back to following."""
        if self._loop.state.intent.awaits_ready:
            return "goes on by itself"
        return "press Engage to go on" if self._desk.driver else "take control and press Engage to go on"

    def _next(self) -> str:
        """Who is not heard yet, the nearest."""
        book = self._loop.state.in_force
        return "arm" if book is not None and book.hears_twin else "twin"

    def _stop(self) -> dict[str, int]:
        """The page's number of the newest Stop, and of the newest that the arm has heard."""
        status, stops = self._loop.state.status, self._desk.stops
        heard = status.arm.stopped_act if status is not None else 0
        at_arm = max((number for number, act in stops.items() if act <= heard), default=0)
        return {"asked": max(stops, default=0), "at_arm": at_arm}

    def _allocation(self, now_ns: int) -> dict[str, object] | None:
        """What divides link and compute; None when nothing was told of it lately."""
        state = self._loop.state
        is_new = bool(state.allocation_ns) and now_ns - state.allocation_ns < _SILENT_NS
        return state.allocation if is_new else None

    def _errors(self) -> dict[str, float | None]:
        """Errors over the newest second, of the loop and of its shadows."""
        metrics = self._loop.metrics
        errors = _errors("", metrics.control, metrics.shown, metrics.tool)
        for name, key in SHADOW_KEYS.items():
            tracks = metrics.control_shadows[name], metrics.shown_shadows[name]
            errors |= _errors(key, *tracks, metrics.tool_shadows[name])
        return errors | {"reversals_per_s": self._reversal_rate()}

    def _reversal_rate(self) -> float | None:
        """Reversals a second of the joint with most, over the last seconds in which the arm followed."""
        status = self._loop.state.status
        counters = status.counters if status is not None else {}
        now = (counters.get("arm_set_point_ms", 0), counters.get("arm_reversals", 0))
        if not self._reversals or now[0] != self._reversals[-1][0]:
            self._reversals.append(now)
        (ms0, count0), (ms1, count1) = self._reversals[0], self._reversals[-1]
        return 1e3 * (count1 - count0) / (ms1 - ms0) if ms1 > ms0 else None

    def _rates(self, now_ns: int) -> dict[str, float | None]:
        """Frames and bits a second over the newest second."""
        display = self._loop.metrics.display
        self._drawn.append((now_ns, display.drawn_count, display.byte_count))
        while self._drawn[0][0] < now_ns - _KEEP_NS:
            self._drawn.popleft()
        (t0, frames0, bytes0), (t1, frames1, bytes1) = self._drawn[0], self._drawn[-1]
        if t1 <= t0:
            return {"frame_rate_hz": None, "bitrate_mbps": None}
        span_s = (t1 - t0) * 1e-9
        return {"frame_rate_hz": (frames1 - frames0) / span_s, "bitrate_mbps": 8e-6 * (bytes1 - bytes0) / span_s}

    def _counters(self) -> dict[str, int]:
        """What was dropped, lost, late or limited."""
        loop, status = self._loop, self._loop.state.status
        counters = {"frames_lost": loop.gate.lost_count, "frames_late": loop.gate.late_count}
        if status is not None:
            arm = status.arm
            counters |= status.counters
            counters |= {
                "arm_held": arm.held_count,
                "arm_limited": arm.limited_count,
                "arm_hiccups": arm.hiccup_count,
                "arm_stalls": arm.stall_count,
                "arm_overruns": arm.overrun_count,
                "arm_ticks": arm.tick_count,
                "twin_overruns": status.overrun_count,
                "twin_ticks": status.tick_count,
            }
        return counters


def _errors(key: str, control: ErrorTrack, shown: ErrorTrack, tool: ToolTrack) -> dict[str, float | None]:
    """Of arm, picture and the arm's shaking."""
    arm = control.running()
    return {
        f"control_error{key}_mm": _mm(arm),
        f"display_error{key}_mm": _mm(shown.running()),
        f"orientation_error{key}_deg": _deg(arm),
        f"shake{key}_mm": _times_thousand(tool.running_shake_m),
    }


def _times_thousand(value: float | None) -> float | None:
    return None if value is None else 1e3 * value


def _mm(rmse: Rmse) -> float | None:
    """Position part [mm]."""
    return 1e3 * rmse.position_m if rmse.count else None


def _deg(rmse: Rmse) -> float | None:
    """Orientation part [deg]."""
    return math.degrees(rmse.orientation_rad) if rmse.count else None
