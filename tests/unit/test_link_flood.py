"""Who floods a role's port costs it little, and does not keep its peers from being heard."""

from __future__ import annotations

import socket

from teletwin.clock import SystemClock
from teletwin.link import udp
from teletwin.link.udp import UdpLink, UdpLinkCfg
from teletwin.messages import Note

KEY = bytes(range(32))


def test_a_flood_of_strangers_is_not_opened_and_the_peer_is_heard_between(monkeypatch):
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="twin", peers={"operator": None}, key=KEY), clock) as twin:
        where = {"twin": ("127.0.0.1", twin.port)}
        operator = UdpLink(UdpLinkCfg(role="operator", peers=where, key=KEY), clock)
        with operator, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(20):  # until both know each other
                operator.send("twin", Note(kind="a"))
                twin.receive(), operator.receive()
            opened = []
            real = twin._endpoint.enter
            monkeypatch.setattr(twin._endpoint, "enter", lambda raw, *hop: opened.append(raw) or real(raw, *hop))
            for _ in range(8):
                for _ in range(200):
                    stranger.sendto(b"tW\x05\x02\0\x01" + bytes(594), ("127.0.0.1", twin.port))
                operator.send("twin", Note(kind="b"))
                twin.wait(0.1)
                heard = [item.message.kind for item in twin.receive()]
                assert "b" in heard
        counters = twin.counters()
        strange = sum(raw.startswith(b"tW\x05\x02\0\x01\0\0\0") for raw in opened)
        assert strange == 0, "an address that is not the operator's is told before any seal"
        assert counters["flooded"] + counters["foreign_address"] == 1600
        assert counters["foreign_address"] < 2 * udp._STRANGERS_HZ + 200


def test_a_known_address_that_floods_is_cut_too(monkeypatch):
    monkeypatch.setattr(udp, "PEER_HZ", 400.0)
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="twin", peers={"operator": None}), clock) as twin:
        operator = UdpLink(UdpLinkCfg(role="operator", peers={"twin": ("127.0.0.1", twin.port)}), clock)
        with operator:
            operator.send("twin", Note(kind="a"))
            twin.wait(0.1)
            twin.receive()
            for _ in range(400):
                operator.send("twin", Note(kind="b"))
            twin.wait(0.1)
            assert 90 <= len(twin.receive()) < 200
        assert twin.counters()["flooded"] > 200
