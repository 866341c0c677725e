"""A lesson: what a slot is worth, when slots count, how a newer policy takes over, where the dot is."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import ConfigError
from teletwin.hand.drawing_task import DrawingTaskCfg
from teletwin.hand.workspace import Workspace
from teletwin.horizon.learned import LearnedPolicy
from teletwin.horizon.policy_file import identity_policy
from teletwin.messages import Frame, Mode
from teletwin.robot.ur3e import HOME_Q
from teletwin.session.exploration import MOST, BoundedNoise
from teletwin.session.lesson import Lesson
from teletwin.session.lesson_cfg import LessonCfg
from teletwin.session.lesson_channel import NewPolicy, Row
from teletwin.session.lesson_drawing import Drawing, Score, lesson_hand, lesson_task
from teletwin.session.lesson_reward import STALE_NS, SlotErrors, SlotJudge
from teletwin.session.metrics import SessionMetrics
from teletwin.session.operator import OperatorState
from teletwin.session.role_cfg import RoleCfg, from_json, to_json

TASK = lesson_task(DrawingTaskCfg(seed=1))
T0 = 100 * NS_PER_S
SLOT_NS = 10 * NS_PER_MS


def pose(x: float = 0.0, turn: float = 0.0) -> np.ndarray:
    return np.array([x, 0.0, 0.0, math.cos(turn / 2), 0.0, 0.0, math.sin(turn / 2)])


def drawn_frame(shown: np.ndarray) -> Frame:
    return Frame(
        frame_id=1,
        codec="jpeg",
        is_key=False,
        width=16,
        height=16,
        input_seq=0,
        pose_t_ns=0,
        shown_pose=shown,
        shadow_poses=np.tile(shown, (2, 1)),
        horizon_used_s=0.0,
        stages_ms={},
        t_ready_ns=0,
        data=b"",
    )


def show(metrics: SessionMetrics, shown: np.ndarray, t_ns: int) -> None:
    metrics.display.arrived(drawn_frame(shown), t_ready_ns=t_ns)
    metrics.display.drawn(1, t_ns, engaged=False)


def test_a_slot_is_worth_what_the_formula_says() -> None:
    errors = SlotErrors(control_m=0.01, control_rad=0.2, display_m=0.02, display_rad=0.1, drawing_m=0.04)
    assert errors.metric == pytest.approx(-(0.01 + 0.1 * 0.2 + 0.02 + 0.1 * 0.1))
    assert errors.reward == pytest.approx((errors.metric - 0.5 * 0.04) / 0.02)
    assert dataclasses.replace(errors, drawing_m=9.0).reward == -10.0


def test_errors_are_taken_at_the_instants_at_which_they_were_measured() -> None:
    metrics = SessionMetrics(tool_pose=lambda q: pose(q[0]))
    judge = SlotJudge(metrics, tool_pose=lambda q: pose(q[0], 0.3), dot=lambda t_ns: np.array([0.5, 0.0, 0.0]))
    assert judge.judge(T0) is None, "nothing is known"
    for k in range(11):
        metrics.sampled(T0 + k * SLOT_NS, pose(0.01 * k))
    show(metrics, pose(0.07, -0.2), T0 + 90 * NS_PER_MS)
    assert judge.judge(T0 + 100 * NS_PER_MS) is None, "no state of the arm"
    judge.measured(T0 + 45 * NS_PER_MS, np.array([0.043]))
    judge.measured(T0 + 45 * NS_PER_MS, np.array([9.0]))  # told again
    judge.measured(T0 + 104 * NS_PER_MS, np.array([9.0]))  # newer than the hand's newest sample
    errors = judge.judge(T0 + 105 * NS_PER_MS)
    assert errors is not None
    assert errors.control_m == pytest.approx(0.002)
    assert errors.control_rad == pytest.approx(0.3)
    assert errors.display_m == pytest.approx(0.03)
    assert errors.display_rad == pytest.approx(0.2)
    assert errors.drawing_m == pytest.approx(0.457)
    assert judge.judge(T0 + 95 * NS_PER_MS + STALE_NS) is None, "picture and arm are of long ago"


def test_noise_is_gaussian_bounded_and_smooth_and_silent_until_it_is_on() -> None:
    noise = BoundedNoise(np.array([0.05, 0.1, 0.5]), rng=np.random.default_rng(0))
    action = np.array([0.1, -0.2, 0.3])
    assert noise(action) is action
    noise.is_on = True
    drawn = np.stack([noise(action) - action for _ in range(60_000)])
    assert np.abs(drawn).max(axis=0) == pytest.approx([0.1, 0.2, MOST])
    assert np.abs(drawn[0]).max() < 0.3 * MOST, "it begins at nothing"
    assert drawn[:, 0].std() == pytest.approx(0.959 * 0.05, rel=0.05), "clipped at two deviations, 0.959 is left"
    assert (np.abs(drawn[:, 1]) < 0.1).mean() == pytest.approx(0.683, abs=0.02)
    assert np.abs(drawn.mean(axis=0)).max() < 0.02
    assert np.diff(drawn[:, 0]).std() < 0.25 * 0.05, "white noise would change by 1.41 of its spread"
    noise.is_on = False
    assert noise(action) is action
    noise.is_on = True
    assert np.abs(noise(action) - action)[:2].max() < 0.03


def test_the_dot_runs_after_the_countdown_stands_when_paused_and_goes_on_from_there() -> None:
    drawing = Drawing(TASK, countdown_s=2.0)
    assert drawing.state == "ready"
    assert drawing.time_s(T0) == 0.0
    drawing.start(T0)
    drawing.start(T0 + NS_PER_S)  # pressed again
    assert not drawing.is_moving(T0 + NS_PER_S)
    assert drawing.time_s(T0 + NS_PER_S) == 0.0
    assert drawing.is_moving(T0 + 3 * NS_PER_S)
    assert drawing.time_s(T0 + 3 * NS_PER_S) == pytest.approx(1.0)
    assert drawing.dot(T0 + 3 * NS_PER_S) == pytest.approx(TASK.target(1.0))
    drawing.pause(T0 + 4 * NS_PER_S)
    assert drawing.time_s(T0 + 60 * NS_PER_S) == pytest.approx(2.0)
    drawing.start(T0 + 60 * NS_PER_S)
    assert drawing.time_s(T0 + 61 * NS_PER_S) == pytest.approx(2.0)
    assert drawing.time_s(T0 + 63 * NS_PER_S) == pytest.approx(3.0)
    drawing.end()
    drawing.start(T0 + 70 * NS_PER_S)
    assert drawing.state == "over"


def test_what_the_page_draws_between_its_points_is_the_dot() -> None:
    times, points = TASK.round(257)
    t = np.linspace(0.0, TASK.period_s, 999)
    straight = np.stack([np.interp(t, times, points[:, axis]) for axis in range(3)], axis=1)
    assert np.abs(straight - TASK.target(t)).max() < 2e-4
    shape: Any = Drawing(TASK, countdown_s=1.0).shape()
    assert len(shape["places"]) == len(shape["times_s"]) == 257
    assert np.abs(shape["places"]).max() < 0.5, "inside the picture"


@pytest.mark.parametrize("seed", range(20))
def test_every_curve_lies_where_the_tool_may_go(seed: int) -> None:
    workspace = Workspace()
    assert all(workspace.contains(point) for point in lesson_task(DrawingTaskCfg(seed=seed)).points())


def test_the_score_is_of_the_last_ten_seconds_and_the_trend_of_the_ten_before() -> None:
    score = Score()
    assert (score.mean_m, score.trend_m, score.whole_m) == (None, None, None)
    for k in range(400):
        score.add(0.1 * k, 0.03 if k < 200 else 0.02 if k < 300 else 0.01)
    assert score.mean_m == pytest.approx(0.01)
    assert score.trend_m == pytest.approx(-0.01)
    assert score.whole_m == pytest.approx(0.0225)


class Channel:
    """A learner's end that keeps what it is told."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.newest: NewPolicy | None = None
        self.fault = ""
        self.learner: dict[str, object] = {}
        self.sent_count = self.dropped_count = self.refused_count = 0

    def send(self, row: Row) -> bool:
        self.rows.append(row)
        self.sent_count += 1
        return True

    def take(self) -> NewPolicy | None:
        newest, self.newest = self.newest, None
        return newest


