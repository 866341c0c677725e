"""Where the page is served and who may open it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from teletwin.errors import ConfigError

TOKEN_LENGTH_MIN = 16


def is_loopback(host: str) -> bool:
    """Tell whether host, a name or an address, can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class PageServerCfg:
    """The page's address. Beyond loopback a token is required, and TLS gives the page a secure context."""

    host: str = "127.0.0.1"
    port: int = 8765
    """0 lets the system choose a free one."""
    token: str | None = None
    """What the page's address must carry as ?token=...; needed beyond loopback."""
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
        if self.token is not None and len(self.token) < TOKEN_LENGTH_MIN:
            raise ConfigError(
                "the page's token is too short (--token)",
                given=f"{len(self.token)} characters",
                allowed=f"{TOKEN_LENGTH_MIN} or more",
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("TLS needs both a certificate and its key", mend="give --tls-cert and --tls-key")
        for path in (self.tls_cert, self.tls_key):
            if path is not None and not path.is_file():
                raise ConfigError("a TLS file cannot be found", given=path, mend="give the path of a PEM file")

    @property
    def scheme(self) -> str:
        """URL scheme of the page, http or https."""
        return "http" if self.tls_cert is None else "https"
