"""What malformed HTTP leaves behind: a count, and at most one line a second."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping

from aiohttp.http_exceptions import HttpProcessingError  # noqa: TID253

from teletwin.clock import Clock
from teletwin.safety import RateLimit

_log = logging.getLogger(__name__)
_NOISE = (HttpProcessingError, ConnectionError)


def http_log(counters: MutableMapping[str, int], clock: Clock) -> logging.Logger:
    """A log for the HTTP server that counts as `bad_http` what is no HTTP; errors of our own keep their traceback."""
    limit = RateLimit(rate_hz=1.0, burst=1.0)
    log = logging.Logger("teletwin.view.http")
    log.parent = _log
    log.setLevel(logging.DEBUG)  # the very first bytes of a connection are told as debug

    def sift(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, _NOISE):
            return record.levelno >= logging.WARNING
        counters["bad_http"] += 1
        if limit.allows(clock.now_ns()):
            told = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            _log.warning("malformed HTTP (%d so far): %s", counters["bad_http"], ascii(told))
        return False

    log.addFilter(sift)
    return log
