"""Each stage of the training loop's kernels against the runtime's class that it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_hands import waves

from teletwin.arm.resample import CommandResampler
from teletwin.arm.servo_law import ServoLaw
from teletwin.horizon.action import ACTION_COUNTS, ActionLimits, horizons_of
from teletwin.horizon.rule import STOCK_ORIENTATION_LAG_S, STOCK_POSITION_LAG_S
from teletwin.messages import ForecastPacket, Horizons, Mode
from teletwin.session.build import FED_LAG_S, FED_TURN_LAG_S, RESAMPLING, SERVO_LAG_S
from teletwin.twin.smoothing import Smoothing
from teletwin.twin.target import PathCfg, TargetStream
from teletwin.warp_runtime import load_warp
from teletwin_training.horizon.actions import horizon_rows
from teletwin_training.horizon.hands import PAST_SLOTS, bank_of
from teletwin_training.horizon.hop import LOST, newest_at
from teletwin_training.horizon.lag_loops import LoopArrays
from teletwin_training.horizon.loops import LoopSettings, params_of
from teletwin_training.horizon.sessions import START_SLOT, draw_sessions
from teletwin_training.horizon.tables import recorded_tables
from teletwin_training.horizon.timing import FOLLOW, RESUME, SLOT_NS, TICK_NS, TICKS_PER_SLOT, _held, _play

COUNT, TICKS = 6, 400
EXACT = {"rtol": 0.0, "atol": 1e-9}
TRANSPORT_TICKS = 2
"""From a set-point to the servo law: SimulatedArmCfg's transport."""


@pytest.fixture(scope="module")
def hands():
    return bank_of([waves(900, seed=1)])


@pytest.fixture(scope="module")
def sessions():
    return draw_sessions(["rough"], each=COUNT, duration_s=5.0, seed=4)


@pytest.fixture
def arrays(hands, sessions):
    fed = np.arange(COUNT) % 3 > 0
    made = LoopArrays(
        recorded_tables(hands, sessions),
        params_of(LoopSettings(feed_forward=fed, servo_lag_s=np.full(COUNT, SERVO_LAG_S))),
        causal=True,
    )
    made.first_row.write(PAST_SLOTS + 40 * np.arange(COUNT))
    made.session.write(np.arange(COUNT))
    made.first_slot.write(np.full(COUNT, START_SLOT))
    return made


def launched(kernel_name, inputs, shapes):
    """What a kernel of stage_kernels wrote into its last arguments, arrays of float64 of these shapes."""
    wp = load_warp()
    import stage_kernels

    outputs = [wp.zeros(shape, dtype=wp.float64) for shape in shapes]
    wp.launch(getattr(stage_kernels, kernel_name), dim=COUNT, inputs=[*inputs, *outputs], device="cpu")
    return [output.numpy() for output in outputs]


def floats(values):
    return load_warp().array(np.ascontiguousarray(values), dtype=load_warp().float64)


def random_horizons(rng, count):
    """Rows (count, 6) as loops take them, late bound or not."""
    late = rng.integers(0, 2, count)
    horizons = rng.uniform(-0.2, 0.6, (count, 4))
    return np.column_stack([horizons, rng.uniform(0.0, 1.3, count), late])


def test_targets_are_those_of_the_target_stream(arrays, hands, sessions):
    rng = np.random.default_rng(0)
    first, slots = TICKS_PER_SLOT * (START_SLOT + 20), TICKS // TICKS_PER_SLOT + 20
    chosen = np.stack([random_horizons(rng, slots) for _ in range(COUNT)])
    kept = arrays.loop.horizons.numpy()
    kept[:, :slots] = chosen
    inputs = [arrays.motion, arrays.times, arrays.params, arrays.control, arrays.loop, first]
    poses, velocities, turns = launched("bind_targets", inputs, [(COUNT, TICKS, size) for size in (7, 3, 3)])
    for e, timing in enumerate(sessions.timings):
        fed = bool(arrays.params.feed_forward.numpy()[e])
        bound = bound_targets(hands, timing, chosen[e], first=first, row=PAST_SLOTS + 40 * e, fed=fed)
        np.testing.assert_allclose(poses[e], [target.pose for target in bound], **EXACT)
        np.testing.assert_allclose(velocities[e], [target.velocity for target in bound], **EXACT)
        np.testing.assert_allclose(turns[e], [target.angular_velocity for target in bound], **EXACT)


