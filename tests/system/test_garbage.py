"""What is not an honest, fresh message of this session is counted and moves nothing."""

from __future__ import annotations

import numpy as np
import pytest
from virtual_trace import TracedSession, assert_within_limits

from teletwin.link.codec import encode
from teletwin.link.plain import plain_datagram
from teletwin.link.wire import OUTER_BYTES, SEAL_BYTES, Datagram, Kind, unpack_body
from teletwin.messages import Mode
from teletwin.session.config import NetworkCfg, SessionCfg

HOPS = {"twin": ("operator", Kind.FORECAST), "arm": ("twin", Kind.COMMAND)}


class Attacker:
    """Hears every datagram of a session in hold, and throws what it makes of them at a role."""

    def __init__(self, receiver: str) -> None:
        self.traced = TracedSession(SessionCfg(network=NetworkCfg(delay_ms=5)))
        self.receiver, (self.sender, self.kind) = receiver, HOPS[receiver]
        network = self.traced.virtual.network
        self.carry = network.carry
        self.heard: list[Datagram] = []
        self.raw: list[bytes] = []
        network.carry = self._carry  # type: ignore[method-assign]

    def _carry(self, sender: str, receiver: str, raw: bytes) -> bool:
        datagram = opened(raw)
        if (sender, receiver, datagram.kind) == (self.sender, self.receiver, self.kind):
            self.heard.append(datagram)
            self.raw.append(raw)
        return self.carry(sender, receiver, raw)

    def throw(self, raw: bytes) -> None:
        self.carry(self.sender, self.receiver, raw)

    def counters(self) -> dict[str, int]:
        return self.traced.link(self.receiver).counters()

    def forge(self, message: object, *, session_id: int = 1, ahead: int = 1) -> bytes:
        """A well-sealed datagram with this message, numbered as the next of its stream."""
        kind, payload = encode(message)  # type: ignore[arg-type]
        newest = self.heard[-1]
        t_send_ns = self.traced.virtual.clock.now_ns()
        forged = newest._replace(kind=kind, payload=payload, seq=newest.seq + ahead, t_send_ns=t_send_ns)
        return plain_datagram(session_id, forged)


def opened(raw: bytes) -> Datagram:
    """A plain datagram, its checksum left out."""
    return unpack_body(raw[OUTER_BYTES:-SEAL_BYTES])


@pytest.fixture(params=["twin", "arm"])
def attacked(request) -> Attacker:
    """A session that was engaged for a second and holds now."""
    attacker = Attacker(request.param)
    attacker.traced.run(1.5)
    attacker.traced.run(1.0, mode=Mode.HOLD)
    return attacker


def assert_nothing_moves(attacked: Attacker) -> None:
    before = attacked.traced.q
    attacked.traced.run(0.5, mode=Mode.HOLD)
    assert np.abs(attacked.traced.q - before).max() < 1e-5


def test_replayed_packets_are_counted_and_move_nothing(attacked):
    engaged = attacked.raw[40:90]
    before = attacked.counters()["replayed"]
    for raw in engaged:
        attacked.throw(raw)
    assert_nothing_moves(attacked)
    assert attacked.counters()["replayed"] == before + len(engaged)


def test_damaged_packets_are_counted_and_move_nothing(attacked):
    raw = attacked.raw[-1]
    rng = np.random.default_rng(0)
    bad = [raw[:n] for n in (0, 1, 20, 47, len(raw) // 2, len(raw) - 1)] + [raw + b"x", rng.bytes(300), b"tW" * 600]
    for position in rng.integers(0, len(raw), 40):
        flipped = bytearray(raw)
        flipped[position] ^= 0x10
        bad.append(bytes(flipped))
    for each in bad:
        attacked.throw(each)
    assert_nothing_moves(attacked)
    counters = attacked.counters()
    assert sum(counters[name] for name in ("invalid", "misdirected", "other_version", "sealed")) == len(bad)


def engaging(attacked: Attacker, **change: object):
    """The newest message of the stream, changed, and saying that the arm shall follow."""
    import dataclasses

    from teletwin.link.codec import decode

    newest = attacked.heard[-1]
    message = decode(newest.kind, newest.payload)
    return dataclasses.replace(message, mode=Mode.ENGAGED, **change)  # type: ignore[type-var]


def test_packets_of_another_session_are_counted_and_move_nothing(attacked):
    for k in range(20):
        attacked.throw(attacked.forge(engaging(attacked), session_id=2, ahead=k))
    assert_nothing_moves(attacked)
    assert attacked.counters()["other_session"] == 20


def test_a_packet_over_the_wrong_hop_is_counted_and_moves_nothing(attacked):
    for k in range(20):
        attacked.carry("renderer", attacked.receiver, attacked.forge(engaging(attacked), ahead=k))
    assert_nothing_moves(attacked)
    assert attacked.counters()["misdirected"] == 20


def test_stale_packets_are_counted_and_move_nothing(attacked):
    raw = attacked.forge(engaging(attacked))
    datagram = opened(raw)
    old = plain_datagram(1, datagram._replace(t_send_ns=datagram.t_send_ns - 3_000_000_000))
    attacked.throw(old)
    assert_nothing_moves(attacked)
    assert attacked.counters()["stale"] == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9], ids=["nan", "infinite", "huge"])
