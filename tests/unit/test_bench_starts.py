"""What starts of the demo are judged by."""

from __future__ import annotations

from teletwin.bench.starts.rows import start_line, start_rows
from teletwin.bench.starts.run import Change, judge
from teletwin.clock import NS_PER_S

BEGAN_NS = 5 * NS_PER_S
LOOP = {"tick_count": 1000, "overrun_count": 5}


def change(t_s, after, before="ready", role="arm", why=""):
    return Change(BEGAN_NS + int(t_s * NS_PER_S), role, before, after, why)


def judged(*changes, results=None):
    return judge(changes, results, began_ns=BEGAN_NS, seconds=60.0)


def test_time_counts_from_the_command_to_the_arm_and_faults_from_then_on_and_before():
    start = judged(
        change(2.0, "fault", why="lost"),
        change(3.0, "engaged", role="operator"),
        change(9.0, "engaged"),
        change(20.0, "hold", "engaged"),
        change(21.0, "engaged", "hold"),
        change(30.0, "fault", "engaged", why="lost"),
        change(30.1, "fault", "engaged", role="twin", why="lost"),
        change(80.0, "fault", "engaged", why="after what is judged"),
        results={"control_loop": LOOP, "arm_loop": None, "frame_rate_hz": 12.0},
    )
    assert start.engaged_s == 9.0
    assert start.fault_count == 2
    assert start.faults == ("lost",)
    assert start.held_count == 2
    assert start.twin_late_percent == 0.5
    assert start.arm_late_percent is None
    assert "engaged after 9.0 s; 2 faults: lost" in start_line(1, start)


def test_a_start_that_never_engages_misses_the_bar():
    rows = {row.name: row for row in start_rows([judged()], busy=8, seconds=60.0, fifo=True)}
    assert rows["starts not engaged within 20 s"].passed is False
    assert rows["faults in 60 s"].passed is True


def test_late_ticks_have_a_bar_only_where_real_time_scheduling_is_permitted():
    start = judged(change(9.0, "engaged"), results={"control_loop": LOOP, "arm_loop": LOOP})
    for fifo in (True, False):
        rows = {row.name: row for row in start_rows([start], busy=8, seconds=60.0, fifo=fifo)}
        names = [name for name in rows if "late" in name]
        assert [rows[name].bar for name in names] == [1.0 if fifo else None] * 2