def bound_targets(hands, timing, chosen, *, first, row, fed):
    """Targets by the runtime at TICKS ticks from `first` on; the hand of slot START_SLOT is in `row`."""
    lag_s, turn_lag_s = (FED_LAG_S, FED_TURN_LAG_S) if fed else (STOCK_POSITION_LAG_S, STOCK_ORIENTATION_LAG_S)
    stream, targets = TargetStream(PathCfg(feed_forward=fed)), []
    for tick in range(first, first + TICKS):
        packet = int(timing.packet[tick])
        slot = packet - START_SLOT
        h = chosen[slot]
        horizons = Horizons(
            control_s=h[0], control_orientation_s=h[2], gain=h[4], late_binding_control=bool(h[5]), render_s=h[1]
        )
        message = ForecastPacket(
            t_ns=packet * SLOT_NS,
            pose=hands.poses[row + slot],
            curve=hands.curves[row + slot],
            horizons=horizons,
            mode=Mode.ENGAGED,
        )
        stream.accept(message, pose_t_ns=message.t_ns)
        way_s = timing.downstream_s[tick] + SERVO_LAG_S + lag_s
        bound = stream.at(tick * TICK_NS, downstream_s=way_s, orientation_extra_s=turn_lag_s - lag_s)
        assert bound is not None
        target = bound.target
        targets.append(
            replace(target, velocity=target.velocity.copy(), angular_velocity=target.angular_velocity.copy())
        )
    return targets


def test_smoothing_is_the_papers(arrays):
    rng = np.random.default_rng(1)
    gaps = rng.choice([2, 2, 2, 2, 4, 6, 10, 50], TICKS)
    times_ns = 1_000_000 * np.cumsum(gaps).astype(np.int64)
    q = np.cumsum(0.01 * rng.normal(size=(COUNT, TICKS, 7)), axis=1)
    inputs = [arrays.control, floats(times_ns * 1e-9), floats(q)]
    at, rate = launched("smooth_outputs", inputs, [q.shape] * 2)
    for e in range(COUNT):
        smoothing = Smoothing(interval_s=0.01, reading="paper")
        smoothing.reset(np.zeros(7))
        expected = []
        for i, t_ns in enumerate(times_ns.tolist()):
            smoothing.update(t_ns, q[e, i], np.zeros(7))
            expected.append(smoothing.at(t_ns))
        np.testing.assert_allclose(at[e], [each[0] for each in expected], **EXACT)
        np.testing.assert_allclose(rate[e], [each[1] for each in expected], rtol=1e-9, atol=1e-9)


