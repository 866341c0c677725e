"""The files of a session on one clock, by what the hosts noted of each other's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from teletwin.clock import SystemClock
from teletwin.messages import FrameAck, Note
from teletwin.recording import SessionLog, read_log, read_session, write_merged

S = 1_000_000_000
AHEAD_NS = {"operator": 0, "twin": 7 * S + 123, "arm": -3 * S + 456_000}
DRIFT = {"operator": 0.0, "twin": 80e-6, "arm": -40e-6}
TRUE_NS = [10 * S + k * S // 4 for k in range(60)]


def clock(role: str, true_ns: int) -> int:
    return true_ns + AHEAD_NS[role] + round(DRIFT[role] * (true_ns - TRUE_NS[0]))


def write(folder: Path, role: str, peers: tuple[str, ...], *, name: str = "", noise_ns: int = 0) -> None:
    path = folder / (f"a.{role}.mcap" if role != "operator" else "a.mcap")
    with SessionLog(path, clock=SystemClock()) as log:
        log.write_metadata("host", {"role": role, "clock": name or role})
        for k, true_ns in enumerate(TRUE_NS):
            now_ns = clock(role, true_ns)
            log.write(FrameAck(frame_id=k), role=role, t_ns=now_ns)
            if k % 4 == 0:
                wrong = 40_000_000 if true_ns - TRUE_NS[0] < S else 0  # the first exchanges are poor
                ahead = {peer: clock(peer, true_ns) - now_ns + wrong for peer in peers}
                log.write(Note(kind="clocks", values=dict(ahead)), role=role, t_ns=now_ns)


def true_times(session) -> dict[str, np.ndarray]:
    """Times of the acks by the file they stand in."""
    acks = session.of_kind("FrameAck")
    return {role: np.array([each.t_log_ns for each in acks if each.file_role == role]) for role in AHEAD_NS}


def test_offset_and_drift_are_taken_out_over_roles_that_know_each_other(tmp_path):
    write(tmp_path, "operator", ("twin",))
    write(tmp_path, "twin", ("operator", "arm"))
    write(tmp_path, "arm", ("twin",))
    session = read_session(tmp_path / "a.mcap")
    for role, times in true_times(session).items():
        assert np.abs(times - TRUE_NS).max() < 300_000, role  # the drift of the first three seconds is not known
    assert [each.how for each in session.alignments] == ["first", "shifted", "shifted"]
    twin = next(each for each in session.alignments if each.role == "twin")
    assert twin.shift_ms == pytest.approx(-7000.0, abs=1.0)


def test_the_word_of_one_of_two_hosts_is_enough(tmp_path):
    write(tmp_path, "operator", ())
    write(tmp_path, "twin", ("operator",))
    times = true_times(read_session(tmp_path / "a.mcap"))
    assert np.abs(times["twin"] - TRUE_NS).max() < 300_000


def test_files_of_one_clock_are_not_moved_whatever_was_estimated(tmp_path):
    write(tmp_path, "operator", ("twin",), name="one")
    write(tmp_path, "twin", ("operator",), name="one")
    session = read_session(tmp_path / "a.mcap")
    assert [each.how for each in session.alignments] == ["first", "same clock"]
    assert true_times(session)["twin"][0] == clock("twin", TRUE_NS[0])


def test_a_file_whose_clock_nobody_knows_stays_as_it_is_and_that_is_told(tmp_path):
    write(tmp_path, "operator", ("twin",))
    write(tmp_path, "arm", ())
    session = read_session(tmp_path / "a.mcap")
    assert [each.how for each in session.alignments] == ["first", "unknown"]
    assert true_times(session)["arm"][0] == clock("arm", TRUE_NS[0])


def test_the_merged_file_has_every_message_in_order_and_says_what_each_is(tmp_path):
    write(tmp_path, "operator", ("twin",))
    write(tmp_path, "twin", ("operator",))
    session = read_session(tmp_path / "a.mcap")
    merged = read_log(write_merged(session, tmp_path / "one.mcap"))
    assert merged.complete
    assert len(merged.messages) == len(session.messages)
    assert [each.t_log_ns for each in merged.messages] == [each.t_log_ns for each in session.messages]
    assert {each.schema for each in merged.messages} == {"teletwin.FrameAck", "teletwin.Note"}
