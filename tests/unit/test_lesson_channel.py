"""The channel to a learner: rows stay whole, nobody is waited for, new policies arrive loaded."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from teletwin.errors import ConfigError, MessageError
from teletwin.horizon.policy_file import identity_policy, save_policy
from teletwin.session.lesson_channel import LearnerLink, Row, pack_row, unpack_row


def row(slot: int = 7, count: int = 40) -> Row:
    rng = np.random.default_rng(slot)
    seen, done = rng.normal(size=count).astype(np.float32), rng.normal(size=5).astype(np.float32)
    return Row(
        slot=slot, policy=3, reward=-0.5, metric=-0.25, drawing_m=0.125, observation=seen.astype(float), action=done
    )


@pytest.fixture
def ends(tmp_path: Path):
    """The session's link and the learner's raw end."""
    path = tmp_path / "learner"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(1)
        with LearnerLink(str(path)) as link:
            learner, _ = listener.accept()
            with learner:
                yield link, learner


def until(what, limit_s: float = 5.0) -> None:
    ends_s = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < ends_s
        time.sleep(0.005)


def test_a_row_comes_out_as_it_went_in() -> None:
    there, back = row(), unpack_row(pack_row(row()))
    assert (back.slot, back.policy, back.reward, back.metric, back.drawing_m) == (7, 3, -0.5, -0.25, 0.125)
    assert np.array_equal(back.observation, there.observation)
    assert np.array_equal(back.action, there.action)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", pack_row(row())[:-1], pack_row(row()) + b"x", b"XXXX" + pack_row(row())[4:], bytes(64)],
    ids=["nothing", "words", "cut", "too long", "another mark", "zeros"],
)
def test_what_is_no_row_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        unpack_row(data)


def test_a_row_that_is_not_finite_is_refused() -> None:
    bad = row()
    bad.observation[3] = np.nan
    with pytest.raises(MessageError, match="not finite"):
        unpack_row(pack_row(bad))


def test_a_learner_that_does_not_read_is_not_waited_for(ends) -> None:
    link, learner = ends
    started_s = time.monotonic()
    sent = [link.send(row(slot)) for slot in range(3000)]
    assert time.monotonic() - started_s < 2.0
    assert sent[0]
    assert not sent[-1], "the channel is bounded"
    assert link.sent_count == sum(sent)
    assert link.dropped_count == 3000 - sum(sent)
    assert unpack_row(learner.recv(65536)).slot == 0, "what was sent before is whole"
    assert link.send(row(9)), "there is room again"


def test_a_learner_that_is_gone_is_said_once_and_costs_nothing(ends) -> None:
    link, learner = ends
    learner.close()
    until(lambda: link.fault)
    assert link.fault == "the learner has ended"
    assert not link.send(row())
    assert link.dropped_count == 1


def test_a_learner_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the learner cannot be reached"):
        LearnerLink(str(tmp_path / "nowhere")).__enter__()


def test_the_newest_policy_is_taken_once_and_what_cannot_be_loaded_is_counted(ends, tmp_path: Path) -> None:
    link, learner = ends
    path = save_policy(tmp_path / "policy.npz", identity_policy())
    assert link.take() is None
    for number in (1, 2):
        learner.send(json.dumps({"kind": "policy", "number": number, "path": str(path), "spread": [0.1] * 5}).encode())
    learner.send(json.dumps({"kind": "state", "phase": "learning", "epochs": 2}).encode())
    until(lambda: link.learner.get("epochs") == 2)
    newest = link.take()
    assert newest is not None
    assert newest.number == 2
    assert newest.policy.note["step"] == "rule"
    assert newest.spread.tolist() == [0.1] * 5
    assert link.take() is None
    for text in (
        b"[1]",
        b"\xff",
        b'{"kind": "policy"}',
        b'{"kind": "policy", "number": 3, "path": "/none", "spread": []}',
    ):
        learner.send(text)
    until(lambda: link.refused_count == 4)
    assert link.take() is None
    assert not link.fault
