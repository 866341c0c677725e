"""How old commands are at the arm, without the operator's clock."""

from __future__ import annotations

from teletwin.arm.command_age import CommandAge

MS = 1_000_000
OFFSET = 7_000_000_000_000


def feed(age, ways_ms, *, start_ms=0, offset=OFFSET):
    """Whether commands that were on the way so long, one every 10 ms, count."""
    return [
        age.is_young(offset + (start_ms + 10 * k) * MS, (start_ms + 10 * k + way) * MS) for k, way in enumerate(ways_ms)
    ]


def test_a_long_way_is_no_age_but_what_comes_on_top_is():
    age = CommandAge(over_s=0.3)
    assert all(feed(age, [600] * 100))
    assert feed(age, [850, 950], start_ms=1000) == [True, False]


def test_a_way_that_became_longer_for_good_is_lived_with_after_some_seconds():
    age = CommandAge(over_s=0.3)
    feed(age, [50] * 100)
    young = feed(age, [450] * 500, start_ms=1000)
    assert not young[0]
    assert young[-1]
    assert 10 < young.index(True) < 300


def test_a_clock_that_was_set_anew_is_no_age():
    age = CommandAge(over_s=0.3)
    feed(age, [50] * 100)
    assert all(feed(age, [50] * 10, start_ms=1000, offset=OFFSET - 3_600_000 * MS))


def test_commands_of_no_pose_have_no_age():
    assert CommandAge(over_s=0.3).is_young(0, 5_000 * MS)
