"""The control path with Isaac's motion policies: within the limits and without a jump, through a silence too."""

from __future__ import annotations

import numpy as np
import pytest
from fake_motion import install

from teletwin.kit.motion import STOCK_POLICIES, build_motion_policy
from teletwin.messages import CURVE_KNOTS, ForecastPacket, Horizons, Mode
from teletwin.robot.ur3e import HOME_Q, JointLimits, tool_pose_in_ur_base
from teletwin.session.build import build_path
from teletwin.session.config import SessionCfg

TICK_NS = 4_000_000
LIMITS = JointLimits()


def packet(t_ns):
    """A hand that swings 6 cm from side to side once in two seconds, as it is then."""
    pose = tool_pose_in_ur_base(HOME_Q)
    pose[1] += 0.06 * np.sin(np.pi * t_ns * 1e-9)
    curve = np.tile(pose, (CURVE_KNOTS, 1))
    return ForecastPacket(t_ns=t_ns, pose=pose, curve=curve, horizons=Horizons(), mode=Mode.ENGAGED)


def drive(path, *, silent_from, silent_to, ticks=500):
    joints = []
    for tick in range(1, ticks):
        now_ns = tick * TICK_NS
        if silent_from <= tick < silent_to:
            out = path.hold(0.004)
        else:
            path.accept(packet(now_ns), pose_t_ns=now_ns)
            out = path.follow(now_ns, 0.004, downstream_s=0.0)
        joints.append(out.q.copy())
    return np.array(joints)


@pytest.mark.parametrize("name", STOCK_POLICIES)
def test_the_arm_follows_within_its_limits_and_resumes_without_a_jump(monkeypatch, name):
    install(monkeypatch)
    path = build_path(SessionCfg(paper_mode=True), "control", policy=lambda: build_motion_policy(name))
    path.reset(HOME_Q.copy())
    joints = drive(path, silent_from=150, silent_to=160)  # it brakes, and is not yet at rest when packets return
    speed = np.diff(joints, axis=0) / 0.004
    assert np.all(np.abs(speed) <= LIMITS.velocity * 1.001)
    assert np.all(np.abs(np.diff(speed, axis=0)) / 0.004 <= LIMITS.acceleration * 1.01)
    tool = tool_pose_in_ur_base(joints)
    assert np.ptp(tool[:, 1]) > 0.06
    assert np.abs(tool[:, 2] - tool[0, 2]).max() < 0.02
