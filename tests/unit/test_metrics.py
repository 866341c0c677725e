"""What a session measures: errors at equal instants, once the arm has settled, and the report made of them."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.messages import NO_PREDICTION, ArmState, Mode, TwinStatus
from teletwin.session.display import FrameGate
from teletwin.session.metrics import SessionMetrics
from teletwin.session.report import session_results

MS = 1_000_000


def tool_pose(q):
    return np.array([q[0], q[1], q[2], np.cos(q[0]), 0.0, 0.0, np.sin(q[0])])


def status(q, q_shadow, *, mode=Mode.ENGAGED, pose_t_ns=0):
    state = ArmState(
        t_ns=0,
        q=q,
        qd=np.zeros(6),
        q_shadows=np.tile(q_shadow, (2, 1)),
        pose_t_ns=pose_t_ns,
        mode=mode,
        command_age_ms=60.0,
    )
    return TwinStatus(
        t_ns=0,
        arm=state,
        q_command=q,
        uplink_age_ms=61.0,
        horizon_used_s=0.17,
        horizon_orientation_used_s=0.2,
        downstream_s=0.11,
        counters={"unusable": 0},
    )


def moved(*, lag_ms=20, shadow_lag_ms=200, mode=Mode.ENGAGED, seconds=10, told_ms=-5):
    """A hand on a sine; an arm and a shadow that trail it by so much, told of so long after the hand's last sample."""
    metrics = SessionMetrics(tool_pose=tool_pose, settle_s=3.0)

    def at(t_ms):
        return np.array([0.1 * np.sin(2e-3 * t_ms), 0.05 * np.cos(3e-3 * t_ms), 0.2, 0.0, 0.0, 0.0])

    for t_ms in range(0, 1000 * seconds, 10):
        metrics.engaged(t_ms * MS, mode)
        metrics.sampled(t_ms * MS, tool_pose(at(t_ms)))
        then = t_ms + told_ms
        metrics.arm_measured(
            then * MS,
            status(at(then - lag_ms), at(then - shadow_lag_ms), mode=mode, pose_t_ns=max(then - 130, 1) * MS),
        )
    return metrics


def test_arm_and_hand_are_compared_at_the_same_instant():
    metrics = moved(lag_ms=0)
    assert metrics.control.whole().position_m < 1e-5
    assert metrics.control_shadows[NO_PREDICTION].whole().position_m > 0.01


def test_the_lag_that_aligns_arm_and_hand_is_found():
    assert moved(lag_ms=20, told_ms=4).lags_ms()[0] == pytest.approx(20.0, abs=2.0), "before the hand's next sample"
    lag_ms, shadow_ms, _ = moved(lag_ms=20, shadow_lag_ms=200).lags_ms()
    assert lag_ms == pytest.approx(20.0, abs=2.0)
    assert shadow_ms == pytest.approx(200.0, abs=2.0)


def test_errors_count_only_when_settled_and_engaged():
    assert moved(mode=Mode.HOLD).control.whole().count == 0
    assert moved(seconds=3).control.whole().count == 0
    assert moved(seconds=5).control.whole().count == pytest.approx(200, abs=5)


def test_a_new_engagement_settles_anew():
    metrics = moved()
    metrics.engaged(10_000 * MS, Mode.HOLD)
    metrics.engaged(10_010 * MS, Mode.ENGAGED)
    assert not metrics.is_settled(12_000 * MS)
    assert metrics.is_settled(13_100 * MS)


def test_a_report_has_every_promised_number_and_null_for_what_was_not_measured():
    metrics = moved()
    metrics.aol_ms.add(140.0)
    made = session_results(
        metrics, duration_s=10.0, status=status(np.zeros(6), np.zeros(6)), gate=FrameGate(), counters={"sent": 3}
    )
    assert made["control_rmse"]["position_m"] < made["control_rmse_shadow"]["position_m"]
    assert made["control_ratio"]["position_ratio"] < 0.3
    assert made["arm_lag_ms"] == pytest.approx(20.0, abs=2.0)
    assert made["pose_age_at_arm_ms"]["p50"] == pytest.approx(130.0, rel=0.05)
    assert made["aol_ms"]["p50"] == pytest.approx(140.0, rel=0.05)
    assert made["control_loop"]["downstream_s"] == 0.11
    for nothing in ("display_rmse", "display_ratio", "mtp_ms", "effective_mtp_ms", "mtp_page_ms"):
        assert made[nothing] is None, nothing
    assert made["frame_rate_hz"] == 0.0
    assert made["operator_counters"] == {"sent": 3}
    assert made["arm_fault"] == ""


def test_a_session_that_never_met_its_twin_still_reports():
    metrics = SessionMetrics(tool_pose=tool_pose)
    made = session_results(metrics, duration_s=1.0, status=None, gate=FrameGate(), counters={})
    assert made["control_rmse"] is None
    assert made["arm_lag_ms"] is None
    assert made["control_loop"] is None
    assert made["arm_fault"] == "no word from the twin"
    assert made["series"]["t_s"] == []


def test_a_state_that_is_told_again_counts_once():
    metrics = SessionMetrics(tool_pose=tool_pose, settle_s=0.0)
    metrics.engaged(0, Mode.ENGAGED)
    for t_ms in range(0, 200, 10):
        metrics.sampled(t_ms * MS, tool_pose(np.zeros(6)))
    for told in range(50):  # an arm that fell silent; the clocks' offset goes on moving
        metrics.arm_measured(100 * MS + told * 1000, status(np.zeros(6), np.zeros(6)))
    metrics.arm_measured(108 * MS, status(np.zeros(6), np.zeros(6)))
    assert metrics.control.whole().count == 2
