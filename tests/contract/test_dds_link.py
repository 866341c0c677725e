"""What is particular to links over DDS topics: where they listen, and what anybody may write there."""

from __future__ import annotations

import pytest

from teletwin.clock import SystemClock
from teletwin.dds.domain import DdsDomain, DomainCfg, free_udp_port
from teletwin.errors import ConfigError
from teletwin.link.datagram_topic import DOMAIN_ID, DatagramTopics
from teletwin.link.dds import DdsLink
from teletwin.link.endpoint import Endpoint, EndpointCfg
from teletwin.link.udp import UdpLinkCfg
from teletwin.messages import Note

MS = 1_000_000
S = 1_000_000_000


@pytest.mark.live
def test_strangers_and_garbage_on_a_topic_are_counted_and_change_nothing():
    clock, key = SystemClock(), bytes(range(32))
    with (
        DdsLink(UdpLinkCfg(role="arm", session_id=1, key=key, peers={"twin": None}), clock) as arm,
        DdsDomain(DomainCfg(domain_id=DOMAIN_ID, interface="127.0.0.1", peers=(f"127.0.0.1:{arm.port}",))) as domain,
    ):
        topics = DatagramTopics(domain.participant, session_id=1, role="twin", peers=("arm",))
        forged = Endpoint(EndpointCfg(role="twin", session_id=1, key=bytes(32)), clock)
        writer = topics._writers["arm"]
        end_ns = clock.now_ns() + 5 * S
        while not writer.get_matched_subscriptions() and clock.now_ns() < end_ns:
            clock.sleep_until(clock.now_ns() + 5 * MS)
        clock.sleep_until(clock.now_ns() + 50 * MS)
        ((_, greeting),) = forged.due(clock.now_ns(), ["arm"])
        for raw in (greeting, b"", b"tW" + bytes(200), bytes(5000)):
            assert topics.write("arm", raw)
        clock.sleep_until(clock.now_ns() + 100 * MS)
        assert arm.receive() == []
        counters = arm.counters()
        assert (counters["invalid"], counters["other_version"], counters["other_secret"]) == (2, 0, 1)
        assert arm.peer_problem("twin") == "the twin does not know this session's secret"


@pytest.mark.live
def test_dds_on_an_address_that_is_not_here_is_one_clear_line():
    with pytest.raises(ConfigError, match=r"DDS cannot listen; given: 203\.0\.113\.7"):
        DdsLink(UdpLinkCfg(role="arm", bind="203.0.113.7", key=bytes(range(32))), SystemClock()).__enter__()


@pytest.mark.live
def test_dds_on_a_port_that_is_taken_is_one_clear_line():
    with (
        DdsLink(UdpLinkCfg(role="arm"), SystemClock()) as arm,
        pytest.raises(ConfigError, match=f"DDS cannot start; given: interface 127.0.0.1, port {arm.port}"),
    ):
        DdsLink(UdpLinkCfg(role="twin", port=arm.port), SystemClock()).__enter__()


@pytest.mark.live
def test_roles_of_one_host_that_listen_everywhere_find_each_other_over_dds():
    clock, key = SystemClock(), bytes(range(32))
    ports = {role: free_udp_port("127.0.0.1") for role in ("twin", "renderer")}
    common = {"bind": "0.0.0.0", "key": key, "session_id": 3}
    twin = UdpLinkCfg(role="twin", port=ports["twin"], peers={"renderer": ("127.0.0.1", ports["renderer"])}, **common)
    other = UdpLinkCfg(role="renderer", port=ports["renderer"], peers={"twin": ("127.0.0.1", ports["twin"])}, **common)
    with DdsLink(twin, clock) as one, DdsLink(other, clock) as two:
        one.send_reliable("renderer", Note(kind="x"))
        end_ns, got = clock.now_ns() + 6_000_000_000, []
        while not got and clock.now_ns() < end_ns:
            two.wait(0.01)
            got = two.receive()
            one.receive()
    assert [item.message.kind for item in got] == ["x"]
