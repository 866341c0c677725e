"""The viewers' bench: a slow link that passes what it should, and rows that judge growth."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from teletwin.bench.drag import Notes, Seen
from teletwin.bench.viewers.rows import rows_of_viewers
from teletwin.bench.viewers.slow_link import slow_link
from teletwin.bench.viewers.study import Share, ViewersFigures
from teletwin.cli.bench_viewers import ViewersOptions
from teletwin.errors import ConfigError


def share(mtp_ms: float) -> Share:
    made = Share()
    for turn in range(2):
        before = Seen(t_s=10.0 * turn, counters={"twin_ticks": 5000 * turn}, stream={"drawn": 300 * turn})
        counters = {"twin_ticks": 5000 * turn + 5000, "twin_overruns": 25, "arm_ticks": 5000}
        after = Seen(t_s=10.0 * turn + 10.0, counters=counters, stream={"drawn": 300 * turn + 300})
        made.add(before, after, Notes(mtp_ms=[mtp_ms] * 50, aol_ms=[12.0], control_error_mm=[]))
    return made


@pytest.mark.parametrize(("watched_ms", "passed"), [(47.0, True), (49.0, False)])
def test_the_operators_latency_may_grow_by_a_fifth(watched_ms, passed):
    observer = {"rate_hz": 30.0, "small_share": 0.0, "kbps": 1500.0, "age_p50_ms": 3.0, "age_p95_ms": 5.0}
    slow = observer | {"rate_hz": 5.0, "small_share": 1.0}
    figures = ViewersFigures(
        alone=share(40.0), watched=share(watched_ms), observers=[[observer, observer, slow]] * 2, slow_kbps=300.0
    )
    rows = {row.name: row for row in rows_of_viewers(figures)}
    growth = rows["growth of the operator's motion to photon p95, 4 viewers"]
    assert growth.passed is passed
    assert growth.value == pytest.approx(100.0 * (watched_ms / 40.0 - 1.0))
    assert rows["operator's pictures"].value == pytest.approx(30.0)
    assert rows["twin ticks started > 2 ms late, 4 viewers"].value == pytest.approx(0.5)
    assert rows["control error p95, 4 viewers"].value is None
    assert rows["pictures of the slow observer"].value == pytest.approx(5.0)


@pytest.mark.live
def test_a_slow_link_passes_its_rate_and_keeps_order():
    sent = bytes(range(256)) * 160
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(5) == b"hello"
                connection.sendall(sent)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        with (
            slow_link(server.getsockname()[1], rate_bps=400_000.0) as port,
            socket.create_connection(("127.0.0.1", port), timeout=5.0) as client,
        ):
            client.sendall(b"hello")
            start_s, got = time.monotonic(), b""
            while piece := client.recv(4096):
                got += piece
            took_s = time.monotonic() - start_s
        serving.join(2.0)
    assert got == sent
    assert 0.8 <= took_s / (8 * len(sent) / 400_000.0) < 3.0


def test_options_that_cannot_be_measured_are_refused():
    for options in ({"seconds": 1.0}, {"observers": 1}, {"slow_kbps": 1.0}):
        with pytest.raises(ConfigError, match="allowed"):
            ViewersOptions(**options)
