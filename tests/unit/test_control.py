"""The control function and its path: starts where the arm is, follows, holds when packets stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from teletwin.geometry import rotation_angle
from teletwin.messages import CURVE_KNOTS, ArmState, ForecastPacket, Horizons, Mode
from teletwin.robot.ur3e import HOME_Q, JointLimits, tool_pose_in_ur_base
from teletwin.session.build import build_control, build_path, build_rendering
from teletwin.session.config import SessionCfg

MS = 1_000_000
TICK_S = 0.002
HOME = tool_pose_in_ur_base(HOME_Q)
ASIDE = HOME[:3] + np.array([0.0, 0.05, 0.02])


def packet(t_ns, position, *, mode=Mode.ENGAGED, **change):
    pose = HOME.copy()
    pose[:3] = position
    curve = np.tile(pose, (CURVE_KNOTS, 1))
    made = ForecastPacket(t_ns=t_ns, pose=pose, curve=curve, horizons=Horizons(), mode=mode, input_seq=3, act=1)
    return replace(made, **change)


def state(t_ns=0, *, q=HOME_Q, mode=Mode.ENGAGED, fault=""):
    zero = np.zeros(6)
    return ArmState(
        t_ns=t_ns, q=np.array(q), qd=zero, q_shadows=np.tile(q, (2, 1)), pose_t_ns=0, mode=mode, fault=fault
    )


class Twin:
    """The control function at 500 Hz, fed every 10 ms while a packet is wanted."""

    def __init__(self, **settings):
        self.control = build_control(SessionCfg(**settings))
        self.now_ns = 1000 * MS
        self.commands = []

    def run(self, seconds, make=None):
        if make is not None and not self.commands:  # a person presses Engage after the twin has come up
            self.control.accept(
                replace(make(self.now_ns), mode=Mode.HOLD, act=0), pose_t_ns=self.now_ns, now_ns=self.now_ns
            )
        for tick in range(round(seconds / TICK_S)):
            self.control.pass_time(self.now_ns)
            if make is not None and tick % 5 == 0:
                self.control.accept(make(self.now_ns), pose_t_ns=self.now_ns, now_ns=self.now_ns)
            command = self.control.step(self.now_ns)
            if command is not None:
                self.commands.append(command)
            self.now_ns += 2 * MS
        return self.commands[-1] if self.commands else None

    def speeds(self):
        return np.diff([command.q for command in self.commands], axis=0) / TICK_S


def aside(t_ns):
    return packet(t_ns, ASIDE)


def test_nothing_is_commanded_before_the_arm_has_said_where_it_is():
    assert Twin().run(0.1, aside) is None


def test_the_first_command_is_where_the_arm_is():
    twin = Twin()
    elsewhere = HOME_Q + 0.2
    twin.control.accept_state(state(q=elsewhere), t_ns=twin.now_ns)
    twin.run(0.5, aside)
    assert np.abs(twin.commands[0].q - elsewhere).max() < 1e-3
    assert np.abs(twin.speeds()).max() <= JointLimits().velocity.max()


def test_the_tool_reaches_a_target_that_rests():
    twin = Twin()
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    command = twin.run(3.0, aside)
    tool = tool_pose_in_ur_base(command.q)
    assert tool[:3] == pytest.approx(ASIDE, abs=2e-3)
    assert float(rotation_angle(tool[3:], HOME[3:])) < 0.02
    assert command.mode is Mode.ENGAGED
    assert command.pose_t_ns > 0


def test_silence_brings_it_to_rest_within_the_time_and_the_next_packet_moves_it_again():
    twin = Twin(silence_ms=80)
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    twin.run(0.3, aside)
    assert np.abs(twin.commands[-1].qd).max() > 0.01
    twin.run(0.2)
    speeds = np.abs(twin.speeds()).max(axis=1)
    assert (speeds[-45:] == 0.0).all(), "at rest 110 ms after the last packet"
    assert twin.commands[-1].mode is Mode.HOLD
    assert twin.control.held_count == 1
    held = twin.commands[-1].q
    twin.run(0.004, aside)
    assert np.abs(twin.commands[-1].q - held).max() < 1e-3
    twin.run(1.0, aside)
    assert twin.commands[-1].mode is Mode.ENGAGED


def test_braking_keeps_the_limits_at_every_tick():
    twin = Twin()
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    twin.run(0.15, lambda t_ns: packet(t_ns, HOME[:3] + np.array([0.0, 0.2, 0.1])))
    moving = len(twin.commands) - 1
    twin.control.accept_state(state(twin.now_ns, q=twin.commands[-1].q), t_ns=twin.now_ns)
    twin.run(0.3, lambda t_ns: packet(t_ns, HOME[:3], mode=Mode.HOLD))
    speeds = twin.speeds()
    assert np.abs(speeds[moving - 1]).max() > 0.3, "it has something to brake from"
    limits = JointLimits()
    assert (np.abs(np.diff(speeds[moving - 1 :], axis=0)) <= limits.acceleration * TICK_S + 1e-9).all()
    told = np.array([command.qd for command in twin.commands[moving + 1 :]])
    assert np.allclose(told, speeds[moving:], atol=1e-9), "what is told of the speed is the speed"


@pytest.mark.parametrize("mode", [Mode.HOLD, Mode.OFF])
def test_a_mode_that_does_not_engage_moves_nothing(mode):
    twin = Twin()
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    command = twin.run(0.5, lambda t_ns: replace(aside(t_ns), mode=mode))
    assert np.abs(command.q - HOME_Q).max() == 0.0
    assert command.mode is mode


def test_a_fault_of_the_arm_stops_the_command_until_it_is_gone():
    twin = Twin()
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    twin.run(0.3, aside)
    twin.control.accept_state(state(twin.now_ns, q=HOME_Q, fault="protective stop"), t_ns=twin.now_ns)
    command = twin.run(0.5, aside)
    assert command.mode is not Mode.ENGAGED
    twin.control.accept_state(state(twin.now_ns, q=HOME_Q, mode=Mode.OFF), t_ns=twin.now_ns)
    before = len(twin.commands)
    twin.run(0.01, aside)
    assert np.abs(twin.commands[before].q - HOME_Q).max() < 5e-3, "it goes on from where the arm is"
    assert twin.run(0.3, aside).mode is not Mode.ENGAGED, "the wish to engage is from before the stop"
    twin.run(0.05, lambda t_ns: replace(aside(t_ns), mode=Mode.HOLD))
    assert twin.run(0.3, aside).mode is not Mode.ENGAGED, "the stop has spent that act"
    assert twin.run(0.3, lambda t_ns: replace(aside(t_ns), act=2)).mode is Mode.ENGAGED


def test_an_arm_that_was_moved_by_hand_is_met_where_it_is():
    twin = Twin()
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    twin.run(0.2, lambda t_ns: replace(aside(t_ns), mode=Mode.HOLD))
    moved = HOME_Q + 0.3
    twin.control.accept_state(state(twin.now_ns, q=moved, mode=Mode.OFF), t_ns=twin.now_ns)
    twin.run(0.1, lambda t_ns: replace(aside(t_ns), mode=Mode.HOLD))
    assert np.abs(twin.commands[-1].q - moved).max() < 1e-9


def test_an_unusable_packet_is_counted_and_is_no_sign_of_life():
    twin = Twin()
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    twin.run(0.3, lambda t_ns: packet(t_ns, [0.9, 0.0, 0.3]))
    assert twin.control.invalid_count == 31
    assert np.abs(twin.commands[-1].q - HOME_Q).max() == 0.0


@pytest.mark.parametrize("age_s", [2.0, 3600.0, -3600.0])
def test_a_pose_of_another_time_moves_nothing_however_fresh_its_packet(age_s):
    twin = Twin()
    twin.control.accept_state(state(), t_ns=twin.now_ns)
    for _ in range(30):
        pose_t_ns = twin.now_ns - round(1e9 * age_s)
        assert not twin.control.accept(aside(pose_t_ns), pose_t_ns=pose_t_ns, now_ns=twin.now_ns)
        twin.run(0.01)
    assert twin.control.invalid_count == 30
    assert np.abs(twin.commands[-1].q - HOME_Q).max() == 0.0


def test_control_and_its_shadow_share_nothing():
    first, second = Twin(), Twin()
    for twin in (first, second):
        twin.control.accept_state(state(), t_ns=twin.now_ns)

    def diving(t_ns):
        pushed = packet(t_ns, HOME[:3])
        pushed.curve[1:, 2] += 0.05
        return pushed

    first.run(1.0, diving)
    second.run(1.0, lambda t_ns: packet(t_ns, HOME[:3]))
    shadows = [np.array([command.q_shadows for command in twin.commands]) for twin in (first, second)]
    assert np.array_equal(*shadows), "a forecast does not touch the shadow"
    assert np.abs(first.commands[-1].q - second.commands[-1].q).max() > 0.01


def test_a_path_that_is_held_and_followed_again_never_jumps():
    path = build_path(SessionCfg(), "control")
    path.reset(HOME_Q)
    rng = np.random.default_rng(2)
    now_ns, last = 1000 * MS, HOME_Q
    limits = JointLimits()
    for tick in range(1500):
        now_ns += 2 * MS
        if tick % 5 == 0:
            path.accept(packet(now_ns, HOME[:3] + 0.05 * np.sin([tick / 90, tick / 70, tick / 110])), pose_t_ns=now_ns)
        follows = (tick // 100) % 2 == 0 or rng.random() < 0.02
        out = path.follow(now_ns, TICK_S, downstream_s=0.05) if follows else path.hold(TICK_S)
        assert (np.abs(out.q - last) <= limits.velocity * TICK_S + 1e-9).all()
        last = out.q


def test_the_shown_arm_follows_the_packets_and_tells_what_it_shows():
    rendering, _ = build_rendering(SessionCfg())
    now_ns = 1000 * MS
    assert rendering.shown().forecast is None
    for _ in range(60):
        now_ns += 33 * MS
        rendering.accept(aside(now_ns), pose_t_ns=now_ns, now_ns=now_ns)
        rendering.advance(now_ns, downstream_s=0.03)
    shown = rendering.shown()
    assert shown.tool[:3] == pytest.approx(ASIDE, abs=4e-3)
    assert shown.input_seq == 3
    assert shown.pose_t_ns == now_ns
    assert shown.forecast.shape == (CURVE_KNOTS, 3)
    assert shown.horizon_s == pytest.approx(0.03, abs=0.005)  # the way to the screen, less a tick


def test_the_shown_world_rests_without_packets_and_starts_anew_on_reset():
    rendering, _ = build_rendering(SessionCfg())
    now_ns = 1000 * MS
    for _ in range(30):
        now_ns += 33 * MS
        rendering.accept(aside(now_ns), pose_t_ns=now_ns, now_ns=now_ns)
        rendering.advance(now_ns, downstream_s=0.03)
    for _ in range(40):
        now_ns += 33 * MS
        rendering.advance(now_ns, downstream_s=0.03)
    resting = rendering.shown().q
    now_ns += 200 * MS
    rendering.advance(now_ns, downstream_s=0.03)
    assert np.abs(rendering.shown().q - resting).max() < 1e-4
    rendering.reset()
    assert np.abs(rendering.shown().q - HOME_Q).max() < 1e-9
    elsewhere = HOME_Q + 0.1
    rendering.start_at(elsewhere)
    assert np.abs(rendering.shown().q - elsewhere).max() < 1e-9


def test_a_long_pause_is_not_made_up_step_by_step():
    rendering, world = build_rendering(SessionCfg())
    steps = []
    step = world.step
    world.step = lambda q, dt_s: (steps.append(dt_s), step(q, dt_s))[1]
    rendering.advance(1000 * MS, downstream_s=0.0)
    steps.clear()
    rendering.advance(61_000 * MS, downstream_s=0.0)
    assert len(steps) < 100


def test_the_shown_world_refuses_what_control_refuses():
    rendering, _ = build_rendering(SessionCfg())
    assert rendering.accept(aside(MS), pose_t_ns=MS, now_ns=MS)
    assert not rendering.accept(packet(MS, [0.9, 0.0, 0.3]), pose_t_ns=MS, now_ns=MS)
