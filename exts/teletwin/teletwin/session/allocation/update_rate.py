"""How often the twin tells the operator: as the allocator says, and as often as ever when that falls silent."""

from __future__ import annotations

import math
from collections.abc import Mapping

from teletwin.clock import NS_PER_S
from teletwin.session.allocation.plan import UPDATE_RATES_HZ

_HOLDS_NS = 3 * NS_PER_S


class UpdateRate:
    """The rate in force; a word of the allocator's holds for three seconds, as the renderer may have died."""

    def __init__(self) -> None:
        self._rate_hz = UPDATE_RATES_HZ[1]
        self._said_ns = 0
        self.refused_count = 0
        """Words that were no rate."""

    def ask(self, values: Mapping[str, object], now_ns: int) -> None:
        """Take `update_rate_hz` [Hz], brought to 10 ... 125; what is no number changes nothing and is counted."""
        value = values.get("update_rate_hz")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0.0:
            self.refused_count += 1
            return
        self._rate_hz = min(max(float(value), UPDATE_RATES_HZ[0]), UPDATE_RATES_HZ[1])
        self._said_ns = now_ns

    def period_ns(self, now_ns: int) -> int:
        """Time between two states [ns], 8 ... 100 ms."""
        rate_hz = self._rate_hz if now_ns - self._said_ns <= _HOLDS_NS else UPDATE_RATES_HZ[1]
        return int(NS_PER_S / rate_hz)
