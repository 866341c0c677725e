"""A forecast is followed as far as it was worth it."""

import numpy as np
import pytest

from teletwin.geometry import IDENTITY_POSE
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S, ForecastPacket, Horizons, Mode
from teletwin.twin import ToolTarget
from teletwin.twin.target import BoundTarget, evaluate_curve
from teletwin.twin.worth import ForecastWorth, WorthCfg

MS = 1_000_000
AHEAD_S = 0.2
HORIZONS = Horizons(control_s=AHEAD_S, render_s=AHEAD_S, control_orientation_s=AHEAD_S, render_orientation_s=AHEAD_S)


def hand(t_s):
    """A hand that swings along x."""
    pose = IDENTITY_POSE.copy()
    pose[0] = 0.05 * np.sin(2.0 * t_s)
    return pose


def forecast(t_s, share):
    """A packet of t_s whose curve tells `share` of where the hand will be."""
    curve = np.stack([hand(t_s) + share * (hand(t_s + k * CURVE_STEP_S) - hand(t_s)) for k in range(CURVE_KNOTS)])
    return ForecastPacket(
        t_ns=int(1e9 * t_s), pose=hand(t_s), curve=curve, horizons=HORIZONS, mode=Mode.ENGAGED, input_seq=1, slot=1
    )


def run(share, *, seconds=20.0, gap_s=0.0, cfg=None):
    """A loop that follows such forecasts exactly; the hand is silent for gap_s in the middle."""
    worth, way = ForecastWorth(cfg), {}
    for tick in range(int(seconds * 100)):
        t_s = tick * 0.01
        if seconds / 2 < t_s < seconds / 2 + gap_s:
            continue
        packet = forecast(t_s, share)
        target = ToolTarget(pose=packet.pose, velocity=np.zeros(3), angular_velocity=np.zeros(3))
        bound = BoundTarget(
            target=target, horizon_s=AHEAD_S, horizon_orientation_s=AHEAD_S, pose_t_ns=packet.t_ns, input_seq=1
        )
        worth.foresees(packet.t_ns, ahead_s=AHEAD_S, packet=packet, bound=bound)
        way[tick + 20] = evaluate_curve(packet, AHEAD_S, AHEAD_S, worth=worth.gains)
        if tick in way:
            worth.moved_to(packet.t_ns, lambda tick=tick: way[tick])
        worth.hand_was(packet.t_ns, packet.pose)
    return worth.gains[0]


def test_a_forecast_that_is_right_is_followed_whole():
    assert run(1.0) == 1.0


def test_a_forecast_that_goes_twice_as_far_is_followed_half():
    assert run(2.0) == pytest.approx(0.5, abs=0.03)


def test_a_forecast_that_goes_the_wrong_way_is_not_followed():
    assert run(-1.0) == pytest.approx(0.0, abs=0.02)


def test_a_forecast_that_falls_short_is_not_stretched():
    assert run(0.5) == 1.0


def test_trust_stands_at_first_and_comes_back():
    assert run(-1.0, seconds=0.2) == 1.0
    worth_of_right_after_wrong = run(1.0, gap_s=3.0)
    assert worth_of_right_after_wrong == 1.0, "a silence teaches nothing"


def test_a_memory_that_cannot_be_is_refused():
    with pytest.raises(Exception, match="worth"):
        WorthCfg(memory_s=0.0)


def test_orientation_is_judged_apart():
    packet = forecast(1.0, 1.0)
    pose = evaluate_curve(packet, AHEAD_S, AHEAD_S, worth=(0.0, 1.0))
    assert pose[:3] == pytest.approx(packet.pose[:3])
