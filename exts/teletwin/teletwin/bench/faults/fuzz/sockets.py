"""Readers of sockets: datagrams, the page's messages, pictures, the virtual controller's ports, ROS 2 samples."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from teletwin.bench.faults.fuzz.attacked import AttackedSession, good_messages
from teletwin.bench.faults.fuzz.target import FuzzTarget
from teletwin.bench.sealed_pair import NOW_NS, joined
from teletwin.clock import NS_PER_S
from teletwin.errors import MessageError, TeletwinError
from teletwin.link.codec import decode, encode
from teletwin.link.envelope import Envelope
from teletwin.link.fragments import Reassembly, split
from teletwin.link.greeting import Stamps, is_greeting
from teletwin.link.plain import PlainEnvelope, plain_datagram
from teletwin.link.wire import Kind, pack_body, unpack_body
from teletwin.messages import Frame

_REFUSED = (TeletwinError,)


def socket_targets() -> Iterator[FuzzTarget]:
    """One for each; heavy ones are built when their turn comes."""
    yield _payloads()
    yield _datagrams()
    yield _samples()
    yield _pieces()
    yield _page()
    yield _pictures()
    yield from _controller()
    yield _ros()
    attacked = AttackedSession()
    yield FuzzTarget(
        name="datagrams to a session that holds",
        corpus=attacked.corpus,
        read=attacked.throw,
        refusals=_REFUSED,
        share=1.0,
        moved=attacked.moved,
    )


def _payloads() -> FuzzTarget:
    """Contents whose seal was right: what a broken or foreign role may send."""
    corpus = [bytes([kind]) + payload for kind, payload in map(encode, good_messages())]
    kinds = [*Kind]

    def read(data: bytes) -> None:
        decode(kinds[(data[0] if data else 0) % len(kinds)], data[1:])

    by_kind = [bytes([kinds.index(Kind(each[0]))]) + each[1:] for each in corpus]
    return FuzzTarget(name="messages of the link", corpus=by_kind, read=read, refusals=_REFUSED, share=8.0)


def _datagrams() -> FuzzTarget:
    """Plain, sealed, and greetings, at roles with a secret and without."""
    operator, twin = joined("operator", "twin")
    bodies = [pack_body(each) for each in AttackedSession.datagrams()]
    greeting = operator.ask_back("twin", NOW_NS + NS_PER_S).replies[0]
    corpus = [plain_datagram(1, each) for each in AttackedSession.datagrams()]
    corpus += [raw for body in bodies if (raw := operator.close("twin", body)) is not None] + [greeting]
    ends: list[Envelope] = [PlainEnvelope(role="twin", session_id=1), twin]

    def read(data: bytes) -> None:
        for end in ends:
            try:
                if is_greeting(data):
                    end.take(end.read_greeting(data, NOW_NS), Stamps(NOW_NS))
                else:
                    unpack_body(end.open(data, NOW_NS))
            except MessageError:
                continue
            return
        raise MessageError("refused by both")

    return FuzzTarget(name="datagrams", corpus=corpus, read=read, refusals=_REFUSED, share=8.0)


def _samples() -> FuzzTarget:
    """Datagrams on DDS topics, as a stranger may write them: CDR of a sequence of octets."""
    from teletwin.link.datagram_topic import octets_of

    plain = PlainEnvelope(role="twin", session_id=1)
    raw = [plain_datagram(1, each) for each in AttackedSession.datagrams()]
    corpus = [b"\x00\x01\x00\x00" + struct.pack("<I", len(each)) + each for each in raw]
    return FuzzTarget(
        name="samples of DDS topics",
        corpus=corpus,
        read=lambda data: _ignore(unpack_body(plain.open(octets_of(data), NOW_NS))),
        refusals=_REFUSED,
        share=3.0,
    )


def _pieces() -> FuzzTarget:
    reassembly, number = Reassembly(), [0]
    frame = next(each for each in good_messages() if isinstance(each, Frame))
    corpus = split(encode(frame)[1] + bytes(3000))

    def read(data: bytes) -> None:
        number[0] += 1
        key = ("renderer", "operator", int(Kind.FRAME), number[0] // 4)
        whole = reassembly.add(key, data, number[0] * 1_000_000)
        if whole is not None:
            decode(Kind.FRAME, whole)

    return FuzzTarget(name="pieces of pictures", corpus=corpus, read=read, refusals=_REFUSED, share=3.0)


def _page() -> FuzzTarget:
    from teletwin.view.server_messages import parse_message

    pose = [0.1, 0.2, 0.3, 1.0, 0.0, 0.0, 0.0]
    texts: list[dict[str, Any]] = [
        {"type": "input", "seq": 3, "t_ms": 1.5, "hand": pose, "clutch": True, "device": "mouse", "server_ns": 12},
        {"type": "ack", "frame_id": 7, "drawn": True, "need_key": False, "t_ms": 3.0, "barcode_ok": None},
        {"type": "mtp", "samples": [[1, 20.5], [2, 31.0]]},
        {"type": "command", "name": "engage", "values": {"on": True}},
        {"type": "settings", "name": "link", "values": {"delay_ms": 20.0, "loss": 0.1}},
        {"type": "settings", "name": "limits", "values": {"max_speed_rad_s": 1.0}},
        {"type": "settings", "name": "view", "values": {"codec": "jpeg", "width": 320, "height": 180}},
        {"type": "ping", "t_ms": 1.0},
    ]
    corpus = [json.dumps(each).encode() for each in texts]
    return FuzzTarget(
        name="messages of the page",
        corpus=corpus,
        read=lambda data: _ignore(parse_message(data.decode("utf-8", errors="replace"))),
        refusals=_REFUSED,
        share=8.0,
    )


def _pictures() -> FuzzTarget:
    from teletwin.view.server_messages import pack_frame, unpack_frame

    corpus = [pack_frame(each) for each in good_messages() if isinstance(each, Frame)]
    return FuzzTarget(
        name="pictures to a viewer",
        corpus=corpus,
        read=lambda data: _ignore(unpack_frame(data)),
        refusals=_REFUSED,
        share=2.0,
    )


def _controller() -> Iterator[FuzzTarget]:
    """The three kinds of ports of the virtual UR3e; nothing that comes over them by chance may move it."""
    from teletwin.arm.virtual_ur.connections import DashboardService, RtdeService, ScriptService
    from teletwin.arm.virtual_ur.controller import Controller
    from teletwin.arm.virtual_ur.wire import Kind as Rtde
    from teletwin.arm.virtual_ur.wire import frame

    outputs = b"timestamp,actual_q,actual_qd,robot_mode,safety_mode"
    corpora: dict[str, list[bytes]] = {
        "RTDE": [
            frame(Rtde.PROTOCOL, struct.pack(">H", 2)),
            frame(Rtde.CONTROLLER, b""),
            frame(Rtde.OUTPUTS, struct.pack(">d", 500.0) + outputs),
            frame(Rtde.INPUTS, b"input_int_register_0,input_double_register_0"),
            frame(Rtde.START, b"") + frame(Rtde.PAUSE, b""),
            frame(Rtde.DATA, b"\x01" + struct.pack(">id", 3, 0.5)),
        ],
        "dashboard": [b"robotmode\n", b"power on\nbrake release\n", b"safetystatus\n", b"unlock protective stop\n"],
        "script port": [b"def a():\n  movej([0,0,0,0,0,0])\nend\n", b"stopl(1)\nend\n"],
    }
    for port, corpus in corpora.items():
        controller = Controller()
        made: dict[str, Any] = {
            "RTDE": lambda c=controller: RtdeService(c, lambda _: set()),
            "dashboard": lambda c=controller: DashboardService(c),
            "script port": lambda c=controller: ScriptService(c),
        }
        yield _port(f"virtual UR3e: {port}", corpus, controller, made[port])


def _port(name: str, corpus: list[bytes], controller: Any, connect: Any) -> FuzzTarget:
    before = controller.dynamics.q.copy()
    state: dict[str, Any] = {"service": connect(), "moved": 0, "fed": 0}

    def read(data: bytes) -> None:
        state["fed"] += 1
        if state["fed"] % 64 == 0:
            state["service"] = connect()
        try:
            state["service"].feed(data)
            state["service"].idle()
            state["service"].packet(state["fed"])
        except TeletwinError:
            state["service"] = connect()
            raise
        if state["fed"] % 16 == 0:
            controller.cycle()
            state["moved"] += bool(np.abs(controller.dynamics.q - before).max() > 1e-3)

    return FuzzTarget(
        name=name, corpus=corpus, read=read, refusals=_REFUSED, share=2.0, moved=lambda: int(state["moved"])
    )


def _ros() -> FuzzTarget:
    """CDR of poses, as a hand's driver or a recording has it."""
    from teletwin.hand.readers.ros_cdr import ROS_POSES, decode_ros_pose

    head = b"\x00\x01\x00\x00"
    body = struct.pack("<iI", 12, 34) + struct.pack("<I", 5) + b"base\x00" + bytes(3) + struct.pack("<7d", *range(7))
    schemas = sorted(ROS_POSES)

    def read(data: bytes) -> None:
        decode_ros_pose(schemas[len(data) % len(schemas)], data)

    return FuzzTarget(
        name="ROS 2 poses", corpus=[head + body], read=read, refusals=(TeletwinError, ValueError), share=4.0
    )


def _ignore(_: object) -> None:
    """What was read is not needed."""
