from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.bench.sealed_pair import NOW_NS, joined
from teletwin.errors import MessageError
from teletwin.geometry import quat_normalize
from teletwin.link.codec import decode, encode
from teletwin.link.fragments import Reassembly, split
from teletwin.link.plain import PlainEnvelope, plain_datagram
from teletwin.link.wire import MAX_DATAGRAM_BYTES, MAX_PAYLOAD_BYTES, Datagram, Kind, pack_body, unpack_body
from teletwin.messages import (
    CURVE_KNOTS,
    ArmState,
    ForecastPacket,
    Frame,
    FrameAck,
    Horizons,
    JointCommand,
    Mode,
    Note,
    TwinStatus,
    ViewSettings,
)

PAIR = joined("twin", "arm")
MODEST = settings(max_examples=60, deadline=None)

number = st.floats(-1e6, 1e6)
time_ns = st.integers(-(2**63), 2**63 - 1)
count = st.integers(0, 2**63 - 1)
mode = st.sampled_from(Mode)
seeds = st.integers(0, 2**32 - 1)


def _pose(rng):
    return np.concatenate([rng.normal(size=3), quat_normalize(rng.normal(size=4))])


@st.composite
def forecasts(draw):
    rng = np.random.default_rng(draw(seeds))
    curve = np.stack([_pose(rng) for _ in range(CURVE_KNOTS)])
    horizons = Horizons(
        control_s=draw(number),
        render_s=draw(number),
        control_orientation_s=draw(number),
        render_orientation_s=draw(number),
        gain=draw(number),
        late_binding_control=draw(st.booleans()),
        late_binding_render=draw(st.booleans()),
    )
    return ForecastPacket(
        t_ns=draw(time_ns),
        pose=curve[0],
        curve=curve,
        horizons=horizons,
        mode=draw(mode),
        input_seq=draw(count),
        slot=draw(count),
    )


@st.composite
def commands(draw):
    q = np.random.default_rng(draw(seeds)).normal(size=(4, 6))
    return JointCommand(
        t_ns=draw(time_ns),
        q=q[0],
        qd=q[1],
        q_shadows=np.tile(q[2], (2, 1)),
        qd_shadows=np.tile(q[3], (2, 1)),
        pose_t_ns=draw(time_ns),
        mode=draw(mode),
        is_approaching=draw(st.booleans()),
    )


@st.composite
def arm_states(draw):
    q = np.random.default_rng(draw(seeds)).normal(size=(3, 6))
    return ArmState(
        t_ns=draw(time_ns),
        q=q[0],
        qd=q[1],
        q_shadows=np.tile(q[2], (2, 1)),
        pose_t_ns=draw(time_ns),
        mode=draw(mode),
        fault=draw(st.text(st.characters(codec="utf-8"), max_size=60)),
        command_age_ms=draw(number),
        held_count=draw(count),
        limited_count=draw(count),
        is_catching_up=draw(st.booleans()),
        overrun_count=draw(count),
        tick_count=draw(count),
        tick_us=draw(number),
    )


@st.composite
def twin_statuses(draw):
    return TwinStatus(
        t_ns=draw(time_ns),
        arm=draw(arm_states()),
        q_command=np.random.default_rng(draw(seeds)).normal(size=6),
        uplink_age_ms=draw(number),
        horizon_used_s=draw(number),
        horizon_orientation_used_s=draw(number),
        downstream_s=draw(number),
        counters=draw(st.dictionaries(st.text(max_size=12), st.integers(0, 10**9), max_size=12)),
        tick_us=draw(number),
        tick_p50_us=draw(number),
        tick_p99_us=draw(number),
        period_p50_ms=draw(number),
        period_max_ms=draw(number),
        period_p99_ms=draw(number),
        overrun_count=draw(count),
        tick_count=draw(count),
    )


@st.composite
def frames(draw):
    rng = np.random.default_rng(draw(seeds))
    return Frame(
        frame_id=draw(count),
        codec=draw(st.sampled_from(["h264", "jpeg"])),
        is_key=draw(st.booleans()),
        width=draw(st.integers(1, 4096)),
        height=draw(st.integers(1, 4096)),
        input_seq=draw(count),
        pose_t_ns=draw(time_ns),
        shown_pose=_pose(rng),
        shadow_poses=np.tile(_pose(rng), (2, 1)),
        horizon_used_s=draw(number),
        stages_ms=draw(st.dictionaries(st.text(max_size=8), number.map(lambda ms: round(ms, 3)), max_size=6)),
        t_ready_ns=draw(time_ns),
        data=draw(st.binary(max_size=5000)),
    )


