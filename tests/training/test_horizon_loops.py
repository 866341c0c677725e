"""The training loop by itself: what must hold for any hand and network."""

from __future__ import annotations

import numpy as np
import pytest
from made_hands import foreseen, on_grid, ramp, waves
from noted_session import LATE, foretell, foretold_bank, loops_of, root_mean_squares, steady, with_outages

from teletwin.arm.resample import CommandResampler
from teletwin.arm.simulated import SimulatedArm, SimulatedArmCfg
from teletwin.clock import NS_PER_MS, NS_PER_S, VirtualClock
from teletwin.geometry import rotation_angle
from teletwin.messages import ForecastPacket, Horizons, Mode
from teletwin.robot.ur3e import HOME_Q
from teletwin.session.build import RESAMPLING, SERVO_LAG_S, build_path, build_rendering, fast_tool_pose
from teletwin.session.config import SessionCfg
from teletwin.twin.limits import CommandLimiter
from teletwin_training.horizon.actions import NO_PREDICTION
from teletwin_training.horizon.conditions import CONDITIONS
from teletwin_training.horizon.hands import PAST_SLOTS, bank_of
from teletwin_training.horizon.loops import DelayedLoops, LoopsCfg, Places, plain_settings
from teletwin_training.horizon.sessions import START_SLOT, draw_sessions
from teletwin_training.horizon.tables import recorded_tables
from teletwin_training.horizon.timing import SLOT_NS, TICK_NS, TICKS_PER_SLOT

NONE = np.array(NO_PREDICTION)
OWN_LAG_S = 0.004 - 0.002
"""Of a path with feed-forward when nothing in the target surprises it [s]: at the ticks a pose is 4 ms old on average,
as it holds for a slot; and the policy's output is where it will be a tick later."""


@pytest.fixture(scope="module")
def hands():
    """One hand that rests at both ends, one that never does."""
    return bank_of([waves(1900, seed=3, still_slots=500), waves(1900, seed=4)])


@pytest.fixture(scope="module")
def sessions():
    return draw_sessions(list(CONDITIONS), each=1, duration_s=20.0, seed=2)


@pytest.fixture(scope="module")
def tables(hands, sessions):
    return recorded_tables(hands, sessions)


def place(loops, hands, sessions, horizons, *, hand):
    """Begin an episode of every loop, one a session and then around again; of many, each at another place."""
    number, many = np.arange(loops.count), len(sessions) > 2
    loops.place(
        Places(
            rows=number,
            first_row=hands.first_row[hand] + PAST_SLOTS + 40 + many * (number % 7),
            session=number % len(sessions),
            first_slot=START_SLOT + many * (number % 5),
            horizons=horizons,
        )
    )


def started(tables, hands, sessions, cfg, *, hand=0, count=None):
    """Loops in their first slot, and horizons (N, 6) that are not all the rule's."""
    count = count or len(sessions)
    spread = np.random.default_rng(9).uniform(-0.05, 0.05, (count, 6))
    horizons = np.tile(LATE, (count, 1)) + spread * (1, 1, 1, 1, 0, 0)
    loops = DelayedLoops(tables, plain_settings(count), cfg)
    place(loops, hands, sessions, horizons, hand=hand)
    return loops, horizons


def direct_tool(poses, *, slots):
    """Tool poses (slots, 7) at the slots' beginnings without any network: path, resampling, limits, the arm's law."""
    path, clock = build_path(SessionCfg(), "control"), VirtualClock(start_ns=0)
    resampler, limiter = CommandResampler(RESAMPLING), CommandLimiter()
    arm = SimulatedArm(clock, SimulatedArmCfg(physics=False))
    path.reset(HOME_Q)
    limiter.reset(HOME_Q)
    tool_pose, tools = fast_tool_pose(), np.empty((slots, 7))
    nothing = Horizons(late_binding_control=False)
    for tick in range(slots * TICKS_PER_SLOT):
        now_ns, slot = TICK_NS * tick, tick // TICKS_PER_SLOT
        if tick % TICKS_PER_SLOT == 0:
            packet = ForecastPacket(
                t_ns=now_ns, pose=poses[slot], curve=np.tile(poses[slot], (26, 1)), horizons=nothing, mode=Mode.ENGAGED
            )
            path.accept(packet, pose_t_ns=now_ns)
        out = path.follow(now_ns, 0.002, downstream_s=0.0)
        resampler.push(now_ns, out.q, out.qd, now_ns=now_ns)
        clock.sleep_until(now_ns)
        arm.advance(now_ns)
        if tick % TICKS_PER_SLOT == 0:
            tools[slot] = tool_pose(arm.state().q)
        wanted = resampler.sample(now_ns)
        arm.servo(limiter.limit(wanted.q, 0.002, qd_desired=wanted.qd).q)
    return tools


