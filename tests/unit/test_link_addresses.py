"""Where roles are: IPv4 and IPv6, configured, learned, and moved."""

from __future__ import annotations

import socket

import pytest

from teletwin.clock import SystemClock
from teletwin.errors import ConfigError
from teletwin.link.addresses import AddressBook, is_loopback, parse_address, plain_address, resolve
from teletwin.link.udp import UdpLink, UdpLinkCfg
from teletwin.messages import Note

KEY = bytes(range(32))
S = 1_000_000_000


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("twin.lab", ("twin.lab", 7)),
        ("twin.lab:9", ("twin.lab", 9)),
        ("192.0.2.1:9", ("192.0.2.1", 9)),
        ("::1", ("::1", 7)),
        ("[::1]", ("::1", 7)),
        ("[::1]:9", ("::1", 9)),
        ("fe80::1%eth0", ("fe80::1%eth0", 7)),
        ("[2001:db8::5]:8771", ("2001:db8::5", 8771)),
    ],
)
def test_an_address_is_a_host_and_perhaps_a_port(text, told):
    assert parse_address(text, port=7) == told


@pytest.mark.parametrize("text", ["", ":9", "host:", "host:x", "[::1]:x", "[]:5", "host:70000", "[::1"])
def test_what_is_no_address_is_one_clear_line(text):
    with pytest.raises(ConfigError):
        parse_address(text, port=7)


def test_loopback_is_told_in_both_families():
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")))
    assert not any(
        map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "fe80::1%1", "::ffff:192.0.2.1", "x"))
    )


@needs_ipv6
def test_a_role_on_ipv6_reaches_hosts_of_either_family_and_one_on_ipv4_says_what_it_cannot():
    assert resolve("::1", 5, family=socket.AF_INET6) == ("::1", 5, 0, 0)
    assert resolve("127.0.0.1", 5, family=socket.AF_INET6) == ("::ffff:127.0.0.1", 5, 0, 0)
    assert resolve("localhost", 5, family=socket.AF_INET) == ("127.0.0.1", 5)
    assert plain_address(("::1", 5, 77, 2)) == ("::1", 5, 0, 2)
    with pytest.raises(ConfigError, match=r"no IPv4 address.*--bind ::"):
        resolve("::1", 5, family=socket.AF_INET)
    with pytest.raises(ConfigError, match="not known"):
        resolve("no-such-host.invalid", 5)


def _talk(one: UdpLink, other: UdpLink, *, until_s: float = 5.0) -> list[str]:
    clock = SystemClock()
    end_ns, got = clock.now_ns() + round(until_s * S), []
    one.send_reliable("arm", Note(kind="a"))
    other.send_reliable("twin", Note(kind="b"))
    while len(got) < 2 and clock.now_ns() < end_ns:
        for link in (one, other):
            link.wait(0.005)
            got += [item.message.kind for item in link.receive()]
    return sorted(got)


@needs_ipv6
@pytest.mark.live
@pytest.mark.parametrize(("bind", "host"), [("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1")])
def test_roles_talk_over_ipv6_and_to_ipv4_from_where_all_is_listened_to(bind, host):
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="arm", bind=bind, peers={"twin": None}, key=KEY), clock) as arm:
        peers = {"arm": (host, arm.port)}
        with UdpLink(UdpLinkCfg(role="twin", bind=host, peers=peers, key=KEY), clock) as twin:
            assert _talk(twin, arm) == ["a", "b"]
            assert arm.counters()["foreign_address"] == 0


@needs_ipv6
@pytest.mark.live
def test_on_ipv6_too_loopback_needs_no_secret_and_the_rest_does():
    UdpLinkCfg(role="arm", bind="::1", peers={"twin": ("::1", 5)})
    with pytest.raises(ConfigError, match="needs a session secret"):
        UdpLinkCfg(role="arm", bind="::")


def test_a_learned_role_moves_once_its_old_address_is_silent_and_a_configured_one_never():
    book = AddressBook({"twin": None, "arm": ("127.0.0.1", 9)})
    here, there, arm = ("127.0.0.1", 5), ("127.0.0.1", 6), ("127.0.0.1", 9)
    assert book.may_be(here, "twin", 10 * S)
    assert not book.may_be(here, "operator", 10 * S)
    book.keep(here, "twin", 10 * S)
    assert not book.may_be(there, "twin", 10 * S + S // 2)
    assert book.may_be(there, "twin", 11 * S)
    assert not book.may_be(there, "arm", 99 * S)
    assert not book.may_be(arm, "twin", 99 * S)
    assert book.may_be(arm, "arm", 99 * S)
    book.keep(there, "twin", 11 * S)
    assert (book.address("twin"), book.is_known(here)) == (there, False)


def test_a_port_that_a_silent_role_left_can_be_taken_by_another():
    book = AddressBook({"twin": None, "renderer": None})
    here = ("127.0.0.1", 5)
    book.keep(here, "twin", 10 * S)
    assert not book.may_be(here, "renderer", 10 * S + 1)
    assert book.may_be(here, "renderer", 11 * S)
    book.keep(here, "renderer", 11 * S)
    assert (book.address("renderer"), book.address("twin")) == (here, None)


@pytest.mark.live
def test_a_role_whose_address_is_translated_anew_is_heard_again_after_a_second_and_its_keys_stay():
    clock = SystemClock()
    with (
        UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}, key=KEY), clock) as arm,
        UdpLink(UdpLinkCfg(role="twin", peers={"arm": ("127.0.0.1", arm.port)}, key=KEY), clock) as twin,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere,
    ):
        assert _talk(twin, arm) == ["a", "b"]
        elsewhere.setblocking(False)
        elsewhere.bind(("127.0.0.1", 0))
        at_first, twin._socket = twin._socket, elsewhere
        got = _talk(twin, arm)
        twin._socket = at_first
        assert got == ["a", "b"]
        assert arm.counters()["restarted"] == 0
        assert arm.counters()["foreign_address"] > 0


@pytest.mark.live
def test_two_roles_with_the_same_name_do_not_take_turns():
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}, key=KEY), clock) as arm:
        cfg = {"role": "twin", "peers": {"arm": ("127.0.0.1", arm.port)}, "key": KEY}
        with UdpLink(UdpLinkCfg(**cfg), clock) as one, UdpLink(UdpLinkCfg(**cfg), clock) as two:
            assert _talk(one, arm) == ["a", "b"]
            end_ns = clock.now_ns() + 2 * S
            while clock.now_ns() < end_ns:
                for link in (one, two, arm):
                    link.wait(0.005)
                    assert link.receive() == []
                two.send("arm", Note(kind="c"))
            assert arm.counters()["restarted"] == 0
            assert _talk(one, arm) == ["a", "b"]
