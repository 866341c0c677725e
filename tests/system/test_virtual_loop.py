"""The whole loop on a virtual clock: repeatable, better than no forecast, and calm when the network is not.

After a deliberate change of the motion remake the golden trace with
`python tests/system/test_virtual_loop.py`, and say in the commit why it moved.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from virtual_trace import TracedSession, assert_within_limits

from teletwin.arm.simulated import SimulatedArmCfg
from teletwin.messages import NO_PREDICTION, Frame, FrameAck, LinkSettings, Mode
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.session.config import HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession

GOLDEN = Path(__file__).parent / "golden" / "handwriting_60_10.npz"
NETWORK = NetworkCfg(delay_ms=60, jitter_ms=10)
UP = ("twin", "operator")
COMMAND = ("arm", "twin")
UP_SETTINGS = LinkSettings(delay_ms=60, jitter_ms=10)
LOST = LinkSettings(delay_ms=60, jitter_ms=10, loss=1.0)


def golden_trace() -> dict[str, np.ndarray]:
    """Arm, command and shown pose every 50 ms of 8 s."""
    traced = TracedSession()
    rows = []
    for _ in range(160):
        traced.run(0.05)
        if traced.commands and traced.frames:
            rows.append((traced.q, traced.commands[-1].q, traced.frames[-1].shown_pose))
    return {
        "arm_q": np.array([row[0] for row in rows]),
        "command_q": np.array([row[1] for row in rows]),
        "shown_pose": np.array([row[2] for row in rows]),
    }


def test_one_seed_gives_one_motion_and_another_seed_another():
    digests = []
    for seed in (1, 1, 2):
        traced = TracedSession(SessionCfg(network=NetworkCfg(delay_ms=40, jitter_ms=10, loss=0.02), seed=seed))
        traced.run(6.0)
        assert len(traced.commands) > 2500
        assert len(traced.states) > 700
        assert len(traced.frames) > 120
        digests.append(traced.digest.hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_the_motion_is_the_one_on_record():
    made, kept = golden_trace(), np.load(GOLDEN)
    for name, values in made.items():
        assert values.shape == kept[name].shape
        assert np.abs(values - kept[name]).max() < 1e-9, f"{name}: remake the trace if the change was meant"


@pytest.mark.slow
def test_forecasting_takes_most_of_the_error_away():
    metrics = TracedSession(SessionCfg(network=NETWORK)).run(20.0)
    assert metrics.control.whole().position_m <= 0.3 * metrics.control_shadows[NO_PREDICTION].whole().position_m
    assert metrics.shown.whole().position_m <= 0.3 * metrics.shown_shadows[NO_PREDICTION].whole().position_m
    assert (
        metrics.control.whole().orientation_rad <= 0.3 * metrics.control_shadows[NO_PREDICTION].whole().orientation_rad
    )


@pytest.mark.slow
def test_a_softer_arm_is_later_and_the_forecast_makes_up_for_it():
    soft = VirtualSession(SessionCfg(servo_gain=300.0, servo_lookahead_s=0.1), renders=False)
    soft.run(8.0)
    status = soft.operator.state.status
    assert status is not None
    assert 0.1 < status.downstream_s < 0.16, "learned: 34 ms is the stiff arm's"
    error, shadow_error = (
        track.whole() for track in (soft.metrics.control, soft.metrics.control_shadows[NO_PREDICTION])
    )
    assert error.position_m < 0.5 * shadow_error.position_m


def test_paper_mode_with_good_fixed_horizons_halves_the_error():
    horizon = HorizonCfg(policy="fixed", horizon_control_ms=300, horizon_render_ms=225)
    metrics = TracedSession(SessionCfg(network=NETWORK, paper_mode=True, horizon=horizon)).run(20.0)
    assert metrics.control.whole().position_m <= 0.5 * metrics.control_shadows[NO_PREDICTION].whole().position_m
    assert metrics.shown.whole().position_m <= 0.5 * metrics.shown_shadows[NO_PREDICTION].whole().position_m


def test_the_rule_in_paper_mode_counts_the_lag_of_the_motion_policy_once():
    traced = TracedSession(SessionCfg(network=NetworkCfg(delay_ms=60), paper_mode=True))
    traced.run(5.0)
    network_and_servo_s = 0.005 + 0.060 + 0.060 + 0.034
    assert traced.virtual.operator.state.horizons.control_s == pytest.approx(network_and_servo_s + 0.1125, abs=0.03)


@pytest.mark.parametrize(("hop", "way_ms"), [(UP, 60), (COMMAND, 0)], ids=["operator-to-twin", "twin-to-arm"])
@pytest.mark.parametrize("silent_s", [0.3, 2.0])
def test_a_lost_link_brings_the_arm_to_rest_and_comes_back_without_a_jump(hop, way_ms, silent_s):
    undisturbed, traced = TracedSession(), TracedSession()
    undisturbed.run(3.0 + silent_s + 2.0)
    traced.run(3.0)
    lost_s = traced.virtual.clock.now_ns() * 1e-9
    traced.black_out(hop, settings=LOST)
    traced.run(silent_s)
    back_s = traced.virtual.clock.now_ns() * 1e-9
    traced.black_out(hop, settings=UP_SETTINGS)
    traced.run(2.0)

    times_s, q = traced.set_points()
    assert_within_limits(times_s, q)
    # What was under way still arrives: 60 ms and its jitter on the hop, and the commands' own way after it.
    under_way_s = 1e-3 * (60 + 30 + way_ms)
    at_rest = (times_s > lost_s + under_way_s + 0.1 + 0.02) & (times_s < back_s)
    assert at_rest.sum() > 10
    assert np.ptp(q[at_rest], axis=0).max() < 1e-6

    # On the way back it never gets further from the undisturbed motion than it was, and ends up on it.
    _, reference = undisturbed.set_points()
    apart_mm = 1e3 * np.linalg.norm(
        (tool_pose_in_ur_base(q) - tool_pose_in_ur_base(reference[: len(q)]))[:, :3], axis=1
    )
    after = times_s >= back_s
    assert apart_mm[after].max() <= apart_mm[after][:100].max() + 1.0
    assert np.median(apart_mm[times_s > back_s + 1.5]) < 2.5


def test_a_bad_network_never_breaks_a_limit():
    network = NetworkCfg(delay_ms=40, jitter_ms=30, loss=0.1, duplication=0.1, reordering=0.1, rate_mbps=3.0)
    traced = TracedSession(SessionCfg(network=network, seed=3))
    metrics = traced.run(8.0)
    times_s, q = traced.set_points()
    assert len(q) > 3000
    assert_within_limits(times_s, q)
    assert np.isfinite([command.q_shadows for command in traced.commands]).all()
    assert np.isfinite([frame.shown_pose for frame in traced.frames]).all()
    counters = traced.link("twin").counters()
    assert counters["imitated_loss"] > 0
    assert counters["replayed"] > 0
    assert counters["late"] > 0
    assert metrics.control.whole().position_m < metrics.control_shadows[NO_PREDICTION].whole().position_m


def test_engaging_starts_from_where_the_arm_stands():
    elsewhere = HOME_Q + np.array([0.5, -0.2, 0.3, 0.1, -0.2, 0.4])
    traced = TracedSession(arm=SimulatedArmCfg(q_start=tuple(elsewhere.tolist())))
    traced.run(0.5, mode=Mode.HOLD)
    assert np.abs(traced.q - elsewhere).max() < 1e-3
    traced.run(3.0)
    times_s, q = traced.set_points()
    assert np.abs(q[0] - elsewhere).max() < 2e-3
    assert_within_limits(times_s, q)
    assert traced.virtual.metrics.hand.newest_t_ns > 0
    hand = traced.virtual.metrics.hand.newest_pose
    assert np.linalg.norm(tool_pose_in_ur_base(traced.q)[:3] - hand[:3]) < 0.03


def test_hold_brings_the_arm_to_rest_off_lets_go_and_engage_follows_again():
    traced = TracedSession()
    traced.run(2.0, mode=Mode.HOLD)
    assert not traced.set_q, "nothing is sent before the first engage"
    traced.run(2.0)
    assert traced.states[-1].mode is Mode.ENGAGED
    traced.run(1.0, mode=Mode.HOLD)
    assert traced.states[-1].mode is Mode.HOLD
    held = np.array(traced.set_q[-100:])
    assert np.ptp(held, axis=0).max() == 0.0
    assert np.abs(traced.qd).max() < 1e-3
    sent = len(traced.set_q)
    traced.run(0.5, mode=Mode.OFF)
    assert traced.states[-1].mode is Mode.OFF
    assert len(traced.set_q) < sent + 100, "OFF stops sending set-points"
    before = traced.q
    traced.run(0.05)
    assert np.abs(traced.q - before).max() < 0.01
    traced.run(2.0)
    assert traced.states[-1].mode is Mode.ENGAGED
    assert_within_limits(*traced.set_points())


if __name__ == "__main__":
    np.savez_compressed(GOLDEN, **golden_trace())  # type: ignore[arg-type]
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def test_the_log_tells_when_each_picture_was_drawn():
    said = []
    session = VirtualSession(SessionCfg(), log=lambda role, message, t_ns, _: said.append((role, message, t_ns)))
    session.run(1.0)
    arrived_ns = {message.frame_id: t_ns for _, message, t_ns in said if isinstance(message, Frame)}
    drawn_ns = {message.frame_id: t_ns for role, message, t_ns in said if isinstance(message, FrameAck)}
    assert len(drawn_ns) > 15
    decode_draw_ns = 5_000_000
    assert all(abs(t_ns - arrived_ns[number] - decode_draw_ns) <= 1_000_000 for number, t_ns in drawn_ns.items())


def test_an_acknowledgement_tells_how_the_picture_came_and_how_old_the_arms_state_was():
    acks = []
    network = NetworkCfg(delay_ms=10, down="rate_mbps=4")
    session = VirtualSession(
        SessionCfg(network=network),
        clock_offsets_ms={"twin": 300.0, "arm": -200.0},
        log=lambda role, message, *_: acks.append(message) if isinstance(message, FrameAck) else None,
    )
    session.run(2.0)
    drawn = [ack for ack in acks if ack.drawn][10:]
    assert len(drawn) > 15
    rates_mbps = [8e-3 * ack.byte_count / ack.span_ms for ack in drawn]
    assert np.median(rates_mbps) == pytest.approx(4.0, rel=0.1)
    ages_ms = [ack.update_age_ms for ack in drawn]
    assert min(ages_ms) >= 19.0
    assert max(ages_ms) < 50.0, "two hops of 20 ms, a control tick, and 8 ms between two words of the twin"
