"""Keys of two roles: how they come about over a bad network, and what cannot disturb them."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest

from teletwin.bench.sealed_pair import PSK, SESSION_ID, introduce, joined
from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.link import conversation
from teletwin.link import greeting as greetings
from teletwin.link.epoch import RotationCfg
from teletwin.link.greeting import Greeting, GreetingForm, Stamps, is_greeting
from teletwin.link.problems import PeerProblems
from teletwin.link.sealed import SealedEnvelope
from teletwin.link.wire import VERSION, RefusedError

TICK_NS = 2 * NS_PER_MS


class Wire:
    """Two roles, a network that loses, doubles and reorders, and a clock; each role says something every tick."""

    def __init__(self, *, loss=0.0, doubled=0.0, delay_ms=(20.0, 20.0), seed=0, rotation=None, **problems):
        self.rng = np.random.default_rng(seed)
        self.loss, self.doubled, self.delay_ms = loss, doubled, delay_ms
        self.rotation = rotation or RotationCfg()
        self.now_ns = NS_PER_S
        self.under_way, self.order = [], itertools.count()
        self.sent, self.got, self.refused = {}, {}, []
        self.roles, self.kept = {}, []
        self.active = {"operator", "twin"}
        for role in ("operator", "twin"):
            self.boot(role)

    def boot(self, role, psk=PSK):
        self.roles[role] = SealedEnvelope(role=role, session_id=SESSION_ID, psk=psk, rotation=self.rotation)
        self.sent[role], self.got[role] = 0, []

    def carry(self, receiver, raw):
        self.kept.append((receiver, raw))
        for _ in range(1 + (self.rng.random() < self.doubled)):
            if self.rng.random() >= self.loss:
                due_ns = self.now_ns + round(self.rng.uniform(*self.delay_ms) * NS_PER_MS)
                heapq.heappush(self.under_way, (due_ns, next(self.order), receiver, raw))

    def hear(self, receiver, raw):
        end, sender = self.roles[receiver], _other(receiver)
        try:
            if is_greeting(raw):
                answer = end.take(end.read_greeting(raw, self.now_ns), Stamps(self.now_ns))
                replies = answer.replies
            else:
                self.got[receiver].append(int.from_bytes(end.open(raw, self.now_ns), "little"))
                return True
        except RefusedError as refusal:
            self.refused.append(refusal.reason)
            replies = end.ask_back(sender, self.now_ns).replies if refusal.reason == "unknown_key" else ()
        for reply in replies:
            self.carry(sender, reply)
        return False

    def run(self, duration_s, *, talk=True):
        for _ in range(round(duration_s * NS_PER_S / TICK_NS)):
            self.now_ns += TICK_NS
            while self.under_way and self.under_way[0][0] <= self.now_ns:
                _, _, receiver, raw = heapq.heappop(self.under_way)
                self.hear(receiver, raw)
            for role in self.active:
                for peer, raw in self.roles[role].greetings([_other(role)], self.now_ns):
                    self.carry(peer, raw)
                raw = self.roles[role].close(_other(role), self.sent[role].to_bytes(8, "little")) if talk else None
                if raw is not None:
                    self.sent[role] += 1
                    self.carry(_other(role), raw)


def _other(role):
    return "twin" if role == "operator" else "operator"


def test_keys_are_there_in_about_a_round_trip_and_nothing_that_was_sent_is_lost():
    wire = Wire()
    wire.run(0.045)
    assert wire.sent["operator"] > 0, "one round trip is 40 ms"
    wire.run(0.5)
    for role in ("operator", "twin"):
        assert len(wire.got[role]) >= wire.sent[_other(role)] - 11, "all but what is still on its way"
    assert wire.refused == []


@pytest.mark.parametrize("seed", range(12))
def test_keys_come_about_over_a_network_that_loses_doubles_and_reorders(seed):
    wire = Wire(loss=0.5, doubled=0.3, delay_ms=(5.0, 150.0), seed=seed)
    wire.run(6.0)
    before = {role: len(got) for role, got in wire.got.items()}
    wire.loss = 0.0
    wire.run(1.0)
    assert all(len(wire.got[role]) - before[role] > 350 for role in wire.got)
    assert all(len(set(got)) == len(got) for got in wire.got.values()), "nothing is opened twice"


@pytest.mark.parametrize("alone", ["operator", "twin"])
def test_one_that_starts_again_is_heard_again_within_a_moment_whoever_began(alone):
    wire = Wire()
    wire.run(1.0)
    wire.boot(alone)
    wire.run(0.1)
    assert min(map(len, wire.got.values())) > 0


def test_one_that_starts_again_and_knows_no_address_is_told_by_the_silence():
    wire = Wire()
    wire.run(1.0)
    wire.boot("twin")
    wire.active = {"operator"}  # the twin answers, but cannot begin
    wire.run(1.0)
    assert len(wire.got["twin"]) > 250


def test_keys_are_renewed_by_time_without_losing_a_datagram():
    wire = Wire(rotation=RotationCfg(period_s=0.5), delay_ms=(5.0, 60.0), doubled=0.2)
    wire.run(0.3)
    first = {role: wire.roles[role]._with[_other(role)].epoch.inside for role in wire.roles}
    wire.run(6.0)
    wire.run(0.1, talk=False)
    for role in ("operator", "twin"):
        assert sorted(wire.got[role]) == list(range(wire.sent[_other(role)]))
        assert len(wire.roles[role]._with[_other(role)]._epochs) <= 4
        assert wire.roles[role]._with[_other(role)].epoch.inside != first[role]
    assert set(wire.refused) <= {"replayed"}


def test_keys_are_renewed_by_count_and_go_on_when_the_exchange_is_lost_for_long():
    wire = Wire(rotation=RotationCfg(datagram_count=200))
    wire.run(0.2)
    carry = wire.carry
    wire.carry = lambda receiver, raw: None if is_greeting(raw) else carry(receiver, raw)
    wire.run(3.0)
    wire.run(0.1, talk=False)
    assert len(wire.got["twin"]) == wire.sent["operator"] > 1500
    worn = wire.roles["twin"]._with["operator"].epoch
    wire.carry = carry
    wire.run(1.0)
    assert wire.roles["twin"]._with["operator"].epoch is not worn


def test_old_keys_are_forgotten_and_what_was_said_under_them_is_refused():
    wire = Wire(rotation=RotationCfg(period_s=5.0))
    wire.run(1.0)
    kept = [(receiver, raw) for receiver, raw in wire.kept if not is_greeting(raw)]
    wire.run(9.0)
    wire.refused.clear()
    assert not any(wire.hear(receiver, raw) for receiver, raw in kept)
    assert set(wire.refused) == {"unknown_key"}
    assert len(kept) > 900


def test_forged_and_replayed_greetings_do_not_disturb_a_running_conversation():
    wire = Wire()
    wire.run(0.5)
    recorded = [raw for receiver, raw in wire.kept if receiver == "twin" and is_greeting(raw)]
    wire.boot("operator"), wire.boot("twin")
    wire.run(0.5)
    recorded += [raw for receiver, raw in wire.kept if receiver == "twin" and is_greeting(raw)]
    forger = SealedEnvelope(role="operator", session_id=SESSION_ID, psk=bytes(32))
    forged = [forger.ask_back("twin", NS_PER_S * k).replies[0] for k in range(20)]
    epoch = wire.roles["twin"]._with["operator"].epoch
    before, was = len(wire.got["twin"]), len(wire.kept)
    for _ in range(250):
        for raw in [*recorded, *forged, *_flipped(recorded[-1], wire.rng)]:
            wire.hear("twin", raw)
        wire.run(0.002)
    assert len(wire.got["twin"]) - before >= 248
    assert wire.roles["twin"]._with["operator"].epoch in (epoch, wire.roles["twin"]._with["operator"]._epochs[-1])
    greetings_sent = sum(is_greeting(raw) for _, raw in wire.kept[was:])
    assert greetings_sent < 30, "not more than a few a second are answered"


def test_strangers_and_recordings_cost_a_role_no_agreement_of_keys_even_before_any_conversation(monkeypatch):
    wire = Wire()
    wire.run(0.5)
    recorded = [raw for receiver, raw in wire.kept if receiver == "twin" and is_greeting(raw)]
    forger = SealedEnvelope(role="operator", session_id=SESSION_ID, psk=bytes(32))
    recorded += [forger.ask_back("twin", NS_PER_S * k).replies[0] for k in range(5)]
    calls = []
    for name in ("agree", "make_offer"):
        real = getattr(conversation, name)
        noted = lambda *a, real=real, name=name, **k: calls.append(name) or real(*a, **k)  # noqa: E731
        monkeypatch.setattr(conversation, name, noted)
    wire.boot("twin")
    wire.kept.clear()
    for _ in range(2_000):
        wire.now_ns += NS_PER_MS
        for raw in recorded:
            wire.hear("twin", raw)
    assert calls == ["make_offer"]
    assert len(wire.kept) <= 0.25 * 2_000 + 50, "answers are limited too"


def test_an_offer_is_good_for_one_exchange_so_a_start_held_back_cannot_come_in_its_place():
    wire = Wire()
    wire.run(0.5)
    wire.boot("operator")
    held, hear = [], wire.hear
    wire.hear = lambda receiver, raw: held.append(raw) if receiver == "twin" else hear(receiver, raw)
    wire.run(0.5)
    wire.hear = hear
    wire.boot("operator")
    wire.run(0.5)
    before = len(wire.got["twin"])
    for raw in filter(is_greeting, held):
        wire.hear("twin", raw)
    wire.run(0.5)
    assert len(wire.got["twin"]) - before > 240


def test_a_greeting_of_another_version_secret_or_session_is_named_until_a_conversation_runs():
    problems = PeerProblems("operator")
    operator = SealedEnvelope(role="operator", session_id=SESSION_ID, psk=PSK, problems=problems)

    def told(version=VERSION, session_id=SESSION_ID, psk=PSK):
        hello = Greeting(version, "9.1", "arm", "operator", bytes(32), bytes(32), False, Stamps(0))
        raw = GreetingForm(session_id=session_id, psk=psk).write(hello)
        assert is_greeting(raw)
        with pytest.raises(RefusedError):
            operator.read_greeting(raw, NS_PER_S)
        return problems.of("arm")

    assert told(version=VERSION + 1) == f"the arm runs protocol {VERSION + 1} (teletwin 9.1), this is {VERSION}"
    assert told(psk=bytes(32)) == "the arm does not know this session's secret"
    assert told(session_id=2) == "the arm belongs to a session of another name"
    with pytest.raises(RefusedError):
        operator.open(b"tW\x04\x03\x03\x00" + bytes(90), NS_PER_S)
    assert problems.of("arm") == f"the arm runs protocol 4, this is {VERSION}"
    arm = SealedEnvelope(role="arm", session_id=SESSION_ID, psk=PSK)
    introduce({"operator": operator, "arm": arm}, "arm", "operator")
    assert problems.of("arm") == ""
    raw = arm.close("operator", b"x")
    assert raw is not None
    operator.open(raw, NS_PER_S)
    told(psk=bytes(32))
    assert problems.of("arm") == "", "what anybody can send is no problem while the conversation runs"


def test_a_public_key_of_low_order_makes_no_keys():
    operator, _ = joined("operator", "twin")
    form = GreetingForm(session_id=SESSION_ID, psk=PSK)
    offered = form.read(operator.ask_back("arm", NS_PER_S).replies[0])
    bad = Greeting(VERSION, "", "arm", "operator", bytes(32), offered.public, False, Stamps(0))
    with pytest.raises(RefusedError):
        operator.take(bad, Stamps(NS_PER_S))


def test_no_byte_outside_tells_anything_of_the_key():
    common = {"role": "arm", "session_id": SESSION_ID, "draw": lambda count: b"\1" * count}
    one, two = (SealedEnvelope(psk=psk, **common) for psk in (PSK, bytes(32)))
    raw = [each.greetings(["twin"], NS_PER_S)[0][1] for each in (one, two)]
    assert raw[0][:-16] == raw[1][:-16]
    assert raw[0][-16:] != raw[1][-16:]
    assert len(raw[0]) == greetings.GREETING_BYTES


def _flipped(raw, rng):
    for place in rng.integers(0, len(raw), 3):
        yield raw[:place] + bytes([raw[place] ^ 0x20]) + raw[place + 1 :]