acks = st.builds(
    FrameAck,
    frame_id=count,
    drawn=st.booleans(),
    need_key=st.booleans(),
    latency_ms=number,
    byte_count=st.integers(0, 1 << 20),
    span_ms=number,
    arrival_ms=number,
    update_age_ms=number,
)
views = st.builds(
    ViewSettings,
    width=st.integers(1, 4096),
    height=st.integers(1, 4096),
    rate_hz=st.floats(0.1, 240.0),
    bitrate_bps=st.integers(1, 10**9),
    codec=st.sampled_from(["h264", "jpeg"]),
    barcode=st.booleans(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | number | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
notes = st.builds(Note, kind=st.text(max_size=10), values=st.dictionaries(st.text(max_size=8), json_values, max_size=4))
messages = st.one_of(forecasts(), commands(), arm_states(), twin_statuses(), frames(), acks, views, notes)


SINGLE = ("curve", "shown_pose", "shadow_poses", "horizon_used_s")
"""What crosses the wire in single precision."""


def _same(left, right, tolerance):
    if dataclasses.is_dataclass(left):
        assert type(left) is type(right)
        return all(
            _same(getattr(left, f.name), getattr(right, f.name), tolerance if f.name in SINGLE else 0.0)
            for f in dataclasses.fields(left)
        )
    if isinstance(left, np.ndarray):
        return left.shape == right.shape and np.allclose(left, right, rtol=0.1 * tolerance, atol=tolerance)
    return left == right or (tolerance and left == pytest.approx(right, rel=0.1 * tolerance, abs=tolerance))


@MODEST
@given(messages)
def test_every_message_comes_back_as_it_was(message):
    kind, payload = encode(message)
    assert _same(message, decode(kind, payload), 2e-6)


@MODEST
@given(forecasts())
def test_a_forecast_fits_a_thousand_bytes(packet):
    _, payload = encode(packet)
    assert len(payload) + MAX_DATAGRAM_BYTES - MAX_PAYLOAD_BYTES < 1000


@MODEST
@given(st.one_of(commands(), acks, notes), st.data(), st.booleans(), st.integers(1, 255))
def test_any_changed_byte_and_any_cut_is_refused(message, data, is_sealed, flip):
    kind, payload = encode(message)
    datagram = Datagram(kind, "twin", "arm", 0, 9, 1, 0, 0, payload)
    twin, arm = PAIR
    raw = twin.close("arm", pack_body(datagram)) if is_sealed else plain_datagram(7, datagram)
    receiver = arm if is_sealed else PlainEnvelope(role="arm", session_id=7)
    place = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(MessageError):
        receiver.open(raw[:place] + bytes([raw[place] ^ flip]) + raw[place + 1 :], NOW_NS)
    with pytest.raises(MessageError):
        receiver.open(raw[:place], NOW_NS)
    assert unpack_body(receiver.open(raw, NOW_NS)) == datagram


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=1300))
def test_random_bytes_are_refused_quietly(raw):
    with pytest.raises(MessageError):
        PlainEnvelope(role="twin", session_id=0).open(raw, NOW_NS)
    with pytest.raises(MessageError):
        PAIR[0].open(raw, NOW_NS)
    with pytest.raises(MessageError):
        PAIR[0].read_greeting(raw, NOW_NS)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(Kind), st.binary(max_size=1300))
def test_a_sealed_payload_of_random_bytes_is_a_message_or_refused(kind, payload):
    try:
        message = decode(kind, payload)
    except MessageError:
        return
    assert encode(message)[0] is kind


@settings(max_examples=200, deadline=None)
@given(messages, st.data())
def test_a_forged_change_inside_a_payload_never_lets_a_bad_number_through(message, data):
    kind, payload = encode(message)
    place = data.draw(st.integers(0, max(len(payload) - 8, 0)))
    forged = payload[:place] + data.draw(st.binary(min_size=8, max_size=8)) + payload[place + 8 :]
    try:
        got = decode(kind, forged)
    except MessageError:
        return
    for field in dataclasses.fields(got):
        value = getattr(got, field.name)
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all()
        if isinstance(value, float):
            assert math.isfinite(value)


@MODEST
@given(st.integers(1, 60_000), seeds, st.data())
def test_a_large_message_survives_one_lost_piece_and_any_order(size, seed, data):
    payload = np.random.default_rng(seed).bytes(size)
    pieces = split(payload)
    order = data.draw(st.permutations(range(len(pieces))))
    lost = data.draw(st.integers(0, len(pieces) - 1))
    reassembly = Reassembly()
    key = ("renderer", "operator", 5, 1)
    whole = [reassembly.add(key, pieces[k], 0) for k in order if k != lost]
    assert [message for message in whole if message is not None] == [payload]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=1200), max_size=20))
def test_random_pieces_never_crash_the_reassembly(pieces):
    reassembly = Reassembly()
    for k, piece in enumerate(pieces):
        try:
            reassembly.add(("renderer", "operator", 5, k % 3), piece, k)
        except MessageError:
            continue
