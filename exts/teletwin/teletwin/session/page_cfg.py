"""Where the operator's page is served, and the secrets in its links."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from teletwin.session.secret_source import read_secret
from teletwin.view.server_cfg import PageServerCfg, check_token, is_loopback

TOKEN_VARIABLE = "TELETWIN_PAGE_TOKEN"
ADMIN_VARIABLE = "TELETWIN_PAGE_ADMIN_TOKEN"
WATCH_VARIABLE = "TELETWIN_PAGE_WATCH_TOKEN"
_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCfg:
    """Where the operator's page is served."""

    host: str = "127.0.0.1"
    """Address the page is served on; beyond loopback its link carries a token."""
    port: int = 8765
    """Port of the page."""
    token_file: str = ""
    """File with the token of the page's link; else TELETWIN_PAGE_TOKEN, else made at start when needed."""
    admin_token_file: str = ""
    """File with the token of the administrator's link; else TELETWIN_PAGE_ADMIN_TOKEN, else made."""
    watch_token_file: str = ""
    """File with the token of a link to watch; else TELETWIN_PAGE_WATCH_TOKEN, else made by *Share* on the page."""
    tls_cert: str = ""
    """Certificate chain (PEM): a secure context for pages beyond loopback."""
    tls_key: str = ""
    """Key of the certificate (PEM)."""

    def serves(self, tokens: PageTokens) -> PageServerCfg:
        """What the page's server is told."""
        return PageServerCfg(
            host=self.host,
            port=self.port,
            token=tokens.token or None,
            admin_token=tokens.admin_token or None,
            watch_token=tokens.watch_token or None,
            tls_cert=Path(self.tls_cert) if self.tls_cert else None,
            tls_key=Path(self.tls_key) if self.tls_key else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTokens:
    """What the page's links carry; empty where none is needed."""

    token: str = ""
    admin_token: str = ""
    watch_token: str = ""

    def admin_link(self, url: str) -> str:
        """The administrator's link, made of the page's; empty when the page has no token."""
        return url.replace(f"?token={self.token}", f"?token={self.admin_token}") if self.token else ""

    def links(self, url: str) -> list[str]:
        """What to tell beside the page's link: the other links, each with who may use it."""
        bare = url.partition("?")[0]
        told = [f"the administrator's link, who may take control back: {self.admin_link(url)}"] if self.token else []
        if self.watch_token:
            told.append(f"a link for who may watch and press Stop, no more: {bare}?token={self.watch_token}")
        return told


def page_tokens(page: PageCfg) -> PageTokens:
    """The tokens that a person has given, or new ones where the page needs them.

    Raises:
        ConfigError: A token can be guessed, or its file cannot be read.
    """
    token = _given(page.token_file, TOKEN_VARIABLE, "the page's token")
    admin_token = _given(page.admin_token_file, ADMIN_VARIABLE, "the administrator's token")
    watch_token = _given(page.watch_token_file, WATCH_VARIABLE, "the token to watch")
    if not token and not admin_token and is_loopback(page.host):
        return PageTokens(watch_token=watch_token)
    new = secrets.token_urlsafe
    token, admin_token = token or new(_TOKEN_BYTES), admin_token or new(_TOKEN_BYTES)
    return PageTokens(token=token, admin_token=admin_token, watch_token=watch_token)


def _given(file: str, variable: str, name: str) -> str:
    """A token from a file or the environment; empty when there is none."""
    token = read_secret(Path(file), name) if file else os.environ.get(variable, "").strip()
    if token or file:
        check_token(token, f"{name} ({file or variable})")
    return token