def test_without_delay_and_horizon_the_error_is_the_bare_arms(hands):
    poses = hands.poses[hands.first_row[1] :][:1300]
    tools = direct_tool(poses, slots=1300)
    bank = foretell(steady(0.0), 14.0).bank
    alone = bank_of([on_grid("waves:alone", poses)])
    loops = loops_of(alone, bank, NONE[None], arm="rmpflow")
    trained = root_mean_squares(loops, NONE[None], first_slot=1050, end_slot=1300)[0]
    direct_m = np.sqrt(((tools - poses)[1050:, :3] ** 2).sum(axis=1).mean())
    direct_rad = np.sqrt((rotation_angle(tools[1050:, 3:], poses[1050:, 3:]) ** 2).mean())
    np.testing.assert_allclose(trained[:2], [direct_m, direct_rad], rtol=1e-7)
    np.testing.assert_allclose(loops.tool[0], tools[1299], rtol=0.0, atol=1e-9)
    lag = root_mean_squares(loops_of(alone, bank, NONE[None], arm="lag"), NONE[None], first_slot=1050, end_slot=1300)[0]
    np.testing.assert_allclose(lag[0], direct_m, rtol=0.05)
    np.testing.assert_allclose(lag[1], direct_rad, rtol=0.15)  # a lag knows nothing of position, which goes first


def test_without_delay_and_horizon_a_ramp_lags_by_the_servo():
    speed_m_s = 0.02
    hands, bank = bank_of([ramp(900, speed_m_s=speed_m_s)]), foretell(steady(0.0), 10.0).bank
    for arm in ("lag", "rmpflow"):
        loops = loops_of(hands, bank, NONE[None], arm=arm)
        error_m = root_mean_squares(loops, NONE[None], first_slot=600, end_slot=840)[0, 0]
        assert error_m / speed_m_s == pytest.approx(SERVO_LAG_S + OWN_LAG_S, abs=0.002)


@pytest.mark.parametrize("delay_ms", [20.0, 60.0])
@pytest.mark.parametrize("arm", ["lag", "rmpflow"])
def test_with_the_future_known_the_best_horizon_is_the_way_itself(hands, delay_ms, arm):
    foretold = foretell(steady(delay_ms), 12.0)
    known = bank_of([waves(1100, seed=4)])
    grid_s = np.arange(0.03, 0.25, 0.005)
    horizons = np.column_stack([*[grid_s] * 4, np.ones_like(grid_s), np.zeros_like(grid_s)])
    loops = loops_of(foreseen(known), foretold.bank, horizons, arm=arm)
    errors = root_mean_squares(loops, horizons, first_slot=500, end_slot=900)
    best_s, best_m = grid_s[errors.argmin(axis=0)], errors.min(axis=0)
    way_s = 2e-3 * delay_ms + SERVO_LAG_S + OWN_LAG_S
    assert best_s[0] == pytest.approx(way_s, abs=0.01)
    # A picture is made of the ticks since the last one, all with the packet of its beginning: at those ticks
    # that packet is half a picture's period younger.
    pictures, slots = foretold.bank.pictures[0], np.arange(500, 900)
    age_s = 0.01 * float((slots - pictures.packet[pictures.screen[slots]]).mean())
    assert best_s[2] == pytest.approx(age_s - 0.5 / 30.0, abs=0.01)
    nothing = root_mean_squares(
        loops_of(known, foretold.bank, NONE[None], arm=arm), NONE[None], first_slot=500, end_slot=900
    )[0]
    assert best_m[0] < 0.15 * nothing[0]
    assert best_m[2] < 0.25 * nothing[2]  # it stands still for three slots


def summed(loops, horizons, slots):
    total = np.zeros((loops.count, 6))
    for _ in range(slots):
        total += loops.step(horizons)
    return total


def test_what_packets_do_sums_up_to_what_happens(tables, hands, sessions):
    # The hand rests at both ends, so that what only one of the two counts is nothing.
    sums = [summed(*started(tables, hands, sessions, LoopsCfg(causal=causal)), slots=1500) for causal in (False, True)]
    assert sums[0][:, [0, 1, 3, 4]].min() > 1e-3
    np.testing.assert_allclose(sums[0][:, [0, 1, 3, 4]], sums[1][:, [0, 1, 3, 4]], rtol=1e-7, atol=1e-10)


