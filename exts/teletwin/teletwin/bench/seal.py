"""What closing and opening a datagram costs, beside the seal of before and the checksum within one machine."""

from __future__ import annotations

import hmac
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from teletwin.bench.sealed_pair import NOW_NS, SESSION_ID, joined
from teletwin.link.plain import PlainEnvelope
from teletwin.link.wire import OUTER_BYTES, Datagram, Kind, pack_body, unpack_body
from teletwin.report.bench_rows import BenchRow

PAYLOAD_BYTES = 200
_RUNS, _CALLS = 7, 20_000
_BAR_US = 6.0
_HMAC_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Processor time of one call [us]: median of the runs, the quickest and the slowest.

    Not the wall's time, so that other work on the machine counts little.
    """

    median_us: float
    range_us: tuple[float, float]


def seal_rows() -> Iterator[BenchRow]:
    """Closing and opening, with header and all."""
    datagram = Datagram(Kind.NOTE, "operator", "twin", 0, 1, 2, 3, 4, bytes(range(PAYLOAD_BYTES)), 5)
    sealed, before, plain = _sealed(datagram), _hmac(datagram), _plain(datagram)
    for number, name in enumerate(("seal", "open")):
        cost = sealed[number]
        low_us, high_us = cost.range_us
        yield BenchRow(
            name=f"{name} a datagram of {PAYLOAD_BYTES} bytes",
            unit="us",
            value=cost.median_us,
            bar=_BAR_US,
            beside={"HMAC-SHA256, not encrypted": before[number].median_us, "checksum": plain[number].median_us},
            note=f"AES-256-GCM; median of {_RUNS} runs, {low_us:.2f} to {high_us:.2f}",
        )


def _sealed(datagram: Datagram) -> tuple[Cost, Cost]:
    operator, twin = joined("operator", "twin")
    closed: list[bytes] = []

    def close() -> None:
        raw = operator.close("twin", pack_body(datagram))
        assert raw is not None
        closed.append(raw)

    return _cost(close), _cost_of_each(closed, lambda raw: unpack_body(twin.open(raw, NOW_NS)))


def _plain(datagram: Datagram) -> tuple[Cost, Cost]:
    operator, twin = (PlainEnvelope(role=role, session_id=SESSION_ID) for role in ("operator", "twin"))
    raw = operator.close("twin", pack_body(datagram))
    return _cost(lambda: operator.close("twin", pack_body(datagram))), _cost(
        lambda: unpack_body(twin.open(raw, NOW_NS))
    )


def _hmac(datagram: Datagram) -> tuple[Cost, Cost]:
    """As it was: the first 12 bytes of HMAC-SHA256 behind a datagram that anyone can read."""
    key, outside = bytes(32), bytes(OUTER_BYTES)

    def close() -> bytes:
        body = outside + pack_body(datagram)
        return body + hmac.digest(key, body, "sha256")[:_HMAC_BYTES]

    def open_it() -> Datagram:
        sign = hmac.digest(key, raw[:-_HMAC_BYTES], "sha256")[:_HMAC_BYTES]
        assert hmac.compare_digest(sign, raw[-_HMAC_BYTES:])
        return unpack_body(raw[OUTER_BYTES:-_HMAC_BYTES])

    raw = close()
    return _cost(close), _cost(open_it)


def _cost(work: Callable[[], object]) -> Cost:
    return _summed([_run_us(work) for _ in range(_RUNS)])


def _cost_of_each(given: list[bytes], work: Callable[[bytes], object]) -> Cost:
    """Work on each of `given` once, in runs of equal size."""
    size = len(given) // _RUNS
    times_us: list[float] = []
    for run in range(_RUNS):
        batch = given[run * size : (run + 1) * size]
        start_ns = time.thread_time_ns()
        for raw in batch:
            work(raw)
        times_us.append((time.thread_time_ns() - start_ns) / 1e3 / size)
    return _summed(times_us)


def _run_us(work: Callable[[], object]) -> float:
    start_ns = time.thread_time_ns()
    for _ in range(_CALLS):
        work()
    return (time.thread_time_ns() - start_ns) / 1e3 / _CALLS


def _summed(times_us: list[float]) -> Cost:
    return Cost(median_us=statistics.median(times_us), range_us=(min(times_us), max(times_us)))