class World:
    """An operator's loop that only counts its slots, with a person who holds the tool, and the lesson around it."""

    def __init__(self, policy: LearnedPolicy | None = None) -> None:
        self.now_ns = T0
        self.metrics = SessionMetrics(tool_pose=lambda q: pose(), settle_s=0.05)
        arm = SimpleNamespace(t_ns=T0, q=HOME_Q, mode=Mode.ENGAGED, fault="")
        self.state = OperatorState()
        self.state.evidence.status = SimpleNamespace(arm=arm)  # pyright: ignore[reportAttributeAccessIssue]
        self.arm, self.hand, self.channel = arm, lesson_hand(TASK), Channel()
        self.policy = policy or LearnedPolicy(identity_policy())
        self.loop: Any = SimpleNamespace(
            policy=self.policy, state=self.state, metrics=self.metrics, press=self.state.intent.press
        )
        self.person: Any = SimpleNamespace(
            source="person", browser=SimpleNamespace(clutch=SimpleNamespace(closed=True))
        )
        self.lesson = Lesson(
            LessonCfg(channel="", countdown_s=0.02, spread=0.1),
            loop=self.loop,
            hand=self.person,
            link=SimpleNamespace(offset_ns=lambda peer: 0),  # pyright: ignore[reportArgumentType]
            drawing=Drawing(TASK, countdown_s=0.02),
            learner=self.channel,  # pyright: ignore[reportArgumentType]
            tool_pose=lambda q: pose(),
        )

    def slots(self, count: int) -> list[Row]:
        """Run slots; the rows that they brought."""
        before = len(self.channel.rows)
        for _ in range(count):
            self.now_ns += SLOT_NS
            self.arm.t_ns = self.now_ns - 2 * NS_PER_MS
            self.metrics.sampled(self.now_ns, pose())
            self.metrics.engaged(self.now_ns, self.state.mode)
            show(self.metrics, pose(), self.now_ns)
            self.lesson.before_slot(self.now_ns)
            self.state.slot += 1
            self.policy.last_observation = np.full(4, float(self.state.slot))
            self.policy.last_action = self.lesson.noise(np.zeros(5))
            self.lesson.after_slot()
        return self.channel.rows[before:]

    def drawing(self) -> World:
        self.lesson.hear("start", self.now_ns)
        self.slots(20)
        return self


