"""From packets to the target of this moment: late binding, horizons, and the stream's own velocity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S, ForecastPacket, Horizons, Mode
from teletwin.robot.ur3e import WorkspaceLimits
from teletwin.twin.target import PathCfg, TargetStream, evaluate_curve, is_usable

MS = 1_000_000
START = np.array([-0.35, -0.1, 0.25, 1.0, 0.0, 0.0, 0.0])
SPEED = np.array([0.1, -0.05, 0.02])


def turned(pose, angle):
    pose = pose.copy()
    pose[3:] = np.cos(angle / 2), 0.0, 0.0, np.sin(angle / 2)
    return pose


def packet(t_ns=0, **change):
    """A hand that moves at SPEED and turns by 1 rad/s, forecast exactly."""
    pose = turned(START, t_ns * 1e-9)
    pose[:3] = START[:3] + SPEED * t_ns * 1e-9
    curve = []
    for k in range(CURVE_KNOTS):
        knot = turned(START, t_ns * 1e-9 + k * CURVE_STEP_S)
        knot[:3] = START[:3] + SPEED * (t_ns * 1e-9 + k * CURVE_STEP_S)
        curve.append(knot)
    made = ForecastPacket(t_ns=t_ns, pose=pose, curve=np.array(curve), horizons=Horizons(), mode=Mode.ENGAGED)
    return replace(made, **change)


def test_late_binding_looks_ahead_by_the_exact_age_and_the_way_downstream():
    stream = TargetStream(PathCfg())
    stream.accept(packet(), pose_t_ns=0)
    bound = stream.at(70 * MS, downstream_s=0.05, orientation_extra_s=0.02)
    assert bound.horizon_s == pytest.approx(0.12)
    assert bound.horizon_orientation_s == pytest.approx(0.14)
    assert bound.target.pose[:3] == pytest.approx(START[:3] + SPEED * 0.12)
    assert 2 * np.arctan2(bound.target.pose[6], bound.target.pose[3]) == pytest.approx(0.14, abs=1e-4)


def test_without_late_binding_the_senders_horizon_stands_whatever_the_delay():
    horizons = Horizons(control_s=0.2, render_s=0.1, late_binding_control=False, late_binding_render=False)
    for function, expected in (("control", 0.2), ("render", 0.1)):
        stream = TargetStream(PathCfg(function=function))
        stream.accept(packet(horizons=horizons), pose_t_ns=0)
        assert stream.at(90 * MS, downstream_s=0.3).horizon_s == pytest.approx(expected)


def test_no_horizon_reaches_beyond_the_curve_or_into_the_past():
    stream = TargetStream(PathCfg())
    stream.accept(packet(), pose_t_ns=0)
    assert stream.at(400 * MS, downstream_s=0.4).horizon_s == 0.5
    stream.accept(packet(horizons=Horizons(control_s=-1.0)), pose_t_ns=0)
    assert stream.at(10 * MS, downstream_s=0.0).horizon_s == 0.0


def test_the_shadow_takes_the_newest_pose_and_no_velocity():
    stream = TargetStream(PathCfg(predict=False, feed_forward=False))
    for t_ns in (0, 10 * MS):
        stream.accept(packet(t_ns), pose_t_ns=t_ns)
        bound = stream.at(t_ns + 60 * MS, downstream_s=0.1)
    assert bound.target.pose == pytest.approx(packet(10 * MS).pose)
    assert not bound.target.velocity.any()
    assert bound.horizon_s == 0.0


def test_the_velocity_is_that_of_the_stream_of_targets():
    stream = TargetStream(PathCfg())
    for step in range(400):
        now_ns = 2 * MS * step
        if step % 5 == 0:
            stream.accept(packet(now_ns), pose_t_ns=now_ns)
        bound = stream.at(now_ns, downstream_s=0.1)
    assert bound.target.velocity == pytest.approx(SPEED, rel=1e-3)
    assert bound.target.angular_velocity == pytest.approx([0.0, 0.0, 1.0], abs=2e-3)


def test_a_new_motion_after_a_rest_starts_without_the_old_velocity():
    stream = TargetStream(PathCfg())
    for step in range(50):
        stream.accept(packet(2 * MS * step), pose_t_ns=2 * MS * step)
        stream.at(2 * MS * step, downstream_s=0.0)
    stream.rest()
    assert not stream.at(110 * MS, downstream_s=0.0).target.velocity.any()


def test_a_jump_of_the_target_never_asks_for_more_than_the_cap():
    stream = TargetStream(PathCfg(max_speed_m_s=2.0))
    for step in range(40):
        far = packet(0)
        far.curve[:, 0] += 0.3 * (step % 2)
        stream.accept(far, pose_t_ns=2 * MS * step)
        speed = np.linalg.norm(stream.at(2 * MS * step, downstream_s=0.0).target.velocity)
        assert speed <= 2.0 + 1e-9


def test_nothing_is_bound_before_the_first_packet():
    assert TargetStream(PathCfg()).at(0, downstream_s=0.0) is None


def test_a_gain_scales_the_forecast_displacement():
    half = packet(horizons=Horizons(gain=0.5))
    assert evaluate_curve(half, 0.2, 0.2)[:3] == pytest.approx(START[:3] + 0.5 * 0.2 * SPEED)
    assert np.linalg.norm(evaluate_curve(half, 0.2, 0.2)[3:]) == pytest.approx(1.0)


@pytest.mark.parametrize("knot", [0.0, 0.013, 0.02, 0.4999, 0.5])
def test_a_straight_curve_is_straight_between_its_knots_too(knot):
    assert evaluate_curve(packet(), knot, knot)[:3] == pytest.approx(START[:3] + SPEED * knot)


def spoiled(field, index, value):
    made = packet()
    array = np.array(getattr(made, field))
    array[index] = value
    return replace(made, **{field: array})


@pytest.mark.parametrize(
    "bad",
    [
        spoiled("pose", 0, np.nan),
        spoiled("pose", 3, 0.5),
        spoiled("pose", 0, 0.8),
        spoiled("pose", 2, -0.1),
        spoiled("curve", (7, 1), np.nan),
        spoiled("curve", (7, 4), np.inf),
        spoiled("curve", (25, 2), 1e12),
        packet(horizons=Horizons(gain=1e9)),
        packet(horizons=Horizons(gain=-1.0)),
        packet(horizons=Horizons(gain=np.nan)),
    ],
    ids=["nan", "no rotation", "far", "table", "nan curve", "infinite curve", "huge curve", "gain", "back", "nan gain"],
)
def test_a_packet_that_no_honest_operator_sends_is_not_usable(bad):
    assert is_usable(packet(), WorkspaceLimits())
    assert not is_usable(bad, WorkspaceLimits())
