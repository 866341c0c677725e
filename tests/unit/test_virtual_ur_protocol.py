from __future__ import annotations

import struct

import pytest

from teletwin.arm.virtual_ur import wire
from teletwin.arm.virtual_ur.rtde_session import RtdeSession
from teletwin.arm.virtual_ur.variables import INPUT_TYPES, OUTPUT_TYPES, Memory
from teletwin.errors import MessageError


@pytest.fixture
def memories():
    return Memory(OUTPUT_TYPES), Memory(INPUT_TYPES)


def ask(session, kind, payload, taken=frozenset()):
    answers = wire.split(bytearray(session.feed(wire.frame(kind, payload), set(taken))))
    assert len(answers) == 1
    assert answers[0][0] == kind
    return answers[0][1]


def outputs_message(names, rate_hz=500.0):
    return struct.pack(">d", rate_hz) + names.encode()


def test_a_frame_is_size_kind_payload_big_endian():
    assert wire.frame(wire.Kind.PROTOCOL, b"\x00\x02") == b"\x00\x05V\x00\x02"
    assert wire.frame(wire.Kind.START, b"") == b"\x00\x03S"


def test_frames_are_found_whatever_the_pieces_they_come_in():
    stream = wire.frame(83, b"") + wire.frame(85, b"abc") + wire.frame(86, b"\x00\x02")
    whole = [(83, b""), (85, b"abc"), (86, b"\x00\x02")]
    for size in (1, 2, 3, 5, len(stream)):
        buffer, found = bytearray(), []
        for start in range(0, len(stream), size):
            buffer += stream[start : start + size]
            found += wire.split(buffer)
        assert found == whole
        assert not buffer


@pytest.mark.parametrize("size", [0, 2, 60000])
def test_a_size_that_cannot_be_ends_the_connection(size):
    with pytest.raises(MessageError, match="RTDE"):
        wire.split(bytearray(struct.pack(">HB", size, 85) + bytes(10)))


def test_protocol_version_two_is_accepted_and_others_are_not(memories):
    session = RtdeSession(*memories)
    assert ask(session, wire.Kind.PROTOCOL, b"\x00\x02") == b"\x01"
    assert ask(session, wire.Kind.PROTOCOL, b"\x00\x01") == b"\x00"


def test_the_controller_says_polyscope_5_21(memories):
    assert struct.unpack(">4I", ask(RtdeSession(*memories), wire.Kind.CONTROLLER, b"")) == (5, 21, 0, 0)


def test_a_recipe_packs_values_in_the_order_asked_for(memories):
    outputs, inputs = memories
    session = RtdeSession(outputs, inputs)
    outputs.set("actual_q", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    outputs.set("runtime_state", 2)
    outputs.set("timestamp", 0.5)
    answer = ask(session, wire.Kind.OUTPUTS, outputs_message("runtime_state,actual_q,timestamp"))
    assert answer == b"\x01UINT32,VECTOR6D,DOUBLE"
    assert session.packet(1) == b""
    assert ask(session, wire.Kind.START, b"") == b"\x01"
    expected = struct.pack(">BI6dd", 1, 2, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5)
    assert session.packet(1) == wire.frame(wire.Kind.DATA, expected)
    outputs.set("timestamp", 0.75)
    assert session.packet(2).endswith(struct.pack(">d", 0.75))
    assert ask(session, wire.Kind.PAUSE, b"") == b"\x01"
    assert session.packet(3) == b""


def test_an_unknown_variable_is_named_not_found_and_nothing_is_sent(memories):
    session = RtdeSession(*memories)
    answer = ask(session, wire.Kind.OUTPUTS, outputs_message("timestamp,nonsense"))
    assert answer == b"\x00DOUBLE,NOT_FOUND"
    ask(session, wire.Kind.START, b"")
    assert session.packet(1) == b""


def test_125_hz_is_every_fourth_cycle(memories):
    session = RtdeSession(*memories)
    ask(session, wire.Kind.OUTPUTS, outputs_message("timestamp", 125.0))
    ask(session, wire.Kind.START, b"")
    assert [bool(session.packet(cycle)) for cycle in range(8)] == [True, False, False, False] * 2


def test_inputs_reach_the_registers_by_recipe_number(memories):
    outputs, inputs = memories
    session = RtdeSession(outputs, inputs)
    assert ask(session, wire.Kind.INPUTS, b"input_int_register_0") == b"\x01INT32"
    answer = ask(session, wire.Kind.INPUTS, b"input_int_register_0,input_double_register_3")
    assert answer == b"\x02INT32,DOUBLE"
    session.feed(wire.frame(wire.Kind.DATA, struct.pack(">Bid", 2, 11, -1.5)), set())
    session.store()
    assert inputs.get("input_int_register_0") == (11,)
    assert inputs.get("input_double_register_3") == (-1.5,)
    assert session.update_count == 1


def test_data_of_a_pause_act_one_after_the_other_in_the_cycles_that_are_made_up_for(memories):
    outputs, inputs = memories
    session = RtdeSession(outputs, inputs)
    ask(session, wire.Kind.INPUTS, b"input_int_register_0")
    for number in range(6):
        session.feed(wire.frame(wire.Kind.DATA, struct.pack(">Bi", 1, number)), set())
    seen = []
    for cycles_left in (4, 3, 2, 1):
        session.store(cycles_left)
        seen.append(inputs.get("input_int_register_0")[0])
    assert seen == [1, 3, 4, 5]


def test_more_inputs_than_a_number_of_one_byte_are_refused(memories):
    session = RtdeSession(*memories)
    answers = [ask(session, wire.Kind.INPUTS, b"input_int_register_0") for _ in range(300)]
    assert answers[254] == b"\xffINT32"
    assert answers[255:] == [b"\x00INT32"] * 45


def test_data_of_a_wrong_size_or_recipe_is_counted_and_ignored(memories):
    outputs, inputs = memories
    session = RtdeSession(outputs, inputs)
    ask(session, wire.Kind.INPUTS, b"input_int_register_0")
    for payload in (b"", b"\x01\x00", b"\x07" + bytes(4), b"\x01" + bytes(9)):
        session.feed(wire.frame(wire.Kind.DATA, payload), set())
    session.store()
    assert (session.refused_count, session.update_count) == (4, 0)
    assert inputs.get("input_int_register_0") == (0,)


def test_an_input_that_another_client_writes_is_in_use(memories):
    session = RtdeSession(*memories)
    answer = ask(session, wire.Kind.INPUTS, b"input_int_register_0", taken={"input_int_register_0"})
    assert answer == b"\x00IN_USE"
    assert session.owned == set()
