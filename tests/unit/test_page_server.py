"""The page's server: who may come in, what is believed, and that nobody is held up."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time

import aiohttp  # noqa: TID253
import numpy as np
import pytest
from page_client import Listener, control, get, serve, talk, ws_url

from teletwin.clock import SystemClock
from teletwin.errors import ConfigError, MessageError
from teletwin.messages import Frame
from teletwin.view.server import PageEvent, PageServer, PageServerCfg
from teletwin.view.server_messages import parse_message, unpack_frame
from teletwin.view.server_viewers import UNACKED_MAX, PackedFrame, Viewers

POSE = np.array([0.1, 0.2, 0.3, 1.0, 0.0, 0.0, 0.0])
INPUT = {"type": "input", "seq": 1, "t_ms": 5.0, "hand": [0, 0, 0, 2**0.5, 0, 0, 0], "clutch": True, "device": "mouse"}

pytestmark = pytest.mark.live


def make_frame(frame_id: int, *, is_key: bool = True, data: bytes = b"picture", codec: str = "h264") -> Frame:
    return Frame(
        frame_id=frame_id,
        codec=codec,
        is_key=is_key,
        width=64,
        height=36,
        input_seq=7,
        pose_t_ns=1,
        shown_pose=POSE,
        shadow_poses=np.tile(POSE, (2, 1)),
        horizon_used_s=0.1,
        stages_ms={"draw": 1.5, "encode": float("nan")},
        t_ready_ns=123,
        data=data,
    )


def test_inputs_arrive_checked_and_dated_by_the_page() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> None:
            await ws.send_json({"type": "ping", "t_ms": 3.5})
            while (message := await ws.receive_json())["type"] != "pong":
                continue
            assert message["t_ms"] == 3.5
            at_ns = message["server_ns"]
            await ws.send_json({**INPUT, "server_ns": at_ns})
            await ws.send_json({**INPUT, "seq": 2, "server_ns": at_ns + 10**12})
            listener.wait("input", 2)
            dated, undated = listener.of("input")
            assert dated.t_ns == at_ns
            assert undated.t_ns == undated.received_ns

        talk(ws_url(server), speak)
    first = listener.of("input")[0].values
    np.testing.assert_allclose(first["hand"], [0, 0, 0, 1, 0, 0, 0])
    assert first["clutch"] is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 5000,
        json.dumps({**INPUT, "hand": [0, 0, 0, 0, 0, 0, 0]}),
        json.dumps({**INPUT, "hand": [0, 0, float("nan"), 1, 0, 0, 0]}),
        json.dumps({**INPUT, "hand": [1e9, 0, 0, 1, 0, 0, 0]}),
        json.dumps({**INPUT, "hand": [0, 0, 0, 1]}),
        json.dumps({**INPUT, "seq": -1}),
        json.dumps({**INPUT, "seq": True}),
        json.dumps({**INPUT, "device": "knee"}),
        json.dumps({"type": "command", "name": "explode"}),
        json.dumps({"type": "command", "name": "engage", "values": {"a": [1]}}),
        json.dumps({"type": "settings", "name": "link", "values": {"delay_ms": -5}}),
        json.dumps({"type": "settings", "name": "link", "values": {"delay_ms": "5"}}),
        json.dumps({"type": "settings", "name": "link", "values": {"color": 5}}),
        json.dumps({"type": "settings", "name": "policy", "values": {"policy": "a b"}}),
        json.dumps({"type": "settings", "name": "squeeze", "values": {"bandwidth_mbps": float("nan")}}),
        json.dumps({"type": "settings", "name": "squeeze", "values": {"bandwidth_mbps": -1}}),
        json.dumps({"type": "settings", "name": "squeeze", "values": {"compute_share": 0}}),
        json.dumps({"type": "settings", "name": "squeeze", "values": {"compute_share": 1.01}}),
        json.dumps({"type": "settings", "name": "allocator", "values": {"name": "../policy.npz"}}),
        json.dumps({"type": "settings", "name": "allocator", "values": {"name": 3}}),
        json.dumps({"type": "mtp", "samples": [[1, float("inf")]]}),
        json.dumps({"type": "mtp", "samples": [5]}),
        json.dumps({"type": "ack", "frame_id": "x"}),
        json.dumps({"type": "ping", "t_ms": None}),
        json.dumps({"type": "control", "act": "seize"}),
        json.dumps({"type": "control", "act": "give", "to": -1}),
        json.dumps({"type": "enable", "seq": 0, "held": True}),
        json.dumps({"type": "enable", "seq": 2**32, "held": True}),
        json.dumps({"type": "enable", "seq": 1, "held": 1}),
    ],
)
def test_what_cannot_be_trusted_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        parse_message(text)


def test_bad_messages_are_counted_and_answered_and_the_connection_goes_on() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> None:
            await ws.send_json({"type": "settings", "name": "squeeze", "values": {"compute_share": 3}})
            while (message := await ws.receive_json())["type"] != "refused":
                continue
            assert message["text"] == "page message: compute_share must be a number in 0.05 ... 1; given: 3"
            await ws.send_bytes(b"\x00\x01")
            await ws.send_json({"type": "command", "name": "engage"})
            await asyncio.to_thread(listener.wait, "command")

        talk(ws_url(server), speak)
        assert server.counters["bad_messages"] == 2
    assert listener.of("command")[0].values == {"name": "engage", "values": {}}


def test_a_message_too_long_ends_the_connection() -> None:
    with serve() as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> object:
            await ws.send_str("x" * 100_000)
            while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
                continue
            return message.data

        assert talk(ws_url(server), speak) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


def test_a_listener_that_fails_does_not_end_the_connection() -> None:
    calls: list[str] = []

    def fail(event: PageEvent) -> None:
        calls.append(event.kind)
        raise RuntimeError("listener")

    with PageServer(PageServerCfg(port=0), clock=SystemClock(), on_event=fail) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> object:
            await ws.send_json({"type": "command", "name": "stop"})
            await ws.send_json({"type": "ping", "t_ms": 1})
            while (message := await ws.receive_json())["type"] != "pong":
                continue
            return message["type"]

        assert talk(ws_url(server), speak) == "pong"
    assert "command" in calls


def test_pictures_and_telemetry_reach_the_viewer_and_numbers_that_are_none_become_null() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def look(ws: aiohttp.ClientWebSocketResponse) -> tuple[bytes, dict[str, object]]:
            assert (await ws.receive_json())["version"] == "1.2.3"
            assert (await ws.receive_json())["you"]
            server.publish_frame(make_frame(1))
            picture = await ws.receive_bytes()
            server.publish_telemetry({"mode": "hold", "aol_ms": float("nan"), "control_error_mm": np.float64(1.5)})
            return picture, await ws.receive_json()

        picture, telemetry = talk(ws_url(server), look)  # type: ignore[misc]
    header, data = unpack_frame(picture)
    assert data == b"picture"
    assert (header["frame_id"], header["key"], header["input_seq"]) == (1, True, 7)
    assert header["stages"] == {"draw": 1.5, "encode": None}
    assert header["shown_pose"] == POSE.tolist()
    assert telemetry == {"type": "telemetry", "mode": "hold", "aol_ms": None, "control_error_mm": 1.5}
    assert listener.of("need_key"), "a new viewer asks for a key frame"
    assert listener.wait("ack")[0].values["frame_id"] == 1, "a picture that nobody acknowledged gives its credit back"


def test_cut_pictures_are_refused() -> None:
    for message in (b"", struct.pack("<I", 50) + b"{}", struct.pack("<I", 2) + b"xx"):
        with pytest.raises(MessageError):
            unpack_frame(message)


def test_a_second_viewer_sees_everything_and_may_only_stop() -> None:
    listener = Listener()

    async def main(server: PageServer) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(ws_url(server)) as first,
            session.ws_connect(ws_url(server)) as second,
        ):
            assert (await first.receive_json())["viewer"] == 1
            assert (await control(first, others=[2]))["you"]
            assert (await second.receive_json())["input_seq"] == 0
            assert not (await control(second))["you"]
            assert server.viewer_count == 2
            server.publish_frame(make_frame(5))
            assert await first.receive_bytes() == await second.receive_bytes()
            for name in ("engage", "stop"):
                await second.send_json({"type": "command", "name": name})
            await second.send_json({"type": "ack", "frame_id": 5, "t_ms": 1})
            await second.send_json(INPUT)
            await second.send_json({"type": "enable", "seq": 1, "held": True})
            await asyncio.to_thread(listener.wait, "command")
            await first.send_json({**INPUT, "seq": 41})
            await asyncio.to_thread(listener.wait, "input")
            await first.close()
            left = await control(second, why="left")
            assert (left["driver"], left["you"], left["free"], left["why"]) == (0, False, True, "left")
            server.publish_frame(make_frame(6))
            assert await second.receive_bytes(), "who watches goes on watching"
            await second.send_json(INPUT)
            await second.send_json({"type": "control", "act": "take"})
            await control(second, you=True)
            async with session.ws_connect(ws_url(server)) as third:
                assert (await third.receive_json())["input_seq"] == 41, "input numbers go on where they were"

    with serve(listener) as server:
        asyncio.run(asyncio.wait_for(main(server), 10))
        assert [e.values["name"] for e in listener.of("command")] == ["stop"]
        assert [e.values["seq"] for e in listener.of("input")] == [41]
        assert [(e.values["frame_id"], e.values["drawn"]) for e in listener.of("ack")] == [(5, False), (6, False)], (
            "only the driver's credit counts; without one it is given back at once"
        )
        assert listener.of("enable") == []
        assert server.counters["not_operator"] == 4
        changes = [(e.values["before"], e.values["driver"], e.values["why"]) for e in listener.wait("control", 4)]
        assert changes == [(0, 1, "began"), (1, 0, "left"), (0, 2, "taken"), (2, 0, "left")]
        assert [e.values for e in listener.of("viewers")][:2] == [{"count": 1}, {"count": 2}]


def test_an_enabling_input_is_passed_on_while_its_number_grows() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> None:
            for seq in (1, 2, 2, 1, 7):
                await ws.send_json({"type": "enable", "seq": seq, "held": seq < 7})
            await asyncio.to_thread(listener.wait, "enable", 3)

        talk(ws_url(server), speak)
    assert [e.values for e in listener.of("enable")] == [
        {"seq": 1, "held": True},
        {"seq": 2, "held": True},
        {"seq": 7, "held": False},
    ]


def test_a_stuck_viewer_is_skipped_and_starts_again_with_a_key_frame() -> None:
    lost: list[tuple[int, bool]] = []
    asked: list[int] = []
    viewers = Viewers(on_lost=lambda i, k: lost.append((i, k)), on_need_key=asked.append)
    quick, stuck = viewers.add(), viewers.add()
    viewers.let_drive(quick.number)

    def send(frame_id: int, stands_alone: bool) -> None:
        frame = PackedFrame(frame_id=frame_id, stands_alone=stands_alone, message=b"%d" % frame_id)
        viewers.send_frame(frame, frame_id * 10**9)
        quick.acknowledge(frame_id, need_key=False)

    for frame_id in range(UNACKED_MAX + 5):
        send(frame_id, frame_id == 0)
    assert not stuck.unacked, "what was not sent yet is dropped"
    assert lost == [], "who drives lost nothing"
    assert asked == [], "a key frame is of no use while the viewer is stuck"
    send(100, False)
    assert asked == [stuck.number]
    assert not stuck.unacked, "a picture that cannot be decoded is not sent"
    send(102, True)
    assert list(stuck.unacked) == [102]


def test_a_picture_for_nobody_gives_its_credit_back_at_once() -> None:
    listener = Listener()
    with serve(listener) as server:
        server.publish_frame(make_frame(9))
        ack = listener.wait("ack")[0]
    assert ack.values["frame_id"] == 9
    assert ack.values["drawn"] is False


def test_a_viewer_that_does_not_answer_does_not_hold_up_the_end() -> None:
    server = serve()
    with server, socket.create_connection(("127.0.0.1", server.port)) as mute:
        mute.sendall(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert mute.recv(64).startswith(b"HTTP/1.1 101")
        started = time.monotonic()
        server.__exit__(None, None, None)
        assert time.monotonic() - started < 1.8
        assert server._thread is not None
        assert not server._thread.is_alive()


def test_the_server_starts_again_on_its_port_and_publishing_without_it_is_harmless() -> None:
    server = serve()
    server.publish_frame(make_frame(1))
    with server:
        port = server.port
    server.publish_frame(make_frame(2))
    server.publish_telemetry({})
    with PageServer(PageServerCfg(port=port), clock=SystemClock(), on_event=Listener()) as again:
        assert again.port == port


def test_the_page_is_served_on_the_loop_of_a_host_and_leaves_it_running() -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    cfg = PageServerCfg(host="127.0.0.1", port=0)
    try:
        with PageServer(cfg, clock=SystemClock(), on_event=lambda _: None, loop=loop) as server:
            assert get(server)[0] == 200
            with socket.socket() as other:
                other.bind(("127.0.0.1", 0))
                other.listen()
                busy = PageServerCfg(host="127.0.0.1", port=other.getsockname()[1])
                with (
                    pytest.raises(ConfigError, match="port is in use"),
                    PageServer(busy, clock=SystemClock(), on_event=lambda _: None, loop=loop),
                ):
                    pass
        assert loop.is_running()
        left = asyncio.run_coroutine_threadsafe(_other_tasks(), loop).result(2.0)
        assert left == 0
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2.0)
        loop.close()


async def _other_tasks() -> int:
    return len(asyncio.all_tasks()) - 1