def test_every_slot_of_drawing_is_told_with_what_was_seen_and_done_in_it() -> None:
    world = World()
    assert world.slots(20) == []
    world.lesson.hear("start", world.now_ns)
    assert world.state.mode is Mode.ENGAGED
    rows = world.slots(40)
    assert 25 < len(rows) < 38, "once settled, and from the dot's first step on"
    numbers = [row.slot for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(rows)))
    assert all(row.observation[0] == row.slot for row in rows)
    assert all(0.0 < np.abs(row.action).max() <= 0.2 for row in rows), "the noise is in what was done"
    assert all(row.reward < 0.0 and row.policy == 0 for row in rows)
    assert world.lesson.row(world.now_ns)["score_mm"] == pytest.approx(1e3 * np.linalg.norm(TASK.target(0.0)), rel=0.2)
    assert world.lesson.results()["row_count"] == len(rows)


@pytest.mark.parametrize("hindrance", ["clutch", "recording", "fault", "arm", "policy"])
def test_slots_in_which_nobody_draws_leave_a_gap(hindrance: str) -> None:
    world = World().drawing()
    last = world.slots(3)[-1].slot
    if hindrance == "clutch":
        world.person.browser.clutch.closed = False
    elif hindrance == "recording":
        world.person.source = "recording"
    elif hindrance == "fault":
        world.arm.fault = "protective stop"
    elif hindrance == "arm":
        world.arm.mode = Mode.HOLD
    else:
        world.loop.policy = LearnedPolicy(identity_policy())
    assert len(world.slots(5)) <= (hindrance == "policy")
    world.person.browser.clutch.closed, world.person.source = True, "person"
    world.arm.fault, world.arm.mode, world.loop.policy = "", Mode.ENGAGED, world.policy
    assert world.slots(4)[0].slot > last + 4


