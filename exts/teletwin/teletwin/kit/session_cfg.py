"""From the extension's settings to those of a session and its roles."""

from __future__ import annotations

import os

from teletwin.kit.settings import KitCfg
from teletwin.link.addresses import HERE, parse_address
from teletwin.session.config import AllocationCfg, HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.launch import local_session
from teletwin.session.lesson_cfg import OfferedLesson
from teletwin.session.page_cfg import PageCfg, page_tokens
from teletwin.session.role_cfg import PORTS, ROLES, RoleCfg
from teletwin.session.secret_source import SESSION_NAME, VARIABLE, SessionKey, session_key

_INSIDE = ("twin", "renderer")
"""Roles that Kit plays when the others are elsewhere."""


def session_cfg(cfg: KitCfg, policy_file: str = "") -> SessionCfg:
    """The session that the settings describe; with the learned policy of a file where one is given.

    Raises:
        ConfigError: A value that the loop cannot run with.
    """
    return SessionCfg(
        hand=cfg.hand,
        forecaster=cfg.forecaster,
        horizon=HorizonCfg(
            policy=policy_file or cfg.horizon_policy,
            horizon_control_ms=cfg.horizon_control_ms,
            horizon_render_ms=cfg.horizon_render_ms,
        ),
        allocation=AllocationCfg(
            allocator=cfg.allocator, bandwidth_mbps=cfg.bandwidth_mbps, compute_share=cfg.compute_share
        ),
        network=NetworkCfg(delay_ms=cfg.delay_ms, jitter_ms=cfg.jitter_ms, loss=cfg.loss),
        control_rate_hz=cfg.physics_rate_hz,
        max_speed_rad_s=cfg.max_speed_rad_s,
        workspace_radius_m=cfg.workspace_radius_m,
        workspace_height_m=cfg.workspace_height_m,
        silence_ms=cfg.silence_ms,
        width=cfg.width,
        height=cfg.height,
        rate_hz=cfg.rate_hz,
        bitrate_mbps=cfg.bitrate_mbps,
    )


def role_cfgs(cfg: KitCfg, offer: OfferedLesson | None = None) -> dict[str, RoleCfg]:
    """What every role that Kit plays is told: all of them when 'local', else the twin and its renderer.

    In a lesson the arm waits for the person who draws, and acts by the policy that learns.
    """
    session = session_cfg(cfg, offer.policy_file if offer is not None else "")
    if cfg.role == "local":
        page = PageCfg(host=cfg.page_host, port=cfg.page_port, token_file=cfg.page_token_file)
        common = RoleCfg(
            role="twin",
            session=session,
            page=page,
            page_tokens=page_tokens(page),
            engage=cfg.engage_at_start and offer is None,
            record=cfg.record_path,
            lesson=offer.lesson if offer is not None else None,
        )
        return local_session(common)
    key = session_key(name=cfg.session_name or SESSION_NAME, file=cfg.session_secret_file)
    return {role: _remote(cfg, session, role, key) for role in _INSIDE}


def has_secret(cfg: KitCfg) -> bool:
    """Whether the session's packets are sealed; those that stay in Kit are not."""
    return cfg.role == "twin" and bool(cfg.session_secret_file or os.environ.get(VARIABLE))


def _remote(cfg: KitCfg, session: SessionCfg, role: str, key: SessionKey) -> RoleCfg:
    """One of the twin's two, for an operator and an arm on other machines; as `teletwin run` reaches them."""
    return RoleCfg(
        role=role,
        session=session,
        addresses={name: _address(cfg, role, name) for name in ROLES},
        session_id=key.session_id,
        key=key.key,
        record=cfg.record_path,
    )


def _address(cfg: KitCfg, role: str, peer: str) -> tuple[str, int] | None:
    if peer == role:
        return cfg.bind, PORTS[peer]
    if peer in _INSIDE:
        return HERE.get(cfg.bind, cfg.bind), PORTS[peer]
    host = cfg.operator if peer == "operator" else cfg.arm
    return None if host == "learn" else parse_address(host, port=PORTS[peer])
