"""A small slice of `teletwin bench seal`: nothing that a stranger, a recorder or a wrong role shows is taken."""

from __future__ import annotations

import dataclasses

import numpy as np

from teletwin.bench.seal_attack import Session, attack, attacked_session
from teletwin.clock import NS_PER_S
from teletwin.messages import Note


def test_nothing_that_nobody_should_believe_is_taken():
    told = {kind: (shown, taken) for kind, shown, taken in attack(6_500, seed=3)}
    assert len(told) == 13
    assert {shown for shown, _ in told.values()} == {500}
    assert {taken for _, taken in told.values()} == {0}


def test_every_kind_is_what_it_says_and_the_session_goes_on():
    session, kinds = attacked_session()
    rng = np.random.default_rng(0)
    before = {role: dict(end.counters()) for role, end in session.ends.items()}

    def counted(kind, name):
        for _ in range(40):
            assert not session.takes(kinds[kind](rng))
        rise = {role: end.counters()[name] - before[role][name] for role, end in session.ends.items()}
        before.update({role: dict(end.counters()) for role, end in session.ends.items()})
        return sum(rise.values())

    for kind, name in (
        ("forged", "invalid"),
        ("replayed", "replayed"),
        ("of another secret", "unknown_key"),
        ("under old keys", "unknown_key"),
        ("unsealed", "unsealed"),
        ("HMAC form", "other_version"),
        ("another version", "other_version"),
        ("reflected", "misdirected"),
    ):
        assert counted(kind, name) == 40, kind
    assert counted("other direction", "unknown_key") == 40
    session.said.clear()
    session.speak(3)
    assert len(session.said) == 12
    assert not any(session.takes(each) for each in session.said), "they came already"


def test_only_the_twin_vouches_for_what_it_passes_on_and_only_to_its_renderer():
    session = Session()
    twin, arm = session.ends["twin"], session.ends["arm"]
    (raw,) = session.ends["operator"].write("twin", Note(kind="stop"))
    entered = twin.enter(raw, "operator", session.clock.now_ns())
    assert entered.datagram is not None
    assert entered.datagram.sender == "operator"
    (passed,) = twin.forward("arm", entered.body)
    assert arm.enter(passed, "twin", session.clock.now_ns()).datagram is None
    assert arm.counters()["misdirected"] == 1
    arm._cfg = dataclasses.replace(arm._cfg, relays={"operator": "twin"})
    (passed,) = twin.forward("arm", entered.body)
    got = arm.enter(passed, "twin", session.clock.now_ns() + NS_PER_S).datagram
    assert got is not None
    assert (got.sender, got.payload) == ("operator", entered.datagram.payload)
