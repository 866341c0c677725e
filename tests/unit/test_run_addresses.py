"""`teletwin run` looks at its addresses once, before anything starts."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from teletwin.cli.run_addresses import check_addresses
from teletwin.errors import ConfigError
from teletwin.session.role_cfg import PageCfg, RoleCfg


def role(name: str, **addresses) -> RoleCfg:
    return RoleCfg(role=name, addresses=addresses)


def free_port(kind=socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_good_addresses_pass_and_learned_ones_are_not_looked_at():
    check_addresses([role("twin", twin=("127.0.0.1", free_port()), operator=None, arm=("localhost", 8773))])


@pytest.mark.parametrize(
    ("host", "told"), [("", "operator is missing.*--operator"), ("no.such.host.invalid", "operator is not known")]
)
def test_a_host_that_cannot_be_is_told_with_its_role(host, told):
    with pytest.raises(ConfigError, match=told):
        check_addresses([role("twin", twin=("127.0.0.1", free_port()), operator=(host, 8770))])


def test_a_port_in_use_is_told():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigError, match=f"the twin cannot listen; given: 127.0.0.1:{taken.getsockname()[1]}"):
            check_addresses([role("twin", twin=taken.getsockname())])


def test_a_page_whose_port_is_in_use_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        operator = role("operator", operator=("127.0.0.1", free_port()))
        page = PageCfg(port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match="the page's port is in use"):
            check_addresses([replace(operator, page=page)])
        with pytest.raises(ConfigError, match="given: port 99999"):
            check_addresses([replace(operator, page=PageCfg(port=99999))])