def test_numbers_that_no_honest_role_sends_are_counted_and_move_nothing(attacked, value):
    def spoiled(array):
        out = np.array(array)
        out[..., 0] = value
        return out

    fields = ("pose", "curve") if attacked.receiver == "twin" else ("q", "qd")[: 1 if value == 1e9 else 2]
    for k, name in enumerate(fields):
        message = engaging(attacked)
        attacked.throw(attacked.forge(engaging(attacked, **{name: spoiled(getattr(message, name))}), ahead=k + 1))
    assert_nothing_moves(attacked)
    attacked.traced.run(1.2, mode=Mode.HOLD)
    own, told = attacked.counters(), attacked.traced.statuses[-1].counters
    refused = own["invalid"] + (
        told["unusable"] if attacked.receiver == "twin" else told.get("arm_invalid_commands", 0)
    )
    assert refused >= len(fields)


@pytest.mark.parametrize(
    "position", [(0.8, 0.0, 0.3), (-0.3, -0.1, -0.2), (0.0, 0.0, 5.0)], ids=["far", "table", "high"]
)
def test_a_target_outside_the_workspace_is_counted_and_moves_nothing(position):
    attacked = Attacker("twin")
    attacked.traced.run(1.5)
    attacked.traced.run(0.5, mode=Mode.HOLD)
    pose = np.array(engaging(attacked).pose)
    pose[:3] = position
    curve = np.tile(pose, (26, 1))
    attacked.throw(attacked.forge(engaging(attacked, pose=pose, curve=curve)))
    assert_nothing_moves(attacked)
    assert attacked.traced.statuses[-1].counters["unusable"] == 1


@pytest.mark.parametrize("apart_s", [3600, -3600])
def test_a_command_for_another_time_is_counted_and_the_next_ones_are_still_taken(apart_s):
    attacked = Attacker("arm")
    attacked.traced.run(1.5)
    command = engaging(attacked)
    attacked.throw(attacked.forge(engaging(attacked, t_ns=command.t_ns + apart_s * 1_000_000_000)))
    attacked.traced.run(4.5)
    assert attacked.traced.virtual.arm.commands.invalid_count == 1
    assert attacked.traced.virtual.metrics.control.whole().position_m < 0.01


def test_a_wild_forecast_from_a_trusted_operator_stays_within_the_limits():
    traced = TracedSession()
    real, rng = traced.virtual.operator.forecaster, np.random.default_rng(5)

    class Wild:
        def forecast(self, window, *, out):
            real.forecast(window, out=out)
            out[5:, :3] += rng.normal(0.0, 0.5, (21, 3))

        def reset(self):
            real.reset()

    traced.virtual.operator.forecaster = Wild()
    traced.run(4.0)
    assert_within_limits(*traced.set_points())
    assert len(traced.set_q) > 1500


def test_after_all_the_garbage_the_arm_still_follows(attacked):
    for raw in [*attacked.raw[:50], b"", b"tW", attacked.raw[-1][:-3]]:
        attacked.throw(raw)
    attacked.traced.run(4.5)
    assert attacked.traced.states[-1].mode is Mode.ENGAGED
    metrics = attacked.traced.virtual.metrics
    assert metrics.control.whole().position_m < 0.01
    assert_within_limits(*attacked.traced.set_points())
