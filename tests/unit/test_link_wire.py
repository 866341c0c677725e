from __future__ import annotations

import math

import numpy as np
import pytest

from teletwin.bench.sealed_pair import joined
from teletwin.errors import ConfigError, MessageError
from teletwin.geometry import IDENTITY_POSE
from teletwin.link.codec import MAX_MESSAGE_BYTES, decode, encode
from teletwin.link.fragments import PIECE_BYTES, Reassembly, payload_within, split, wire_bytes
from teletwin.link.plain import PlainEnvelope, plain_datagram
from teletwin.link.streams import SequenceWindow, Verdict
from teletwin.link.wire import MAX_DATAGRAM_BYTES, MAX_PAYLOAD_BYTES, Datagram, Kind, RefusedError, pack_body
from teletwin.messages import (
    CURVE_KNOTS,
    ForecastPacket,
    Frame,
    FrameAck,
    Horizons,
    JointCommand,
    Mode,
    Note,
    ViewSettings,
    zeros,
)


def _datagram(payload=b"{}", seq=1):
    return Datagram(Kind.NOTE, "operator", "twin", 0, seq, 10, 0, 0, payload)


def _forecast(**changes):
    curve = np.tile(IDENTITY_POSE, (CURVE_KNOTS, 1))
    fields = {"t_ns": 5, "pose": curve[0], "curve": curve, "horizons": Horizons(), "mode": Mode.ENGAGED} | changes
    return ForecastPacket(**fields)


def test_a_datagram_of_another_session_is_told_from_damage():
    raw = plain_datagram(1, _datagram())
    with pytest.raises(RefusedError) as refusal:
        PlainEnvelope(role="twin", session_id=2).open(raw, 0)
    assert refusal.value.reason == "other_session"


def test_a_session_id_that_is_too_wide_is_refused():
    with pytest.raises(ConfigError, match="session"):
        PlainEnvelope(role="twin", session_id=1 << 64)


