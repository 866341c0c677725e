"""What is said of the arm and of what hosts keep: their own newest words, with their age."""

from __future__ import annotations

import dataclasses

import numpy as np

from teletwin.bench.restart.rows import outage_rows
from teletwin.cli.bench_stop import stop_rows
from teletwin.messages import ArmState, Mode, TwinStatus
from teletwin.safety import MotionLimits, SafetyState, tightest
from teletwin.session.config import SessionCfg
from teletwin.session.evidence import ArmEvidence
from teletwin.session.in_force import InForceBook, in_force_of

MS = 1_000_000
Q = np.zeros(6)


def status(arm_t_ns: int, mode: Mode = Mode.ENGAGED, fault: str = "") -> TwinStatus:
    arm = ArmState(t_ns=arm_t_ns, q=Q, qd=Q, q_shadows=np.tile(Q, (2, 1)), pose_t_ns=0, mode=mode, fault=fault)
    return TwinStatus(
        t_ns=0,
        arm=arm,
        q_command=Q,
        uplink_age_ms=1.0,
        horizon_used_s=0.0,
        horizon_orientation_used_s=0.0,
        downstream_s=0.0,
    )


def test_words_that_the_twin_repeats_are_no_newer_words_of_the_arm():
    evidence = ArmEvidence()
    assert evidence.shown(0, SafetyState.OFF) is None
    assert evidence.why_silent(0) == "the arm was not heard yet"
    for t_ms in range(0, 600, 10):
        evidence.hear(status(min(t_ms, 100) * MS), t_ms * MS)
    assert evidence.shown(500 * MS, SafetyState.ENGAGED) is SafetyState.ENGAGED
    assert evidence.shown(501 * MS, SafetyState.ENGAGED) is None
    assert evidence.why_silent(600 * MS) == "the arm was not heard for 0.5 s"


def test_what_waited_in_a_buffer_is_as_old_as_its_arrival():
    evidence = ArmEvidence()
    evidence.hear(status(5), 1_000 * MS)
    assert evidence.shown(9_000 * MS, SafetyState.ENGAGED) is None


def test_a_fault_is_shown_before_the_mode():
    evidence = ArmEvidence()
    evidence.hear(status(5, Mode.HOLD, fault="protective stop"), 0)
    assert evidence.shown(0, SafetyState.READY) is SafetyState.FAULT


def test_the_tightest_holds_and_who_keeps_it_is_named():
    own, arm = MotionLimits(), MotionLimits(max_tool_speed_m_s=0.25, workspace_height_m=0.1)
    limits, notes = tightest({"operator": own, "arm": arm})
    assert (limits.max_tool_speed_m_s, limits.workspace_height_m) == (0.25, 0.1)
    assert [note.split(",")[0] for note in notes] == [
        "arm: max_tool_speed_m_s is 0.25",
        "arm: workspace_height_m is 0.1",
    ]


def test_hosts_of_another_version_or_robot_do_not_engage_and_other_scenes_are_told():
    session = SessionCfg()
    told = in_force_of("arm", session)(session.limits())
    book = InForceBook(in_force_of("operator", session)(session.limits()))
    assert book.row(session.limits(), 0) is None, "nothing has told yet"
    book.hear(told, 0)
    assert book.mismatch() == ""
    assert book.row(session.limits(), 4_000 * MS) is None, "words that are too old are not shown"
    book.hear(dataclasses.replace(told, version="0.0.7", scene="cell.xml"), 0)
    assert book.mismatch().startswith("the arm runs teletwin 0.0.7, the operator ")
    row = book.row(session.limits(), 0)
    assert row is not None
    assert row["notes"] == ["arm: knows the scene cell.xml, here it is table"]


def test_a_study_counts_what_moved_unasked_and_stops_that_never_came():
    run = {
        "name": "up silent 0.8 s at 0 s",
        "kind": "long",
        "was_engaged": True,
        "follows": False,
        "unasked_rad": 0.0,
        "asks": "",
        "claimed_ms": 60.0,
        "moves_after_act": True,
    }
    values = [row.value for row in outage_rows([run, {**run, "unasked_rad": 0.01}, {**run, "kind": "short"}])]
    assert values == [1, 0, 1, 60.0, 0]
    assert next(iter(stop_rows([2.0, None, 4.0], busy=0))).value == 1
