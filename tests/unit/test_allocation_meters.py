"""Work, ages, features and the twin's rate: what is measured, in which unit, and what garbage does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teletwin.allocation.features import Feature
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.session.allocation.ages import Ages
from teletwin.session.allocation.features import Waiting, features
from teletwin.session.allocation.recent import Recent
from teletwin.session.allocation.update_rate import UpdateRate
from teletwin.session.allocation.work_meter import WorkMeter

MS = NS_PER_MS


def test_the_cost_of_a_whole_picture_is_told_from_smaller_ones():
    work = WorkMeter()
    for _ in range(3):
        work.frame(12.0, relative=0.6)
    work.tick(0.1)
    assert work.whole_ms == pytest.approx(20.0)
    work.tick(0.1)
    assert work.whole_ms == pytest.approx(20.0), "a tick without pictures tells nothing"
    for _ in range(12):
        work.frame(60.0, relative=1.0)
        work.tick(0.1)
    assert work.whole_ms == pytest.approx(60.0, rel=0.01)


def test_steps_of_physics_and_rates_of_arrival_are_averaged_over_a_few_ticks():
    work = WorkMeter()
    for _ in range(20):
        for _ in range(10):
            work.input()
        work.state()
        work.physics(2.0, steps=8)
        work.physics(5.0, steps=0)
        work.tick(0.1)
    assert work.step_ms == pytest.approx(0.25)
    assert work.input_rate_hz == pytest.approx(100.0, rel=0.01)
    assert work.state_rate_hz == pytest.approx(10.0, rel=0.01)
    for _ in range(5):
        work.tick(0.1)
    assert work.input_rate_hz < 10.0
    work.tick(0.0)


def test_a_request_is_as_old_as_the_oldest_packet_that_its_picture_answers():
    ages = Ages()
    ages.input(10 * MS)
    ages.input(20 * MS)
    assert ages.waiting_ms(25 * MS) == pytest.approx(15.0)
    ages.begun(1, pose_t_ns=5 * MS, now_ns=30 * MS)
    ages.input(40 * MS)
    ages.ready(1, 50 * MS)
    assert ages.request_ms(55 * MS) == pytest.approx(45.0)
    ages.drawn(1, latency_ms=20.0, update_age_ms=30.0, now_ns=90 * MS)
    assert ages.aori_ms.quantile(0.5, 90 * MS) == pytest.approx(60.0)
    assert ages.aosi_ms.quantile(0.5, 90 * MS) == pytest.approx(35.0), "state of 40 ms, pose of 5 ms"
    assert ages.update_ms(90 * MS) == pytest.approx(50.0)
    assert ages.request_ms(90 * MS) == pytest.approx(50.0), "the packet of 40 ms still waits"


def test_pictures_that_never_came_do_not_count_and_are_forgotten():
    ages = Ages()
    for frame_id in (1, 2):
        ages.input(frame_id * MS)
        ages.begun(frame_id, pose_t_ns=0, now_ns=frame_id * MS)
        ages.ready(frame_id, 5 * MS)
    assert ages.request_ms(2 * NS_PER_S) == 0.0
    ages.drawn(2, latency_ms=1.0, update_age_ms=0.0, now_ns=2 * NS_PER_S)
    ages.drawn(7, latency_ms=1.0, update_age_ms=0.0, now_ns=2 * NS_PER_S)
    assert ages.aosi_ms.quantile(0.5, 2 * NS_PER_S) is None
    assert ages.update_ms(2 * NS_PER_S) == 0.0


def test_quantiles_are_of_the_newest_seconds():
    recent = Recent(window_s=1.0)
    assert recent.quantile(0.95, 0) is None
    for k in range(100):
        recent.add(float(k), k * 20 * MS)
    assert recent.quantile(0.0, 99 * 20 * MS) == pytest.approx(49.0, abs=1.0)
    assert recent.quantile(1.0, 99 * 20 * MS) == 99.0
    assert recent.quantile(0.5, 99 * 20 * MS) == pytest.approx(74.0, abs=1.0)
    assert recent.quantile(0.5, 10 * NS_PER_S) is None


def waiting(**change) -> Waiting:
    values = dict.fromkeys(Waiting.__slots__, 0.0) | {"capacity_bps": 2e6} | change
    return Waiting(**values)


def test_features_are_in_ticks_of_the_whole_link_and_the_whole_machine():
    row = features(
        waiting(frame_backlog_bits=4e5, update_bps=1e6, frames_due=2.0, frame_ms=50.0, step_load_ms=250.0),
        link_share=0.7,
        compute_share=0.4,
    )
    assert row[Feature.LINK_REQUESTS] == row[Feature.LINK_WORST_REQUESTS] == pytest.approx(2.0)
    assert row[Feature.LINK_LOAD_UPDATES] == pytest.approx(0.5)
    assert (row[Feature.REQUEST_QUEUE], row[Feature.COMPUTE_REQUESTS]) == (2.0, pytest.approx(1.0))
    assert row[Feature.COMPUTE_LOAD_UPDATES] == pytest.approx(0.25)
    assert (row[Feature.LINK_SHARE], row[Feature.COMPUTE_SHARE]) == (0.7, 0.4)


def test_features_stay_finite_without_a_link():
    row = features(waiting(capacity_bps=0.0, frame_backlog_bits=1e6), link_share=0.5, compute_share=0.5)
    assert np.isfinite(row).all()
    assert (row >= 0.0).all()


def test_the_twin_takes_a_rate_within_its_range_and_counts_what_is_none():
    rate = UpdateRate()
    assert rate.period_ns(0) == 8 * MS
    rate.ask({"update_rate_hz": 1}, 0)
    assert rate.period_ns(0) == 100 * MS
    rate.ask({"update_rate_hz": 1e9}, 0)
    assert rate.period_ns(0) == 8 * MS
    rate.ask({"update_rate_hz": 20.0}, 0)
    for value in (None, "50", True, math.nan, math.inf, 0.0, -5.0, [20]):
        rate.ask({"update_rate_hz": value}, 0)
    rate.ask({}, 0)
    assert rate.refused_count == 9
    assert rate.period_ns(2 * NS_PER_S) == 50 * MS


def test_when_the_allocator_falls_silent_the_operator_is_told_as_often_as_ever():
    rate = UpdateRate()
    rate.ask({"update_rate_hz": 10.0}, 0)
    assert rate.period_ns(3 * NS_PER_S) == 100 * MS
    assert rate.period_ns(4 * NS_PER_S) == 8 * MS
