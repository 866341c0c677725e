"""Who may come in to the page's server, and who is kept out: paths, tokens, origins, floods."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import aiohttp  # noqa: TID253
import pytest
from page_client import TOKEN, Listener, get, serve, talk, ws_url

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
    [{"port": 70000}, {"token": "short"}, {"tls_cert": Path("x.pem")}],
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
        with pytest.raises(aiohttp.WSServerHandshakeError):
            talk(ws_url(server), lambda ws: ws.receive())
        assert "hello" in str(talk(ws_url(server, TOKEN), lambda ws: ws.receive_str()))
        assert server.counters["refused"] == 3


def test_who_guesses_at_the_token_is_soon_not_even_compared() -> None:
    with serve(token=TOKEN) as server:
        codes = [get(server, f"/?token={TOKEN[:-1]}{k}")[0] for k in range(24)]
        assert codes[:20] == [403] * 20
        assert codes[-1] == 429
        assert get(server, f"/?token={TOKEN}")[0] == 429, "a right guess in a row of wrong ones opens nothing"
        assert server.counters["too_many"] >= 2


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
