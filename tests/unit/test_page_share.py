"""A link to watch: it shows everything, stops the arm, drives nothing, and ends when it is ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp  # noqa: TID253
import pytest
from page_client import ADMIN_TOKEN, TOKEN, Listener, control, serve
from test_page_doors import get, ws_url

from teletwin.clock import SystemClock
from teletwin.errors import ConfigError
from teletwin.view.server import PageServer, PageServerCfg

WATCH = "a-token-to-watch-with-1"


async def told(ws: aiohttp.ClientWebSocketResponse, *kinds: str) -> dict[str, Any]:
    while (message := await ws.receive_json())["type"] not in kinds:
        continue
    return message


def cookie_of(server: PageServer, token: str) -> str:
    return get(server, f"/?token={token}", follow=False)[2]["Set-Cookie"].partition(";")[0]


def test_who_watches_never_drives_and_may_stop() -> None:
    listener = Listener()

    async def main(server: PageServer) -> list[str]:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(ws_url(server, WATCH)) as watcher:
                first = await control(watcher)
                assert (first["you"], first["may_drive"], first["free"]) == (False, False, True), "not even the first"
                said = []
                for act in ("take", "ask", "take_back", "give", "release"):
                    await watcher.send_json({"type": "control", "act": act})
                    said.append((await told(watcher, "refused"))["text"])
                await watcher.send_json({"type": "settings", "name": "link", "values": {"delay_ms": 5}})
                await watcher.send_json({"type": "share", "act": "make"})
                said.append((await told(watcher, "refused"))["text"])
                await watcher.send_json({"type": "command", "name": "engage"})
                await watcher.send_json({"type": "command", "name": "stop"})
                async with session.ws_connect(ws_url(server, TOKEN)) as driver:
                    standing = await control(driver, you=True)
                    assert standing["others"] == [], "nobody hands control to a link to watch"
                    await driver.send_json({"type": "control", "act": "give", "to": 1})
                    assert "Nobody is there" in (await told(driver, "refused"))["text"]
            return said

    with serve(listener, token=TOKEN, watch_token=WATCH) as server:
        said = asyncio.run(main(server))
        listener.wait("command")
    assert all("This link is for watching" in text for text in said[:5])
    assert "shares the session" in said[5]
    assert [event.values["name"] for event in listener.of("command")] == ["stop"]
    assert listener.of("settings") == []


@pytest.mark.parametrize("token", [TOKEN, None], ids=["with a token", "on loopback without"])
def test_a_link_is_made_and_its_end_puts_everybody_out(token: str | None) -> None:
    listener = Listener()

    async def main(server: PageServer) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(ws_url(server, token or "")) as driver:
            await control(driver, you=True)
            await driver.send_json({"type": "share", "act": "make"})
            link = (await told(driver, "share"))["path"].removeprefix("/?token=")
            assert len(link) >= 32
            cookie = await asyncio.to_thread(cookie_of, server, link)
            watching = {"Cookie": cookie}
            assert (await asyncio.to_thread(get, server, Cookie=cookie))[0] == 200
            async with session.ws_connect(ws_url(server), headers=watching) as watcher:
                assert not (await control(watcher))["may_drive"]
                async with session.ws_connect(ws_url(server).replace("/ws", "/stop"), headers=watching) as lane:
                    await driver.send_json({"type": "share", "act": "show"})
                    assert (await told(driver, "share"))["watching"] == 1
                    await driver.send_json({"type": "share", "act": "end"})
                    assert (await told(driver, "share")) == {"type": "share", "path": "", "watching": 0}
                    for socket in (watcher, lane):
                        while (
                            message := await asyncio.wait_for(socket.receive(), 5)
                        ).type is not aiohttp.WSMsgType.CLOSE:
                            continue
                        assert message.extra == "sharing has ended"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(ws_url(server), headers=watching)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(ws_url(server, link))
            assert (await asyncio.to_thread(get, server, Cookie=cookie))[0] == 403, (
                "the session of an ended link is none, not another's"
            )
            await driver.send_json({"type": "share", "act": "make"})
            assert (await told(driver, "share"))["path"].removeprefix("/?token=") != link
            assert (await asyncio.to_thread(get, server, Cookie=cookie))[0] == 403

    with serve(listener, token=token) as server:
        asyncio.run(main(server))
    assert [event.values["act"] for event in listener.of("share")] == ["make", "end", "make"]


def test_a_watchers_cookie_cannot_be_raised_to_a_drivers() -> None:
    with serve(token=TOKEN, watch_token=WATCH) as server:
        cookie = cookie_of(server, WATCH)
        assert ".w." in cookie
        for rank in (".v.", ".a."):
            assert get(server, Cookie=cookie.replace(".w.", rank))[0] == 403


def test_an_administrator_shares_while_another_drives() -> None:
    async def main(server: PageServer) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.ws_connect(ws_url(server, TOKEN)) as driver:
            await control(driver, you=True)
            async with session.ws_connect(ws_url(server, TOKEN)) as other:
                assert not (await control(other))["may_share"]
            async with session.ws_connect(ws_url(server, ADMIN_TOKEN)) as admin:
                assert (await control(admin))["may_share"]
                await admin.send_json({"type": "share", "act": "make"})
                return await told(admin, "share", "refused")

    with serve(token=TOKEN, admin_token=ADMIN_TOKEN) as server:
        assert asyncio.run(main(server))["path"].startswith("/?token=")


def test_the_token_to_watch_is_one_of_its_own_and_no_weak_one() -> None:
    with pytest.raises(ConfigError, match="two of the page's links have the same token"):
        PageServerCfg(token=TOKEN, watch_token=TOKEN)
    with pytest.raises(ConfigError, match="the token to watch is too weak"):
        PageServerCfg(watch_token="short")


def test_what_was_recorded_is_fetched_by_who_may_drive_and_nothing_else_is(tmp_path: Path) -> None:
    log = tmp_path / "run.mcap"
    log.write_bytes(b"what was said")
    (tmp_path / "secret.txt").write_text("no")
    cfg = PageServerCfg(port=0, token=TOKEN, watch_token=WATCH)
    server = PageServer(
        cfg, clock=SystemClock(), on_event=Listener(), recordings=lambda: {log.name: log, "gone.mcap": tmp_path / "x"}
    )
    with server:
        driver, watcher = cookie_of(server, TOKEN), cookie_of(server, WATCH)
        status, text, headers = get(server, "/recordings/run.mcap", Cookie=driver)
        assert (status, text) == (200, "what was said")
        assert headers["Content-Disposition"] == 'attachment; filename="run.mcap"'
        assert get(server, "/recordings/run.mcap")[0] == 403
        assert get(server, "/recordings/run.mcap", Cookie=watcher)[0] == 403
        for name in ("secret.txt", "gone.mcap", "..%2Fsecret.txt", "%2e%2e/secret.txt", str(log).replace("/", "%2F")):
            assert get(server, f"/recordings/{name}", Cookie=driver)[0] in (403, 404), name
