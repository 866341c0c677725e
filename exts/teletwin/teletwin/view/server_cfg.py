"""Where the page is served and who may open it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from teletwin.errors import ConfigError

TOKEN_LENGTH_MIN = 16
TOKEN_CHARACTERS_MIN = 10
"""So many different ones; a word said three times is no secret."""


def is_loopback(host: str) -> bool:
    """Tell whether host, a name or an address, can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_token(token: str, name: str) -> None:
    """Refuse what can be guessed. `name` says which token it is.

    Raises:
        ConfigError: It is too short, too plain, or no plain text; it is not repeated.
    """
    if len(token) < TOKEN_LENGTH_MIN or len(set(token)) < TOKEN_CHARACTERS_MIN:
        raise ConfigError(
            f"{name} is too weak",
            given=f"{len(token)} characters, {len(set(token))} different ones",
            allowed=f"{TOKEN_LENGTH_MIN} or more, {TOKEN_CHARACTERS_MIN} or more different ones",
            mend="let it be made at the start, or give a random one",
        )
    if not token.isascii() or not token.isprintable() or any(character in token for character in " &#+%?"):
        allowed = "printable ASCII without space, &, #, +, % and ?"
        raise ConfigError(f"{name} does not fit into a link", given=f"{len(token)} characters", allowed=allowed)


@dataclass(frozen=True, kw_only=True)
class PageServerCfg:
    """The page's address. Beyond loopback a token is required, and TLS gives the page a secure context."""

    host: str = "127.0.0.1"
    port: int = 8765
    """0 lets the system choose a free one."""
    token: str | None = None
    """What the page's link must carry once as ?token=...; needed beyond loopback."""
    admin_token: str | None = None
    """The same for who may take control back at any time."""
    watch_token: str | None = None
    """The same for who may watch and press Stop, no more; made later when who drives asks for it."""
    tls_cert: Path | None = None
    """Certificate chain (PEM); without it a page beyond loopback gets JPEG pictures."""
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError("the page's port is out of range", given=self.port, allowed="0 ... 65535")
        if not is_loopback(self.host) and not self.token:
            raise ConfigError(
                "a page that other machines can reach needs a token",
                given=f"host {self.host} without token",
                mend="set a token, or serve on 127.0.0.1",
            )
        if self.token is not None:
            check_token(self.token, "the page's token")
        if self.admin_token is not None:
            check_token(self.admin_token, "the administrator's token")
        if self.watch_token is not None:
            check_token(self.watch_token, "the token to watch")
        given = [each for each in (self.token, self.admin_token, self.watch_token) if each is not None]
        if len(set(given)) < len(given):
            raise ConfigError("two of the page's links have the same token", mend="give different ones")
        if self.admin_token is not None and self.token is None:
            raise ConfigError("an administrator's token without one for the page closes nothing", mend="give both")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("TLS needs both a certificate and its key", mend="give --tls-cert and --tls-key")
        for path in (self.tls_cert, self.tls_key):
            if path is not None and not path.is_file():
                raise ConfigError("a TLS file cannot be found", given=path, mend="give the path of a PEM file")

    @property
    def scheme(self) -> str:
        """URL scheme of the page, http or https."""
        return "http" if self.tls_cert is None else "https"

    def url(self, port: int, name: str) -> str:
        """Address of the page without a token; `name` is the host's, for a page on all of its addresses."""
        host = name if self.host.strip("[]") in ("0.0.0.0", "::") else self.host.strip("[]")
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
