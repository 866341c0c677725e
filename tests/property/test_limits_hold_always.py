"""Whatever is asked, at every tick and between: range, speed, acceleration, jerk, clearance and workspace hold."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.limits import Oracle

from teletwin.robot import JointLimits, WorkspaceLimits, load_ur3e
from teletwin.robot.ur3e import HOME_Q
from teletwin.safety import REDUCED_SPEED_M_S, MotionLimits
from teletwin.twin.limits import CommandLimiter
from teletwin.twin.limits.limiter import DT_MAX_S

JOINTS, WORKSPACE = JointLimits(), WorkspaceLimits()
LIMITER = CommandLimiter()  # one for all: a reset must forget everything
TICKS = 250
STEADY_S = 0.002
HARD = {"deadline": None, "max_examples": 100}
TURN_RAD_S, TURN_M_S = 0.2, 0.15
"""What a joint that speeds up still gains when it is told to brake: 40 rad/s^2 for half of 8 ms and half a tick."""
SWAY_M = 0.001
"""Coming in, the arm may sway back by this, as the stop of an earlier tick does; never beyond where it began."""
OUTSIDE = ("beyond the workspace", "below the workspace", "into the table", "into itself")


def oracle_of(limits=None):
    if limits is None:
        return Oracle(load_ur3e())
    space = WorkspaceLimits(radius_m=limits.workspace_radius_m, height_min_m=limits.workspace_height_m)
    return Oracle(load_ur3e(), workspace=space)


ORACLE = oracle_of()


def spread(rng, count):
    return HOME_Q + rng.normal(size=(count, 6)) * np.array([1.5, 0.6, 0.8, 1.0, 1.0, 2.0])


def start_posture(rng):
    """A posture that keeps every limit, now and then one that is close to something."""
    while True:
        qs = spread(rng, 200)
        least = np.min(list(ORACLE.clearances(qs).values()), axis=0)
        inside = np.all((qs > JOINTS.lower + 0.02) & (qs < JOINTS.upper - 0.02), axis=1)
        good = np.flatnonzero((least > 0.012) & inside)
        if len(good):
            return qs[good[np.argmin(least[good])]] if rng.random() < 0.5 else qs[good[0]]


def random_walk(rng, q):
    return q + np.cumsum(rng.normal(size=(TICKS, 6)) * 10 ** rng.uniform(-4, -0.5), axis=0)


def jumps(rng, q):
    return q + np.repeat(rng.normal(size=(TICKS // 25, 6)) * rng.uniform(0.1, 4), 25, axis=0)


def swings(rng, q):
    t = np.arange(TICKS)[:, None] * 0.004
    return q + rng.uniform(0, 2, 6) * np.sin(2 * np.pi * rng.uniform(0.1, 6, 6) * t + rng.uniform(0, 6, 6))


def rubbish(rng, q):
    wild = q + rng.normal(size=(TICKS, 6))
    wild[rng.random((TICKS, 6)) < 0.1] = np.nan
    wild[rng.random((TICKS, 6)) < 0.1] = 1e6
    wild[rng.random((TICKS, 6)) < 0.1] = -np.inf
    return wild


def pan_along_the_border(rng, q):
    t = np.arange(TICKS)[:, None] * 0.004
    stretched = np.array([0.0, -0.6 * rng.random() - 0.2, 0.1, -1.6, -1.57, 0.0])
    return stretched + np.sin(2 * np.pi * rng.uniform(0.2, 3, 6) * t) * np.array([2.0, 0.2, 0.2, 0.2, 0.2, 1.0])


def sweep_the_table(rng, q):
    t = np.arange(TICKS)[:, None] * 0.004
    low = np.array([0.0, -0.6, 1.4, -2.3, -1.57, 0.0])  # tool at about 4 cm
    return low + np.sin(2 * np.pi * rng.uniform(0.2, 3, 6) * t) * np.array([2.0, 0.4, 0.4, 0.4, 0.4, 1.0])


def fold_up(rng, q):
    """The wrist swings against the upper arm, the forearm against the shoulder."""
    t = np.arange(TICKS)[:, None] * 0.004
    folded = np.array([q[0], -1.5, 2.7, rng.uniform(-3, 0), rng.uniform(-3, 3), 0.0])
    return folded + np.sin(2 * np.pi * rng.uniform(0.2, 3, 6) * t) * np.array([0.5, 0.3, 0.5, 1.5, 1.0, 1.0])


MOTIONS = [random_walk, jumps, swings, rubbish, pan_along_the_border, sweep_the_table, fold_up]


def ticks(rng, kind):
    if kind == "steady":
        return np.full(TICKS, STEADY_S)
    if kind == "jitter":
        return rng.uniform(0.0005, 0.020, TICKS)
    return 10 ** rng.uniform(-5, np.log10(0.05), TICKS)


class Run:
    """The commands of a limiter that was put at rest at q0."""

    def __init__(self, q0, qs, qds, dts):
        self.q0, self.qs, self.qds = q0, np.array(qs), np.array(qds)
        self.steps = np.minimum(dts, DT_MAX_S)[:, None]
        self.before_q = np.vstack([q0, self.qs[:-1]])

    def between(self, shares=(0.25, 0.5, 0.75, 1.0)):
        return np.concatenate([self.before_q + share * (self.qs - self.before_q) for share in shares])

    def accelerations(self):
        """Differences of the ticks' mean speeds over the way between the ticks' middles."""
        lengths = np.vstack([self.steps[:1], self.steps])
        return np.diff(np.vstack([np.zeros(6), self.qds]), axis=0) / (0.5 * (lengths[1:] + lengths[:-1]))

    def jerks(self):
        return np.diff(np.vstack([np.zeros(6), self.accelerations()]), axis=0) / STEADY_S

    def body_speeds(self):
        return ORACLE.speeds(0.5 * (self.before_q + self.qs), self.qds)


def run(q0, asked, dts, *, rng, speeds=None, on_tick=lambda k: None, hold_share=0.02):
    LIMITER.reset(q0)
    commands = []
    for k in range(TICKS):
        on_tick(k)
        held = rng.random() < hold_share
        speed = None if speeds is None else speeds[k]
        commands.append(LIMITER.hold(dts[k]) if held else LIMITER.limit(asked[k], dts[k], qd_desired=speed))
    return Run(q0, [c.q for c in commands], [c.qd for c in commands], dts)


def set_limits(limits, *, approach=False):
    LIMITER.limit_to(limits)
    LIMITER.set_approach(approach)


def assert_joints_kept(made, *, steady):
    assert np.all(np.isfinite(made.qs))
    assert np.all(np.abs(made.qds) <= JOINTS.velocity * (1 + 1e-9))
    assert np.all(np.abs(made.accelerations()) <= JOINTS.acceleration + 1e-4)
    np.testing.assert_allclose(made.qs, made.before_q + made.qds * made.steps, rtol=0, atol=1e-12)
    assert np.all((made.qs >= JOINTS.lower - 1e-12) & (made.qs <= JOINTS.upper + 1e-12))
    if steady:
        assert np.all(np.abs(made.jerks()) <= JOINTS.jerk * (1 + 1e-6))


def assert_clear(made, oracle):
    least, what = oracle.least(made.between())
    assert least >= 0.0, what


@settings(**HARD)
@given(
    seed=st.integers(0, 2**32 - 1),
    motion=st.sampled_from(MOTIONS),
    pace=st.sampled_from(["steady", "jitter", "wild"]),
    with_speed=st.booleans(),
    speed_m_s=st.sampled_from([1.5, 1.5, 0.6, REDUCED_SPEED_M_S]),
    approach=st.booleans(),
)
def test_no_limit_is_ever_broken(seed, motion, pace, with_speed, speed_m_s, approach):
    rng = np.random.default_rng(seed)
    set_limits(MotionLimits(max_tool_speed_m_s=0.8 * speed_m_s, max_body_speed_m_s=speed_m_s), approach=approach)
    q0, dts = start_posture(rng), ticks(rng, pace)
    speeds = rng.normal(size=(TICKS, 6)) * 3 if with_speed else None
    made = run(q0, motion(rng, q0), dts, rng=rng, speeds=speeds)
    assert_joints_kept(made, steady=pace == "steady")
    assert_clear(made, ORACLE)
    body, tool = made.body_speeds()
    most = REDUCED_SPEED_M_S if approach else np.inf
    assert body.max() <= min(speed_m_s, most) + 1e-6
    assert tool.max() <= min(0.8 * speed_m_s, most) + 1e-6


@settings(**HARD)
@given(seed=st.integers(0, 2**32 - 1), motion=st.sampled_from([jumps, swings, sweep_the_table, fold_up]))
def test_limits_that_are_tightened_in_the_middle_of_a_motion_are_braked_down_to(seed, motion):
    rng = np.random.default_rng(seed)
    cap = MotionLimits(
        max_speed_rad_s=rng.uniform(0.05, 3.0),
        max_body_speed_m_s=rng.uniform(0.05, 1.5),
        workspace_radius_m=rng.uniform(0.3, 0.48),
        workspace_height_m=rng.uniform(0.02, 0.15),
    )
    set_limits(MotionLimits())
    q0, dts, middle = start_posture(rng), ticks(rng, "steady"), TICKS // 2
    made = run(q0, motion(rng, q0), dts, rng=rng, on_tick=lambda k: set_limits(cap) if k == middle else None)
    assert_joints_kept(made, steady=True)
    assert_clear(made, ORACLE)
    body, _ = made.body_speeds()
    fastest = np.abs(made.qds).max(axis=1)
    braked = middle + 120  # 0.24 s: 0.16 from a full 2 pi rad/s by 40 rad/s^2, then the soft end of the braking law
    assert np.all(fastest[middle:] <= max(cap.max_speed_rad_s, fastest[middle - 1]) + TURN_RAD_S)
    assert np.all(fastest[braked:] <= cap.max_speed_rad_s + 1e-9)
    assert np.all(body[middle:] <= max(cap.max_body_speed_m_s, body[middle - 1]) + TURN_M_S)
    assert np.all(body[braked:] <= cap.max_body_speed_m_s + 1e-6)
    after = oracle_of(cap).clearances(made.qs[braked:])
    for name in ("workspace radius", "workspace height"):
        beyond = np.minimum(after[name], 0.0)
        assert np.all(beyond >= np.maximum.accumulate(beyond) - SWAY_M), name  # outside, only inward


@settings(**HARD)
@given(seed=st.integers(0, 2**32 - 1), pace=st.sampled_from(["steady", "jitter"]), often=st.sampled_from([5, 40]))
def test_an_arm_that_is_measured_anew_again_and_again_keeps_what_joints_may(seed, pace, often):
    """Each time it starts from what was measured, in motion or not."""
    rng = np.random.default_rng(seed)
    set_limits(MotionLimits())
    q, dts = start_posture(rng), np.minimum(ticks(rng, pace), DT_MAX_S)
    LIMITER.reset(q)
    v, before_s = np.zeros(6), None
    for k in range(TICKS):
        if k % often == 0:
            q, v, before_s = HOME_Q + 0.1 * rng.normal(size=6), rng.normal(size=6) * 10 ** rng.uniform(-2, 1), None
            LIMITER.reset(q, v)
            v = np.clip(v, -JOINTS.velocity, JOINTS.velocity)
        out = LIMITER.limit(q + rng.normal(size=6), dts[k]) if rng.random() < 0.7 else LIMITER.hold(dts[k])
        lapse = dts[k] if before_s is None else 0.5 * (dts[k] + before_s)  # the first follows a tick like itself
        assert np.all(np.abs(out.qd - v) / lapse <= JOINTS.acceleration + 1e-4)
        assert np.all(np.abs(out.qd) <= JOINTS.velocity * (1 + 1e-9))
        np.testing.assert_allclose(out.q, q + out.qd * dts[k], rtol=0, atol=1e-12)
        q, v, before_s = out.q, out.qd, dts[k]


def outside_posture(rng, where):
    """A posture that breaks one limit by up to 5 cm, and what it breaks."""
    while True:
        qs = spread(rng, 2000)
        if where == "into itself":
            qs[:, 2:] = np.array([2.8, 0.0, 0.0, 0.0]) + rng.normal(size=(2000, 4)) * np.array([0.3, 2.0, 2.0, 1.0])
        clear = ORACLE.clearances(qs)
        names = {
            "beyond the workspace": ["workspace radius"],
            "below the workspace": ["workspace height"],
            "into the table": [name for name in clear if name.endswith("table")],
            "into itself": [name for name in clear if "_link" in name and "table" not in name],
        }[where]
        depth = np.min([clear[name] for name in names], axis=0)
        inside = np.all((qs > JOINTS.lower + 0.02) & (qs < JOINTS.upper - 0.02), axis=1)
        good = np.flatnonzero((depth < -0.001) & (depth > -0.05) & inside)
        if len(good):
            return qs[good[0]]


@settings(**HARD)
@given(seed=st.integers(0, 2**32 - 1), where=st.sampled_from(OUTSIDE), goes_in=st.booleans())
def test_put_down_outside_it_never_gets_worse(seed, where, goes_in):
    rng = np.random.default_rng(seed)
    set_limits(MotionLimits())
    q0, dts = outside_posture(rng, where), ticks(rng, "steady")
    asked = np.linspace(q0, HOME_Q, TICKS) if goes_in else swings(rng, q0)
    made = run(q0, asked, dts, rng=rng)
    assert_joints_kept(made, steady=True)
    path = np.vstack([q0, made.qs])
    for name, clearance in ORACLE.clearances(path).items():
        broken = np.minimum(clearance, 0.0)
        assert np.all(broken >= broken[0] - 1e-8), name
        assert np.all(broken >= np.maximum.accumulate(broken) - SWAY_M), name
