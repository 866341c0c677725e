"""Two roles that cannot talk to each other say why, on both sides, until they can."""

from __future__ import annotations

import pytest

from teletwin.clock import SystemClock
from teletwin.link.udp import UdpLink, UdpLinkCfg
from teletwin.messages import Note

KEY = bytes(range(32))
S = 1_000_000_000
SECRET = "the {} does not know this session's secret"


def _problems(twin: dict[str, object], arm: dict[str, object]) -> tuple[str, str]:
    """What twin and arm say of each other once both say something; the arm is told by its address alone."""
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}, **arm), clock) as there:
        cfg = UdpLinkCfg(role="twin", peers={"arm": ("127.0.0.1", there.port)}, **twin)
        with UdpLink(cfg, clock) as here:
            end_ns = clock.now_ns() + 3 * S
            while clock.now_ns() < end_ns and not (here.peer_problem("arm") and there.peer_problem("twin")):
                here.send("arm", Note(kind="x"))
                for link in (here, there):
                    link.wait(0.01)
                    assert link.receive() == []
            return here.peer_problem("arm"), there.peer_problem("twin")


@pytest.mark.live
def test_other_secrets_are_named_by_both():
    assert _problems({"key": KEY}, {"key": bytes(32)}) == (SECRET.format("arm"), SECRET.format("twin"))


@pytest.mark.live
def test_sessions_of_other_names_are_told_apart():
    told = _problems({"key": KEY, "session_id": 1}, {"key": KEY, "session_id": 2})
    assert told == tuple(f"the {role} belongs to a session of another name" for role in ("arm", "twin"))


@pytest.mark.live
def test_the_one_without_a_secret_is_named():
    twin_says, arm_says = _problems({}, {"key": KEY})
    assert twin_says == "the arm uses a session secret, the twin has none"
    assert arm_says == "the twin has no session secret, this arm has one"
    _, arm_says = _problems({"key": KEY}, {})
    assert arm_says == "the twin uses a session secret, the arm has none"


@pytest.mark.live
def test_where_nothing_is_wrong_nothing_is_said():
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}, key=KEY), clock) as there:
        cfg = UdpLinkCfg(role="twin", peers={"arm": ("127.0.0.1", there.port)}, key=KEY)
        with UdpLink(cfg, clock) as here:
            here.send_reliable("arm", Note(kind="x"))
            end_ns, got = clock.now_ns() + 3 * S, []
            while not got and clock.now_ns() < end_ns:
                here.receive()
                there.wait(0.01)
                got = there.receive()
            assert (len(got), here.peer_problem("arm"), there.peer_problem("twin")) == (1, "", "")
