"""Who may come in to the page's server, and who is kept out: paths, tokens, origins, floods."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import aiohttp  # noqa: TID253
import pytest
from page_client import ADMIN_TOKEN, TOKEN, Listener, control, get, serve, talk, ws_url

from teletwin.clock import SystemClock
from teletwin.errors import ConfigError
from teletwin.view.server import PageServer, PageServerCfg

pytestmark = pytest.mark.live


def test_the_page_comes_with_headers_that_isolate_it() -> None:
    with serve() as server:
        status, text, headers = get(server)
    assert status == 200
    assert "<canvas" in text
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "default-src 'self'" in headers["Content-Security-Policy"]


def test_no_path_leads_out_of_the_page_folder() -> None:
    with serve() as server:
        assert get(server, "/..%2fserver.py")[0] in (403, 404)
        assert get(server, "/main.js")[0] == 200


def test_a_page_beyond_loopback_without_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a token"):
        PageServerCfg(host="0.0.0.0")
    assert PageServerCfg(host="0.0.0.0", token=TOKEN).scheme == "http"


@pytest.mark.parametrize(
    "options",
    [
        {"port": 70000},
        {"token": "short"},
        {"token": "aaaaaaaaaaaaaaaaaaaaaaaa"},
        {"token": "correct horse battery staple"},
        {"token": TOKEN, "admin_token": TOKEN},
        {"admin_token": ADMIN_TOKEN},
        {"tls_cert": Path("x.pem")},
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        PageServerCfg(**options)  # type: ignore[arg-type]


def test_a_certificate_that_is_none_gives_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    cfg = PageServerCfg(port=0, tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "cert.pem")
    with pytest.raises(ConfigError, match="certificate"), PageServer(cfg, clock=SystemClock(), on_event=Listener()):
        pass


def test_a_busy_port_gives_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        cfg = PageServerCfg(port=busy.getsockname()[1])
        with pytest.raises(ConfigError, match="port is in use") as caught:
            PageServer(cfg, clock=SystemClock(), on_event=Listener()).__enter__()
    assert "\n" not in str(caught.value)


def test_only_who_has_the_token_comes_in() -> None:
    with serve(token=TOKEN) as server:
        assert get(server)[0] == 403
        assert get(server, f"/?token={TOKEN}x")[0] == 403
        assert get(server, f"/?token={TOKEN}")[0] == 200
        assert TOKEN in server.url
        for path in ("ws", "stop"):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                talk(f"http://127.0.0.1:{server.port}/{path}", lambda ws: ws.receive())
        assert "hello" in str(talk(ws_url(server, TOKEN), lambda ws: ws.receive_str()))
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert "hello" in str(talk(ws_url(server), lambda ws: ws.receive_str(), headers=bearer))
        assert server.counters["refused"] == 4


def test_the_link_gives_a_session_and_an_address_without_the_token() -> None:
    with serve(token=TOKEN) as server:
        status, _, headers = get(server, f"/?token={TOKEN}", follow=False)
        assert (status, headers["Location"]) == (303, "/")
        cookie, *attributes = [part.strip() for part in headers["Set-Cookie"].split(";")]
        assert TOKEN not in cookie
        assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
        assert get(server, Cookie=cookie)[0] == 200
        assert "hello" in str(talk(ws_url(server), lambda ws: ws.receive_str(), headers={"Cookie": cookie}))
        forged = cookie.replace(".v.", ".a.")
        assert get(server, Cookie=forged)[0] == 403, "nobody makes an administrator of himself"
        assert get(server, Cookie=cookie + "\u00e9")[0] == 403
    with serve(token=TOKEN) as other:
        name = f"teletwin_session_{other.port}={cookie.partition('=')[2]}"
        assert get(other, Cookie=name)[0] == 403, "a session ends with its server"


def test_a_link_that_another_site_opens_asks_once_more_by_itself() -> None:
    with serve(token=TOKEN) as server:
        cookie = get(server, f"/?token={TOKEN}", follow=False)[2]["Set-Cookie"].partition(";")[0]
        status, text, _ = get(server)
        assert status == 403
        assert "url=/?again" in text, "a Strict cookie does not come with another site's click"
        assert get(server, "/?again", Cookie=cookie, follow=False)[2]["Location"] == "/"
        status, text, _ = get(server, "/?again")
        assert (status, "refresh" in text) == (403, False)


def test_who_guesses_at_the_token_is_told_to_wait_and_locks_nobody_out() -> None:
    with serve(token=TOKEN, admin_token=ADMIN_TOKEN) as server:
        codes = [get(server, f"/?token={TOKEN[:-1]}{k}")[0] for k in range(24)]
        assert codes[:20] == [403] * 20
        assert codes[-1] == 429
        assert get(server, f"/?token={TOKEN}")[0] == 200
        assert "hello" in str(talk(ws_url(server, ADMIN_TOKEN), lambda ws: ws.receive_str()))
        assert server.counters["too_many"] >= 2


@pytest.mark.parametrize("engaged", [False, True])
def test_an_administrator_takes_control_back_at_any_time(engaged: bool) -> None:
    async def take_back(ws: aiohttp.ClientWebSocketResponse) -> str:
        assert not (await control(ws))["you"]
        await ws.send_json({"type": "control", "act": "take_back"})
        while (message := await ws.receive_json())["type"] not in ("control", "refused"):
            continue
        return message.get("why") or message["text"]

    async def main(server: PageServer) -> list[str]:
        async with aiohttp.ClientSession() as session, session.ws_connect(ws_url(server, TOKEN)) as first:
            assert (await control(first))["you"]
            said = []
            for token in (TOKEN, ADMIN_TOKEN):
                async with session.ws_connect(ws_url(server, token)) as ws:
                    said.append(await asyncio.wait_for(take_back(ws), 5))
            return said

    with serve(token=TOKEN, admin_token=ADMIN_TOKEN, is_engaged=lambda: engaged) as server:
        refused, taken = asyncio.run(main(server))
    assert "only by an administrator" in refused
    assert taken == "taken back"


@pytest.mark.parametrize("engaged", [False, True])
def test_on_this_machine_everybody_may_take_back_while_the_arm_rests(engaged: bool) -> None:
    async def main(server: PageServer) -> bool:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(ws_url(server)),
            session.ws_connect(ws_url(server)) as second,
        ):
            assert (await control(second))["may_take_back"]
            await second.send_json({"type": "control", "act": "take_back"})
            while (message := await second.receive_json())["type"] not in ("control", "refused"):
                continue
            return bool(message.get("you"))

    with serve(is_engaged=lambda: engaged) as server:
        assert asyncio.run(asyncio.wait_for(main(server), 5)) is not engaged


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00garbage", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"GET /\x00\x01 HTTP/1.1\r\n: x\r\n\r\n"],
)
def test_what_is_no_http_is_counted_and_leaves_one_line(garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with serve() as server:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port)) as peer:
                peer.sendall(garbage)
                peer.settimeout(2.0)
                while peer.recv(4096):
                    continue
        assert get(server)[0] == 200
        counted = server.counters["bad_http"]
    assert counted == 20
    assert 1 <= len(caplog.records) <= 3
    assert not any(record.exc_info for record in caplog.records)


def test_a_host_that_is_none_is_refused() -> None:
    with serve() as server:
        assert get(server, Host="[::1")[0] == 403
        assert get(server, Origin="http://[::1")[0] == 403


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]", "::"])
def test_the_page_is_served_by_ipv6(host: str) -> None:
    server = serve(host=host, token=TOKEN)
    try:
        server.__enter__()
    except ConfigError:
        pytest.skip("this machine has no IPv6 loopback")
    try:
        assert f":{server.port}/?token=" in server.url
        assert server.url.startswith("http://[::1]:") or host == "::"
        addresses = ["[::1]"] + (["127.0.0.1"] if host == "::" else [])
        for address in addresses:
            url = f"http://{address}:{server.port}/ws?token={TOKEN}"
            assert "hello" in str(talk(url, lambda ws: ws.receive_str(), headers={"Origin": url[: url.index("/ws")]}))
    finally:
        server.__exit__(None, None, None)


def test_another_site_that_knocks_without_end_does_not_lock_the_page_out() -> None:
    with serve(token=TOKEN) as server:
        for _ in range(30):
            assert get(server, Origin="http://evil.example")[0] == 403
        assert get(server, f"/?token={TOKEN}")[0] == 200


def test_more_viewers_than_there_is_room_for_are_told_so(monkeypatch) -> None:
    monkeypatch.setattr("teletwin.view.server_app.VIEWERS_MAX", 1)
    with serve() as server:

        async def second(first: aiohttp.ClientWebSocketResponse) -> int:
            await first.receive_str()
            async with aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(ws_url(server))
            return refused.value.status

        assert talk(ws_url(server), second) == 503


def test_a_page_that_says_too_much_is_dropped_but_its_stop_is_heard() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def flood(ws: aiohttp.ClientWebSocketResponse) -> None:
            text = json.dumps({"type": "command", "name": "hold", "values": {"a": "x" * 40_000}})
            for _ in range(150):
                await ws.send_str(text)
            await ws.send_str(json.dumps({"type": "command", "name": "stop"}))
            await asyncio.to_thread(lambda: listener.wait("command", 20))
            while listener.events[-1].values.get("name") != "stop":
                await asyncio.sleep(0.01)

        talk(ws_url(server), flood)
        assert server.counters["too_many"] > 40
        assert len(listener.of("command")) < 120


def test_foreign_sites_and_rebound_names_are_refused() -> None:
    with serve() as server:
        assert get(server, Host="evil.example")[0] == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            talk(ws_url(server), lambda ws: ws.receive(), headers={"Origin": "http://evil.example"})
        own = f"http://127.0.0.1:{server.port}"
        assert "hello" in str(talk(ws_url(server), lambda ws: ws.receive_str(), headers={"Origin": own}))