def test_the_largest_payload_makes_the_largest_datagram():
    operator, _ = joined("operator", "twin")
    raw = operator.close("twin", pack_body(_datagram(bytes(MAX_PAYLOAD_BYTES))))
    assert len(raw) == MAX_DATAGRAM_BYTES
    with pytest.raises(MessageError):
        pack_body(_datagram(bytes(MAX_PAYLOAD_BYTES + 1)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(bad):
    pose = IDENTITY_POSE.copy()
    pose[0] = bad
    joints = np.array([0.0, bad, 0.0, 0.0, 0.0, 0.0])
    curve = np.tile(IDENTITY_POSE, (CURVE_KNOTS, 1))
    curve[7, 2] = bad
    for message in (
        _forecast(pose=pose),
        _forecast(curve=curve),
        _forecast(horizons=Horizons(gain=bad)),
        JointCommand(
            t_ns=1,
            q=zeros(6),
            qd=joints,
            q_shadows=np.zeros((2, 6)),
            qd_shadows=np.zeros((2, 6)),
            pose_t_ns=0,
            mode=Mode.HOLD,
        ),
        FrameAck(frame_id=1, latency_ms=bad),
        ViewSettings(rate_hz=bad),
        Note(kind="settings", values={"delay_ms": bad}),
    ):
        with pytest.raises(MessageError):
            decode(*encode(message))


def test_a_number_too_large_for_a_float_is_refused_in_json():
    with pytest.raises(MessageError):
        decode(Kind.NOTE, b'{"kind":"link","values":{"delay_ms":1e999}}')


def test_deeply_nested_json_is_refused():
    with pytest.raises(MessageError):
        decode(Kind.NOTE, b'{"kind":' + b"[" * 100_000)


def test_a_curve_that_is_no_rotation_is_refused():
    curve = np.tile(IDENTITY_POSE, (CURVE_KNOTS, 1))
    curve[3, 3:] *= 1.2
    with pytest.raises(MessageError, match="quaternion"):
        decode(*encode(_forecast(curve=curve)))


def test_an_unknown_mode_is_refused():
    kind, payload = encode(_forecast())
    with pytest.raises(MessageError):
        decode(kind, payload[:24] + b"\x09" + payload[25:])


def test_an_oversized_message_is_refused_at_the_sender():
    frame = Frame(
        frame_id=1,
        codec="jpeg",
        is_key=True,
        width=8,
        height=8,
        input_seq=0,
        pose_t_ns=0,
        shown_pose=IDENTITY_POSE,
        shadow_poses=np.tile(IDENTITY_POSE, (2, 1)),
        horizon_used_s=0.0,
        stages_ms={},
        t_ready_ns=0,
        data=bytes(MAX_MESSAGE_BYTES),
    )
    with pytest.raises(MessageError, match="too long"):
        encode(frame)


def test_the_curve_keeps_micrometres():
    curve = np.tile(IDENTITY_POSE, (CURVE_KNOTS, 1))
    curve[:, :3] += np.linspace(0.0, 0.25, CURVE_KNOTS)[:, None] + 0.4
    packet = decode(*encode(_forecast(pose=curve[0], curve=curve)))
    assert np.abs(packet.curve - curve).max() < 1e-6
    assert np.array_equal(packet.pose, curve[0])


def test_sequence_numbers_tell_fresh_late_and_replayed_apart_across_the_wrap():
    window = SequenceWindow()
    top = (1 << 32) - 1
    told = [window.judge(seq) for seq in (top - 1, 1, top, top, 1, 0, 5000, 1)]
    assert told == [
        *(Verdict.FRESH, Verdict.FRESH, Verdict.LATE, Verdict.REPLAYED),
        *(Verdict.REPLAYED, Verdict.LATE, Verdict.FRESH, Verdict.REPLAYED),
    ]


def test_missing_numbers_are_counted_until_they_come():
    window = SequenceWindow()
    for seq in (1, 2, 6):
        window.judge(seq)
    assert window.counts.missing == 3
    window.judge(4)
    assert window.counts.missing == 2


def test_unfinished_messages_are_given_up_in_time_and_in_number():
    pieces = split(bytes(5000))
    reassembly = Reassembly()
    for seq in range(40):
        reassembly.add(("renderer", "operator", 5, seq), pieces[0], seq)
    assert reassembly.incomplete_count == 32
    reassembly.add(("renderer", "operator", 5, 99), pieces[0], 2_000_000_000)
    assert reassembly.incomplete_count == 40


def test_a_frame_is_given_out_once_though_its_parity_comes_later():
    payload = bytes(range(256)) * 20
    reassembly = Reassembly()
    key = ("renderer", "operator", 5, 1)
    whole = [reassembly.add(key, piece, 0) for piece in split(payload) * 2]
    assert sum(message is not None for message in whole) == 1


def test_the_pieces_of_a_frame_tell_how_much_came_in_how_much_time():
    reassembly = Reassembly()
    key, pieces = ("renderer", "operator", 5, 1), split(bytes(3 * PIECE_BYTES))
    assert len(pieces) == 4, "three and their parity"
    for step, piece in enumerate(pieces[:3]):
        reassembly.add(key, piece, 1_000_000_000 + 2_000_000 * step)
    burst = reassembly.burst(key)
    assert burst.span_ms == pytest.approx(4.0)
    assert burst.byte_count == 2 * MAX_DATAGRAM_BYTES

    two = ("renderer", "operator", 5, 2)
    for step, piece in enumerate(split(bytes(PIECE_BYTES + 1))[:2]):
        reassembly.add(two, piece, 2_000_000_000 + 2_000_000 * step)
    assert reassembly.burst(two).span_ms == 0.0, "two pieces tell too little"


def test_a_piece_of_another_length_does_not_spoil_its_message():
    reassembly = Reassembly()
    key = ("renderer", "operator", 5, 1)
    right, wrong = split(b"a" * 3000), split(b"b" * 4000)
    reassembly.add(key, right[0], 0)
    with pytest.raises(MessageError):
        reassembly.add(key, wrong[1], 0)
    assert [reassembly.add(key, piece, 0) for piece in right[1:3]][-1] == b"a" * 3000


@pytest.mark.parametrize("size", [10, MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES + 1, 5_000, 17 * PIECE_BYTES, 60_000])
def test_what_a_message_takes_of_the_link_is_known_before_it_is_cut(size):
    head = MAX_DATAGRAM_BYTES - MAX_PAYLOAD_BYTES
    pieces = [bytes(size)] if size <= MAX_PAYLOAD_BYTES else split(bytes(size))
    assert wire_bytes(size) == sum(len(piece) + head for piece in pieces)
    assert payload_within(wire_bytes(size)) == pytest.approx(size, rel=0.03, abs=70)
