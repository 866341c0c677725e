"""A slice of `teletwin bench limits`: hands and searches find neither a contact nor a broken limit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("coal")

from teletwin.bench.limits_study.drive import Drive
from teletwin.bench.limits_study.events import draw_events, quiet
from teletwin.bench.limits_study.hands import HEIGHT_M, KINDS, RADIUS_M, draw_targets
from teletwin.bench.limits_study.measures import measure
from teletwin.bench.limits_study.rows import kind_rows, study_rows
from teletwin.bench.limits_study.search import Searches
from teletwin.bench.limits_study.spheres import Spheres
from teletwin.bench.limits_study.study import run_hands, run_searches
from teletwin.robot import load_ur3e
from teletwin.robot.ur3e import HOME_Q, SHOULDER_HEIGHT_M


@pytest.mark.slow
def test_seeded_hands_meet_nothing_and_break_nothing_and_would_without_the_limits():
    tallies = run_hands(hands=24, seconds=8.0, seed=5, kinds=[KINDS[k] for k in (2, 5, 8)])
    found = [text for tally in tallies.values() for text in tally.found]
    assert found == []
    assert sum(tally.runs for tally in tallies.values()) == 24
    assert sum(tally.contacts_without for tally in tallies.values()) >= 1
    assert 0.001 < min(tally.smallest_m for tally in tallies.values()) < 0.05
    assert all(row.passed is not False for row in [*study_rows("hands", tallies), *kind_rows("hands", tallies)])


@pytest.mark.slow
def test_searches_for_harm_find_none():
    tallies, found = run_searches(searches=8, evaluations=10, seed=2)
    assert [text for tally in tallies.values() for text in tally.found] == []
    assert {(each.harm, each.source) for each in found} >= {
        ("penetration", "hand"),
        ("penetration", "joints"),
    }
    assert all(np.all(np.diff(each.scores[np.isfinite(each.scores)]) <= 0.0) for each in found)


@pytest.mark.slow
def test_a_search_gets_worse_and_worse_and_its_seed_decides_it():
    def best(evaluations):
        return [each.scores[0] for each in Searches(count=2, seed=3).run(evaluations=evaluations)]

    short, again, long = best(10), best(10), best(50)
    assert short == again
    assert np.all(np.array(long) >= short)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_hands_stay_where_the_page_lets_them_be_and_begin_at_home(kind):
    targets = draw_targets(kind, np.random.default_rng(1), count=3, ticks=600)
    position = targets.pose[..., :3]
    seen = position[np.isfinite(position).all(axis=-1)]
    assert np.linalg.norm(seen - np.array([0.0, 0.0, SHOULDER_HEIGHT_M]), axis=1).max() <= RADIUS_M + 1e-9
    assert seen[:, 2].min() >= HEIGHT_M - 1e-9
    assert np.linalg.norm(targets.velocity, axis=-1).max() <= 2.0 + 1e-9


def test_a_broken_limit_is_seen():
    """Motion that nothing limited: measures tell every limit that it breaks."""
    ticks, rng = 400, np.random.default_rng(0)
    events = quiet(ticks=ticks, count=2)
    trace = Drive(2).run(events, desired=np.tile(HOME_Q, (ticks, 2, 1)))
    assert not any(broken.any() for broken in measure(trace, events).violations().values())
    wild = HOME_Q + 8.0 * np.sin(0.05 * np.arange(ticks))[:, None] * rng.normal(size=6)
    joints = trace.joints.copy()
    joints[:, 1] = wild
    broken = measure(dataclasses.replace(trace, joints=joints), events).violations()
    assert not any(hands[0] for hands in broken.values())
    for name in ("joint range", "joint speed", "acceleration", "jerk", "body speed"):
        assert broken[name][1], name


def test_events_leave_the_arm_time_to_stand_before_it_starts_anew():
    events = draw_events(np.random.default_rng(3), ticks=5000, count=20)
    starts = np.diff(events.stops.astype(int), axis=0)
    assert (starts == 1).any()
    for hand in range(20):
        begun, ended = np.flatnonzero(starts[:, hand] == 1), np.flatnonzero(starts[:, hand] == -1)
        pairs = zip(begun, ended[ended > begun.min(initial=0)] if len(begun) else [], strict=False)
        assert all(end - begin >= 250 for begin, end in pairs if end > begin)


def test_the_spheres_of_the_search_are_not_the_capsules_of_the_limits():
    spheres, clear = Spheres(), load_ur3e().bodies
    folded = HOME_Q + np.array([0.0, -0.2, 1.4, -1.5, 0.0, 0.0])  # wrist 1 in the upper arm
    home, inside = spheres.clearances(np.stack([HOME_Q, folded]))
    assert home > 0.02
    assert inside < 0.0
    assert len(load_ur3e().spheres) > len(clear.capsules)