def test_a_long_silence_of_packets_is_the_same_packet_by_packet(hands):
    # The twin's commands of 0.6 s belong to one packet then, more than are kept.
    schedule = with_outages(steady(120.0), {"up": [(10.0, 0.6)]})
    foretold = foretell(schedule, 24.0)
    tables = recorded_tables(hands, foretold.bank)
    sums = [
        summed(*started(tables, hands, foretold.bank, LoopsCfg(causal=causal)), slots=1500) for causal in (False, True)
    ]
    np.testing.assert_allclose(sums[0][:, [0, 1, 3, 4]], sums[1][:, [0, 1, 3, 4]], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(("arm", "causal", "slots"), [("lag", False, 150), ("lag", True, 150), ("rmpflow", True, 50)])
def test_a_loop_does_not_depend_on_threads_or_on_other_loops(tables, hands, sessions, arm, causal, slots):
    seen = []
    for threads, count in ((1, 150), (2, 150), (1, 5)):
        cfg = LoopsCfg(arm=arm, causal=causal, threads=threads)
        loops, horizons = started(tables, hands, sessions, cfg, hand=1, count=count)
        seen.append([summed(loops, horizons, slots), loops.tool, loops.shown])
    for one, two, few in zip(*seen, strict=True):
        assert one.tobytes() == two.tobytes()
        assert one[:5].tobytes() == few.tobytes()


@pytest.mark.parametrize("arm", ["lag", "rmpflow"])
def test_an_episode_does_not_depend_on_the_one_before(tables, hands, sessions, arm):
    cfg = LoopsCfg(arm=arm, causal=True)
    used, horizons = started(tables, hands, sessions, cfg, hand=1)
    summed(used, horizons, 100)
    place(used, hands, sessions, horizons, hand=0)
    fresh, _ = started(tables, hands, sessions, cfg, hand=0)
    assert summed(used, horizons, 60).tobytes() == summed(fresh, horizons, 60).tobytes()
    assert used.tool.tobytes() == fresh.tool.tobytes()


@pytest.mark.parametrize(("arm", "causal"), [("lag", False), ("lag", True), ("rmpflow", True)])
def test_every_network_leaves_the_arm_without_a_jump(tables, hands, sessions, arm, causal):
    loops, horizons = started(tables, hands, sessions, LoopsCfg(arm=arm, causal=causal), hand=1)
    summed(loops, horizons, 150)  # from rest, at home, to the hand
    before = loops.tool.copy()
    for _ in range(400):
        errors, now = loops.step(horizons), loops.tool.copy()
        assert np.isfinite(errors).all()
        assert np.isfinite(loops.shown).all()
        if causal:  # otherwise a step shows the arm where the next packet takes over
            assert np.linalg.norm((now - before)[:, :3], axis=1).max() < 0.01
            assert rotation_angle(now[:, 3:], before[:, 3:]).max() < 0.06
        before = now
    assert np.isfinite(before).all()


@pytest.mark.parametrize("arm", ["lag", "rmpflow"])
@pytest.mark.parametrize("hop", ["up", "command"])
def test_a_lost_link_brings_the_arm_to_rest_and_comes_back(hands, arm, hop):
    usual = steady(50.0)
    bank = foretold_bank([usual, with_outages(usual, {hop: [(7.0, 0.4)]})], 12.0)
    loops = DelayedLoops(recorded_tables(hands, bank), plain_settings(2), LoopsCfg(arm=arm, causal=True))
    horizons = np.tile(LATE, (2, 1))
    place(loops, hands, bank, horizons, hand=1)
    tools = []
    for _ in range(600):
        loops.step(horizons)
        tools.append(loops.tool.copy())
    apart_m = np.linalg.norm(np.diff(np.array(tools)[..., :3], axis=1)[:, 0], axis=1)
    steps_m = np.linalg.norm(np.diff(np.array(tools)[:, 1, :3], axis=0), axis=1)
    lost = round(100 * 7.0) - START_SLOT + 5 * (hop == "up")  # what was under way still arrives
    assert apart_m[200:lost].max() == 0.0
    assert steps_m[lost + 22 : lost + 40].max() < 1e-5
    assert apart_m[lost + 30] > 0.01
    assert steps_m[200:].max() < 0.01
    assert apart_m[lost + 150 :].max() < 1e-3


def shown_by_the_runtime(hands, pictures):
    """Tool poses (pictures, 7) that the rendering function shows, in a world with masses, from START_SLOT on."""
    rendering, _ = build_rendering(SessionCfg())
    tools = np.full((len(pictures.begun_ms), 7), np.nan)
    for number in np.flatnonzero(pictures.begun_ms >= 10 * START_SLOT):
        slot = int(pictures.packet[number])
        now_ns = NS_PER_S + int(pictures.begun_ms[number]) * NS_PER_MS
        packet = ForecastPacket(
            t_ns=NS_PER_S + SLOT_NS * slot,
            pose=hands.poses[slot],
            curve=hands.curves[slot],
            horizons=Horizons(),
            mode=Mode.ENGAGED,
        )
        rendering.accept(packet, pose_t_ns=packet.t_ns, now_ns=now_ns)
        rendering.advance(now_ns, downstream_s=float(pictures.way_s[number]))
        tools[number] = rendering.shown().tool
    return tools


def test_pictures_show_the_arm_of_the_rendering_function_also_after_a_pause():
    hands = bank_of([waves(1000, seed=5)])
    foretold = foretell(with_outages(steady(50.0), {"up": [(6.5, 0.5)]}), 10.0)
    pictures = foretold.bank.pictures[0]
    expected = shown_by_the_runtime(hands, pictures)
    loops = loops_of(hands, foretold.bank, LATE[None], arm="lag")
    apart_m = {}
    for slot in range(START_SLOT, 800):
        loops.step(LATE[None])
        apart_m[slot] = float(np.linalg.norm((loops.shown[0] - expected[pictures.screen[slot + 1]])[:3]))
    assert max(apart for slot, apart in apart_m.items() if 500 <= slot < 650) < 0.002
    assert max(apart for slot, apart in apart_m.items() if slot >= 650) < 0.012
    assert max(apart for slot, apart in apart_m.items() if slot >= 760) < 0.002