def commands_of(rng):
    """Sent, held and arrival times [ns] of commands that are late, lost and silent, every arrival on a tick."""
    count = 5 * TICKS
    sent_ns = TICK_NS * np.arange(count, dtype=np.int64)
    wander = np.cumsum(rng.normal(size=count)) * 0.5e6
    arrivals_ns = np.maximum.accumulate(sent_ns + 30_000_000 + np.maximum(wander, -30e6).astype(np.int64))
    arrivals_ns = -(-arrivals_ns // TICK_NS) * TICK_NS
    arrivals_ns[rng.random(count) < 0.05] = LOST
    start = 100
    for silent_ms in (60, 90, 150, 300):
        arrivals_ns[start : start + silent_ms // 2] = LOST
        start += silent_ms // 2 + 300
    downstream_s = 0.03 + 0.005 * np.sin(0.01 * np.arange(count)) - 0.006 * (np.arange(count) % 700 > 350)
    return sent_ns, arrivals_ns, downstream_s


def with_play(arrays, drawn):
    """Let the kernels play these commands; return what `_play` says of each environment."""
    wp, plays = load_warp(), []
    for sent_ns, arrivals_ns, downstream_s in drawn:
        newest = newest_at(arrivals_ns, sent_ns)
        held = _held(sent_ns, arrivals_ns, newest, np.ones(len(sent_ns), dtype=np.bool_))
        plays.append(_play(sent_ns, arrivals_ns, newest, held, downstream_s))
    for name in ("arm_mode", "left", "right", "ahead", "span"):
        values = np.stack([play.get(name, play.get(f"{name}_s")) for play in plays])
        dtype = wp.float64 if values.dtype.kind == "f" else wp.int32
        setattr(arrays.times, name, wp.array(values, dtype=dtype))
    return plays


def played(commands, modes, q, qd):
    """Set-points and their rates by the runtime where the arm follows, else NaN; and the resampler."""
    sent_ns, arrivals_ns, downstream_s = commands
    resampler = CommandResampler(RESAMPLING, joint_count=7)
    holds_ns = sent_ns + (1e9 * downstream_s).astype(np.int64)
    due, out = np.argsort(arrivals_ns, kind="stable").tolist(), np.full((2, len(q), 7), np.nan)
    for tick, now_ns in enumerate(sent_ns.tolist()):
        while due and arrivals_ns[due[0]] <= now_ns:
            k = due.pop(0)
            resampler.push(int(holds_ns[k]), q[k], qd[k], now_ns=int(arrivals_ns[k]))
        if modes[tick] in (FOLLOW, RESUME):
            sample = resampler.sample(now_ns)
            assert not sample.held
            out[:, tick] = sample.q, sample.qd
        elif tick and not np.isnan(out[0, tick - 1, 0]):
            resampler.rest_at(out[0, tick - 1])  # held: as the limits bring the arm to rest
    return out[0], out[1], resampler


def test_commands_are_played_as_by_the_resampler_and_followed_as_by_the_servo_law(arrays):
    rng = np.random.default_rng(2)
    drawn = [commands_of(rng) for _ in range(COUNT)]
    steps = np.arange(len(drawn[0][0]))[:, None]
    q = 0.03 * np.sin(rng.uniform(0.005, 0.02, (COUNT, 1, 7)) * steps + rng.uniform(0.0, 6.0, (COUNT, 1, 7)))
    qd = np.gradient(q, axis=1) / 0.002 + rng.normal(scale=0.01, size=q.shape)
    qd[:, ::97] *= 1e3  # beyond what the resampler takes
    plays = with_play(arrays, drawn)
    inputs = [arrays.times, arrays.params, arrays.control, arrays.loop, floats(q), floats(qd)]
    wanted, rates, arm = launched("play_commands", inputs, [q.shape] * 3)
    for e, play in enumerate(plays):
        expected, expected_rates, resampler = played(drawn[e], play["arm_mode"], q[e], qd[e])
        follows = ~np.isnan(expected[:, 0])
        np.testing.assert_allclose(wanted[e][follows], expected[follows], **EXACT)
        np.testing.assert_allclose(rates[e][follows], expected_rates[follows], rtol=1e-9, atol=1e-8)
        assert np.sum(play["arm_mode"] == RESUME) == 2  # after 150 and 300 ms
        assert resampler.stale_count > 0
        law = ServoLaw(joint_count=7)
        followed = [law.step(set_point).copy() for set_point in wanted[e][:-TRANSPORT_TICKS]]
        np.testing.assert_allclose(arm[e][TRANSPORT_TICKS:], followed, **EXACT)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(sorted(ACTION_COUNTS)))
def test_rows_of_actions_are_the_horizons_of_each(seed, kind):
    rng = np.random.default_rng(seed)
    actions = rng.normal(scale=1.0, size=(20, ACTION_COUNTS[kind]))
    actions[rng.random(actions.shape) < 0.05] = np.nan
    actions[rng.random(actions.shape) < 0.05] = np.inf
    limits = ActionLimits(correction_s=rng.uniform(0, 0.5), gain_least=rng.uniform(0, 1), gain_most=rng.uniform(1, 1.3))
    late = kind == "late"
    base = rng.uniform(-0.1 if late else 0.0, 0.5, (20, 4))
    rows = horizon_rows(actions, kind=kind, limits=limits, base=base)
    for row, action, rule in zip(rows, actions, base, strict=True):
        told = Horizons(
            control_s=rule[0], render_s=rule[1], control_orientation_s=rule[2], render_orientation_s=rule[3]
        )
        h = horizons_of(action, kind=kind, limits=limits, base=told)
        expected = [h.control_s, h.render_s, h.control_orientation_s, h.render_orientation_s, h.gain]
        np.testing.assert_allclose(row, [*expected, float(h.late_binding_control)], rtol=0.0, atol=1e-12)
        assert h.late_binding_control == h.late_binding_render