@pytest.mark.parametrize("word", ["pause", "leave", "button"])
def test_a_pause_holds_the_arm_and_teaches_nothing(word: str) -> None:
    world = World().drawing()
    if word == "button":
        world.state.intent.press(Mode.HOLD)
    else:
        world.lesson.hear(word, world.now_ns)
    world.slots(1)
    assert world.state.mode is Mode.HOLD
    assert world.lesson.drawing.state == "paused"
    assert world.slots(10) == []
    assert not world.lesson.noise.is_on
    world.lesson.hear("start", world.now_ns)
    assert world.slots(20) != []
    world.lesson.hear("quit", world.now_ns)
    assert world.lesson.is_over
    assert world.slots(3) == []


def test_a_newer_policy_takes_over_between_slots_and_one_that_does_not_fit_changes_nothing() -> None:
    world = World().drawing()
    newer = dataclasses.replace(identity_policy(), note={"number": 1})
    world.channel.newest = NewPolicy(number=1, policy=newer, spread=np.full(5, 0.05))
    rows = world.slots(3)
    assert [row.policy for row in rows] == [0, 1, 1], "the slot that ends was the older one's"
    assert world.policy.policy is newer
    assert world.lesson.noise.spread.tolist() == [0.05] * 5
    for number, policy, spread in (
        (2, identity_policy("paper", "paper"), np.full(5, 0.05)),
        (3, newer, np.full(4, 0.05)),
        (4, newer, np.full(5, -0.1)),
    ):
        world.channel.newest = NewPolicy(number=number, policy=policy, spread=spread)
        world.slots(1)
    assert world.channel.refused_count == 3
    assert world.lesson.number == 1
    assert world.lesson.results()["swap_count"] == 1


def test_a_learner_that_has_ended_is_said_on_the_page() -> None:
    world = World().drawing()
    world.channel.fault = "the learner has ended"
    world.slots(3)
    assert world.state.warnings == ("the learner has ended: nothing more is learned",)


def test_a_lesson_needs_a_policy_that_can_learn() -> None:
    with pytest.raises(ConfigError, match="needs a learned policy"):
        World(policy=SimpleNamespace(explore=None))  # pyright: ignore[reportArgumentType]


def test_the_settings_of_a_lesson_cross_the_pipe() -> None:
    lesson = LessonCfg(channel="somewhere", task=DrawingTaskCfg(seed=4, speed_m_s=0.05), spread=0.2, seed=9)
    for cfg in (RoleCfg(role="operator", lesson=lesson), RoleCfg(role="operator")):
        assert from_json(to_json(cfg)) == cfg
    with pytest.raises(ConfigError, match="given: a countdown of 99"):
        LessonCfg(channel="", countdown_s=99.0)


def test_the_hand_of_a_lesson_rests_on_the_dot_until_somebody_takes_it() -> None:
    hand = lesson_hand(TASK)
    samples = [sample for k in range(50) for sample in hand.poll(T0 + k * SLOT_NS)]
    assert hand.source == "recording"
    assert len(samples) >= 45
    assert all(np.allclose(sample.pose[:3], TASK.target(0.0)) for sample in samples)
