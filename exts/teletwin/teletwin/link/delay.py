"""The imitated network of one hop: one seeded model for tests, training and live runs."""

from __future__ import annotations

import math
import zlib

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.link.bursts import BurstLoss
from teletwin.link.jitter import CorrelatedDelay
from teletwin.messages import LinkSettings

QUEUE_LIMIT_S = 0.2
_BLOCK = 256
_HOLD_SHARE = 2.5
_HOLD_MIN_S, _HOLD_MAX_S = 0.002, 0.5
_INTERVAL_SMOOTHING = 0.1


def check_settings(settings: LinkSettings, *, hop: str = "link") -> LinkSettings:
    """Return the settings of a hop when a network can be like that.

    Raises:
        ConfigError: A value is out of its range or not finite.
    """
    highest = {"delay_ms": 2_000.0, "jitter_ms": 1_000.0, "rate_mbps": 1e5, "burst_ms": 10_000.0}
    for name in ("delay_ms", "jitter_ms", "loss", "duplication", "reordering", "rate_mbps", "burst_ms"):
        value, most = getattr(settings, name), highest.get(name, 1.0)
        if not (isinstance(value, (int, float)) and 0.0 <= value <= most and math.isfinite(value)):
            raise ConfigError(f"hop '{hop}': {name} is out of range", given=value, allowed=f"0 ... {most:g}")
    return settings


def hop_seed(seed: int, sender: str, receiver: str) -> int:
    """Seed of the hop from sender to receiver in a session with this seed."""
    return (seed << 32) | zlib.crc32(f"{sender}>{receiver}".encode())


class DelayLine:
    """Says when each offered packet comes out: late, never, twice or overtaken.

    In order of passage: a bottleneck that sends at rate_mbps with a queue of at most 200 ms (what does
    not fit is dropped), loss (each by itself, or in the bursts of `bursts.BurstLoss`), then the correlated
    delay of `jitter.CorrelatedDelay`. Packets leave in the order in which they entered, except those
    picked for reordering, which are held back by 2.5 times the usual spacing so that later ones pass
    them. Each packet takes the same number of draws whatever the settings are, and the draws of delays and
    bursts depend on time alone: two lines with one seed that are offered the same packets treat them alike.
    """

    def __init__(self, settings: LinkSettings, seed: int) -> None:
        delay_seed, packet_seed, burst_seed = np.random.SeedSequence(seed).spawn(3)
        self._delay = CorrelatedDelay(np.random.default_rng(delay_seed))
        self._bursts = BurstLoss(np.random.default_rng(burst_seed))
        self._rng = np.random.default_rng(packet_seed)
        self._draws: list[list[float]] = []
        self._origin_ns: int | None = None
        self._last_due_ns = 0
        self._newest_s = self._busy_until_s = self._last_due_s = 0.0
        self._interval_s = 0.01
        self.settings = settings

    @property
    def settings(self) -> LinkSettings:
        """The network that is imitated; may be set at any time."""
        return self._settings

    @settings.setter
    def settings(self, settings: LinkSettings) -> None:
        self._settings = check_settings(settings)
        self._delay.configure(delay_s=settings.delay_ms * 1e-3, jitter_s=settings.jitter_ms * 1e-3)
        self._bursts.configure(loss=settings.loss, burst_s=settings.burst_ms * 1e-3)
        self._is_bare = settings == LinkSettings()

    def offer(self, t_ns: int, size: int) -> list[int]:
        """Times [ns] at which a packet of `size` bytes, entering at t_ns, comes out; empty: it is lost."""
        lost, doubled, held = self._draw()
        if self._is_bare and t_ns >= self._last_due_ns:  # nothing to imitate, nothing under way
            return [t_ns]
        if self._origin_ns is None:
            self._origin_ns = t_ns
        t_s = max((t_ns - self._origin_ns) / NS_PER_S, self._newest_s)
        self._interval_s += _INTERVAL_SMOOTHING * (t_s - self._newest_s - self._interval_s)
        self._newest_s = t_s
        left_s = self._through_bottleneck(t_s, size)
        if left_s is None or self._is_lost(lost, left_s):
            return []
        due_s = max(left_s + self._delay.at(left_s), self._last_due_s)
        if held < self._settings.reordering:
            due_s += min(max(_HOLD_SHARE * self._interval_s, _HOLD_MIN_S), _HOLD_MAX_S)
        else:
            self._last_due_s = due_s
        due_ns = max(self._origin_ns + round(due_s * NS_PER_S), t_ns)
        self._last_due_ns = max(self._last_due_ns, due_ns)
        return [due_ns, due_ns] if doubled < self._settings.duplication else [due_ns]

    def _is_lost(self, draw: float, t_s: float) -> bool:
        return self._bursts.is_lost(t_s) if self._settings.burst_ms > 0.0 else draw < self._settings.loss

    def _through_bottleneck(self, t_s: float, size: int) -> float | None:
        start_s = max(t_s, self._busy_until_s)
        if start_s - t_s > QUEUE_LIMIT_S:
            return None
        rate_mbps = self._settings.rate_mbps
        self._busy_until_s = start_s + (size * 8e-6 / rate_mbps if rate_mbps > 0.0 else 0.0)
        return self._busy_until_s

    def _draw(self) -> list[float]:
        if not self._draws:
            self._draws = self._rng.random((_BLOCK, 3)).tolist()
        return self._draws.pop()
