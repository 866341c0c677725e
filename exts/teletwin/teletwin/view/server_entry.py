"""Who is let in to the page: the right Host and Origin, and beyond loopback a token, once, then a cookie."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import hdrs, web  # noqa: TID253

from teletwin.clock import Clock
from teletwin.safety import RateLimits
from teletwin.view.server_cfg import PageServerCfg, is_loopback
from teletwin.view.server_share import Share

GUESSES_HZ, GUESSES_BURST = 1.0, 20.0
"""How often an address may be wrong about the token before it is told to wait; the right token always fits."""
_CLOSED = "This page needs its link: open the one that was printed at the start (?token=...)."
_ENDED = "This link to watch has ended: ask for a new one."
_WATCHES = "w"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What somebody who was let in is."""

    session: str = ""
    """Name of the browser's session, the same for all of its sockets; empty without one."""
    is_admin: bool = False
    may_drive: bool = True
    """False: who came by the link to watch."""


_RANKS = {"a": Access(is_admin=True), "v": Access(), _WATCHES: Access(may_drive=False)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why somebody is not let in, in words for a person."""

    status: int
    text: str


class Entry:
    """Compares tokens and makes session cookies.

    A cookie holds a random name and the holder's rank, sealed with a key of this start: sessions take no memory and
    end with the server.
    """

    def __init__(self, cfg: PageServerCfg, *, clock: Clock, share: Share) -> None:
        self._cfg, self._clock, self._share = cfg, clock, share
        self._guesses = RateLimits(rate_hz=GUESSES_HZ, burst=GUESSES_BURST)
        self._key = secrets.token_bytes(32)

    def foreign(self, request: web.Request) -> str:
        """Why a request from another site is refused; empty when it is from this one."""
        # A name that only resolves to loopback (DNS rebinding) must not reach a page that asks for no token.
        if is_loopback(self._cfg.host) and not is_loopback(_hostname(request.host)):
            return "This page is for this machine only: open it by 127.0.0.1 or localhost."
        origin = request.headers.get("Origin")
        if origin is not None and _address(origin) != request.host:
            return "Another site may not use this page."
        return ""

    def admit(self, request: web.Request) -> Access | Refusal:
        """Let somebody in by token or cookie; without a token everybody on this machine is, but who came to watch."""
        given, cookie = _given(request), request.cookies.get(_cookie(request), "")
        if given and _same(given, self._share.token or None):
            return Access(may_drive=False)
        if given and self._cfg.token is not None:
            return self._by_token(given, request.remote)
        session = self._by_cookie(cookie)
        if given or (session is None and f".{_WATCHES}." in cookie):
            return Refusal(status=403, text=_ENDED)
        if session is None and self._cfg.token is not None:
            return Refusal(status=403, text=_CLOSED)
        return session or Access()

    def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take a session away that a browser need not keep."""
        response.del_cookie(_cookie(request))

    def begin(self, access: Access, request: web.Request, response: web.StreamResponse) -> None:
        """Give a browser its session."""
        name = secrets.token_urlsafe(18)
        rank = _WATCHES if not access.may_drive else "a" if access.is_admin else "v"
        value, is_secure = f"{name}.{rank}.{self._seal(name, rank)}", self._cfg.scheme == "https"
        response.set_cookie(_cookie(request), value, httponly=True, samesite="Strict", secure=is_secure)

    def _by_token(self, given: str, address: str | None) -> Access | Refusal:
        is_admin = _same(given, self._cfg.admin_token)
        if _same(given, self._cfg.token) or is_admin:
            return Access(is_admin=is_admin)
        if not self._guesses.allows(address, self._clock.now_ns()):
            return Refusal(status=429, text="Too many wrong tokens: try again in a few seconds.")
        return Refusal(status=403, text="The token is not that of this session: use the link printed at its start.")

    def _by_cookie(self, value: str) -> Access | None:
        """The session that a cookie of this start names."""
        name, _, rest = value.partition(".")
        rank, _, seal = rest.partition(".")
        if rank in _RANKS and _same(seal, self._seal(name, rank)):
            return dataclasses.replace(_RANKS[rank], session=name)
        return None

    def _seal(self, name: str, rank: str) -> str:
        of_link = self._share.token if rank == _WATCHES else ""  # ends with its link
        return hmac.new(self._key, f"{name}.{rank}.{of_link}".encode(errors="replace"), hashlib.sha256).hexdigest()


def _same(given: str, secret: str | None) -> bool:
    """Compare without telling by the time how much was right."""
    return secret is not None and hmac.compare_digest(given.encode(errors="replace"), secret.encode())


def _given(request: web.Request) -> str:
    """The token that a request shows: in its address, or in a header by who is no browser."""
    scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return request.query.get("token", "") or (bearer.strip() if scheme.lower() == "bearer" else "")


def _cookie(request: web.Request) -> str:
    """A browser has one jar for all ports of a host, so the cookie is named after the port."""
    name, _, port = request.host.rpartition(":")
    return f"teletwin_session_{port if name and port.isdecimal() else 'page'}"


def _address(origin: str) -> str:
    """Host and port of an Origin header; empty when it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _hostname(host: str) -> str:
    """The name in a Host header without its port; empty when it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
