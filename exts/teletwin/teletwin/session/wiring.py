"""Who listens to whom: the link of each role, with the network imitated on each of its incoming hops."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from teletwin.clock import Clock
from teletwin.errors import ConfigError
from teletwin.link import RoleLink
from teletwin.link.dds import DdsLink
from teletwin.link.udp import UdpLink, UdpLinkCfg
from teletwin.messages import LinkSettings, Note
from teletwin.session.config import AllocationCfg, NetworkCfg
from teletwin.session.role_cfg import RoleCfg

INCOMING: Mapping[str, Mapping[str, str]] = {
    "operator": {"twin": "down", "renderer": "down"},
    "twin": {"operator": "up", "arm": "state"},
    "renderer": {"operator": "up"},
    "arm": {"twin": "command"},
}
"""Role to sender to the hop's name; the way from twin to renderer is inside one host."""

PEERS: Mapping[str, tuple[str, ...]] = {
    "operator": ("twin", "renderer"),
    "twin": ("operator", "renderer", "arm"),
    "renderer": ("operator", "twin"),
    "arm": ("twin",),
}

RELAYS: Mapping[str, Mapping[str, str]] = {"renderer": {"operator": "twin", "arm": "twin"}}
"""Who may pass on whose datagrams: the twin hands packets and arm states to its renderer, closed anew."""


def hop_links(role: str, network: NetworkCfg) -> dict[str, LinkSettings]:
    """The network to imitate on each incoming hop of a role."""
    return {peer: network.hop(hop) for peer, hop in INCOMING[role].items()}


def shared_mbps(role: str, allocation: AllocationCfg) -> float:
    """What pictures and updates to a role may take together [Mb/s]; 0 is unlimited: only the operator's way is."""
    return allocation.bandwidth_mbps if role == "operator" else 0.0


def open_link(cfg: RoleCfg, clock: Clock) -> RoleLink:
    """The link of a role, plain or over DDS topics, not yet entered."""
    own = cfg.addresses.get(cfg.role) or ("127.0.0.1", 0)
    over = DdsLink if cfg.session.link == "dds" else UdpLink
    return over(
        UdpLinkCfg(
            role=cfg.role,
            bind=own[0],
            port=own[1],
            peers={peer: cfg.addresses.get(peer) for peer in PEERS[cfg.role]},
            session_id=cfg.session_id,
            key=bytes.fromhex(cfg.key) if cfg.key else None,
            links=hop_links(cfg.role, cfg.session.network),
            seed=cfg.session.seed,
            relays=RELAYS.get(cfg.role, {}),
            shared_mbps=shared_mbps(cfg.role, cfg.session.allocation),
        ),
        clock,
    )


def apply_link_note(link: RoleLink, role: str, note: Note) -> None:
    """Imitate another network on every incoming hop, as the page's sliders ask; one that cannot be changes nothing."""
    try:
        settings = LinkSettings(**{name: float(str(note.values.get(name, 0.0))) for name in LinkSettings.__slots__})
        for peer in INCOMING[role]:
            link.set_link(peer, settings)
    except (ValueError, ConfigError) as error:
        logging.getLogger(__name__).warning("a network that cannot be imitated was asked for: %s", error)
