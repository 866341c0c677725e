"""Ladder and planner: down at once, up step by step, never above what was asked for, no swinging."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from teletwin.clock import NS_PER_MS
from teletwin.messages import ViewSettings
from teletwin.session.allocation.ladder import ladder
from teletwin.session.allocation.plan import UPDATE_RATES_HZ, Estimates, PlanCfg, Planner

ASKED = ViewSettings(width=640, height=360, rate_hz=30.0, bitrate_bps=4_000_000)
ENOUGH = Estimates(capacity_bps=50e6, queue_ms=0.0, whole_ms=15.0, step_ms=0.3, update_bytes=900)
SHARES = {"link_share": 0.8, "compute_share": 0.8}


class Ticks:
    """A planner that is asked every 100 ms; notes every picture in force."""

    def __init__(self, asked: ViewSettings = ASKED, cfg: PlanCfg | None = None) -> None:
        self.planner = Planner(asked, payload_bytes=lambda count: 0.9 * count, cfg=cfg)
        self.t_ns = 1_000 * NS_PER_MS
        self.plans = [self.planner.plan]

    def run(self, count: int, shares=SHARES, **change):
        for _ in range(count):
            self.t_ns += 100 * NS_PER_MS
            seen = dataclasses.replace(ENOUGH, **change)
            self.plans.append(self.planner.decide(self.t_ns, seen=seen, **shares))
        return self.plans[-1]


def test_the_ladder_gives_up_size_then_shadow_then_rate():
    rungs = ladder(ASKED)
    assert [(r.width, r.height) for r in rungs[:3]] == [(640, 360), (480, 270), (320, 180)]
    assert [r.shadow for r in rungs] == [True, True, True, False, False, False, False]
    assert [r.rate_hz for r in rungs[3:]] == pytest.approx([30.0, 20.0, 15.0, 10.0])
    assert all(one.relative * one.rate_hz > other.relative * other.rate_hz for one, other in itertools.pairwise(rungs))


def test_rungs_cost_what_was_measured_and_none_more_than_the_one_before_it():
    kinds = [(640, 360, True), (480, 270, True), (320, 180, True), (320, 180, False)]
    measured = ladder(ASKED, dict(zip(kinds, (20.0, 16.0, 17.0, 9.0), strict=True)))
    assert [rung.relative for rung in measured] == pytest.approx([1.0, 0.8, 0.8, 0.45, 0.45, 0.45, 0.45])
    assert ladder(ASKED, {kinds[0]: 20.0}) == ladder(ASKED), "half a measurement is none"


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (656, 370), (208, 118), (160, 90), (1008, 422)])
def test_every_rung_suits_the_encoder_and_is_no_more_than_asked(width, height):
    asked = ViewSettings(width=width, height=height, rate_hz=24.0, shadow=False)
    for rung in ladder(asked):
        assert rung.width % 16 == rung.height % 2 == 0
        assert 160 <= rung.width <= width
        assert 90 <= rung.height <= height
        assert abs(rung.width / rung.height * height / width - 1.0) < 0.06
        assert rung.rate_hz <= 24.0
        assert not rung.shadow


def test_with_enough_of_everything_the_picture_is_the_one_that_was_asked_for():
    ticks = Ticks()
    plan = ticks.run(50)
    assert plan.view == ASKED
    assert (plan.update_rate_hz, plan.physics_tick_s) == (125.0, 0.004)
    assert ticks.planner.change_count == 0


def test_a_narrow_link_lowers_bitrate_and_updates_in_the_next_tick():
    ticks = Ticks()
    plan = ticks.run(1, capacity_bps=1.5e6, queue_ms=120.0)
    assert plan.view.bitrate_bps < 0.8 * 0.85 * 1.5e6
    assert plan.update_rate_hz < 40.0
    assert (plan.view.width, plan.view.rate_hz) == (640, 30.0), "few bits are no reason for fewer pixels at once"


def test_a_link_that_widens_gives_the_bits_back_within_three_seconds_and_in_steps():
    ticks = Ticks()
    low = ticks.run(30, capacity_bps=1.5e6)
    high = ticks.run(30)
    assert high.view == ASKED
    assert high.update_rate_hz == 125.0
    views = [plan.view for plan in ticks.plans]
    rises = [
        new.bitrate_bps / old.bitrate_bps
        for old, new in itertools.pairwise(views)
        if new.bitrate_bps != old.bitrate_bps
    ]
    assert max(rises) <= 1.5 + 1e-6
    assert low.view.bitrate_bps == pytest.approx(0.8 * 0.85 * 1.5e6 * 0.9, rel=0.06)


def test_the_encoder_changes_five_times_a_second_at_most_and_not_for_small_steps():
    ticks = Ticks()
    for k in range(40):
        ticks.run(1, capacity_bps=(2.0e6, 1.2e6)[k % 2])
    changed = [k for k in range(1, len(ticks.plans)) if ticks.plans[k].view != ticks.plans[k - 1].view]
    assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(changed))
    assert len(changed) <= 2, "it stays with the lower one"
    before = ticks.planner.change_count
    for k in range(40):
        ticks.run(1, capacity_bps=(1.2e6, 1.23e6)[k % 2])
    assert ticks.planner.change_count == before


def test_a_slow_machine_gets_the_first_rung_that_fits_and_climbs_back_half_of_the_way_at_a_time():
    ticks = Ticks()
    plan = ticks.run(2, whole_ms=45.0)
    work_ms = plan.relative * 45.0 * plan.view.rate_hz
    assert work_ms <= 900.0 * 0.8
    assert plan.view.width == 320
    ticks.run(30)
    assert ticks.planner.plan.view == ASKED
    sizes = [(p.view.width, p.view.shadow, p.view.rate_hz) for p in ticks.plans]
    seen = list(dict.fromkeys(sizes))
    assert len(seen) >= 3, "something between least and most on the way up"
    first = next(k for k, plan in enumerate(ticks.plans) if plan.view.width == 320)
    last = max(k for k, plan in enumerate(ticks.plans) if plan.view != ASKED)
    assert last - first < 20


def test_a_rung_that_did_not_hold_is_tried_less_and_less_often():
    ticks = Ticks()
    ticks.run(2, whole_ms=45.0)
    climbs = []
    for _ in range(300):
        full = ticks.planner.rung == 0
        before = ticks.planner.rung
        ticks.run(1, whole_ms=45.0 if ticks.planner.rung < 2 else 21.0)  # what looks cheap is dear one rung up
        assert not full
        if ticks.planner.rung < before:
            climbs.append(ticks.t_ns)
    gaps = [later - earlier for earlier, later in itertools.pairwise(climbs)]
    assert max(gaps) > 3 * min(gaps)
    assert len(climbs) < 30


def test_physics_takes_longer_steps_where_its_share_is_small():
    ticks = Ticks()
    assert ticks.run(1, shares={"link_share": 0.5, "compute_share": 0.95}, step_ms=0.3).physics_tick_s == 0.008
    assert ticks.run(1, shares={"link_share": 0.5, "compute_share": 0.95}, step_ms=3.0).physics_tick_s == 0.016
    assert ticks.run(6).physics_tick_s == 0.004


@pytest.mark.parametrize("capacity_bps", [50e3, 1e3, 200e6])
@pytest.mark.parametrize("whole_ms", [0.0, 1e4])
def test_every_plan_can_be_carried_out(capacity_bps, whole_ms):
    plan = Ticks().run(5, capacity_bps=capacity_bps, whole_ms=whole_ms, queue_ms=900.0, step_ms=100.0)
    assert 100_000 <= plan.view.bitrate_bps <= ASKED.bitrate_bps
    assert 5.0 <= plan.view.rate_hz <= 30.0
    assert UPDATE_RATES_HZ[0] <= plan.update_rate_hz <= UPDATE_RATES_HZ[1]


def test_what_the_operator_asks_for_is_the_ceiling_at_once():
    ticks = Ticks()
    ticks.run(5)
    ticks.planner.ask(dataclasses.replace(ASKED, bitrate_bps=150_000, width=320, height=180))
    plan = ticks.run(20)
    assert plan.view.bitrate_bps == 150_000
    assert plan.view.width == 320


def test_an_operator_who_asks_for_few_bits_keeps_the_size():
    ticks = Ticks(dataclasses.replace(ASKED, bitrate_bps=200_000))
    assert ticks.run(20).view.width == 640
