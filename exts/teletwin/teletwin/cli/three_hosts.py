"""The loop on three hosts of its own: network namespaces on this machine, joined by an emulated network alone.

Examples, as root where namespaces are made:

    scripts/three_hosts.py --delay-ms 50 --jitter-ms 5
    scripts/three_hosts.py --script wifi-handover --seconds 45 -- --forecaster combined
    scripts/three_hosts.py --page --seconds 0 --delay-ms 80
    scripts/three_hosts.py --sweep --report sweep.json --figure sweep.png
    scripts/three_hosts.py --sweep --virtual --figure sweep.png
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from teletwin.bench.three_hosts.changes import load_script
from teletwin.bench.three_hosts.hops import hops_of
from teletwin.bench.three_hosts.live import LiveCfg, ThreeHosts
from teletwin.bench.three_hosts.sweep import MODES, Measure, saturation_ms, sweep
from teletwin.bench.three_hosts.virtual import measure_virtual
from teletwin.cli.three_hosts_options import ThreeHostsOptions, read, session_of
from teletwin.clock import utc_text
from teletwin.errors import SaidError, TeletwinError
from teletwin.session.launch import INTERRUPTED, REFUSED
from teletwin.session.warm import warm_up


def main(arguments: Sequence[str]) -> int:
    """Measure, show, write what was asked for; the exit status is 0 when all of it happened."""
    options, rest = read(arguments)
    with _measure(options, rest) as measure:
        if not options.sweep:
            return _single(options, measure(options.network.delay_ms, "default"))
        points, failures = sweep(measure, delays_ms=options.delays_ms, modes=options.modes)
    _show_sweep(options, points)
    for text in failures:
        print(f"teletwin three hosts: {text}", file=sys.stderr)
    return 1 if failures else 0


@contextlib.contextmanager
def _measure(options: ThreeHostsOptions, rest: list[str]) -> Iterator[Measure]:
    """What measures one session, live or virtual."""
    script, lies = load_script(options.script), options.lies()

    def hops(delay_ms: float) -> Any:
        network = options.network
        return hops_of(dataclasses.replace(network, delay_ms=delay_ms) if options.sweep else network)

    def virtually(delay_ms: float, mode: str) -> dict[str, Any]:
        session = session_of([*rest, *(MODES[mode] if options.sweep else ())])
        told = {"seconds": options.seconds, "script": script, "lies": lies, "seed": options.seed}
        return measure_virtual(session, hops(delay_ms), **told)

    if options.virtual:
        yield virtually
        return
    session = session_of(rest)
    warm_up(_say, forecaster=session.forecaster, policy=session.horizon.policy)
    three = ThreeHosts(emulator=options.emulator, seed=options.seed, hops=hops(0.0), script=script)
    with _interrupted_once(), three:

        def live(delay_ms: float, mode: str) -> dict[str, Any]:
            arguments = [*rest, *(MODES[mode] if options.sweep else ())]
            asked = hops(delay_ms)
            delays = ", ".join(f"{hop} {settings.delay_ms:g} ms" for hop, settings in asked.items())
            _say(f"{three.emulator.name}: {delays}{f'; {mode}' if options.sweep else ''}")
            cfg = LiveCfg(
                hops=asked,
                script=script,
                seconds=options.seconds,
                arguments=arguments,
                lies=lies,
                page_port=options.page_port if options.page else 0,
            )
            return three.measure(cfg, _say)

        yield live


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the block; further ones do not disturb the cleaning up."""

    def end(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _single(options: ThreeHostsOptions, results: dict[str, Any]) -> int:
    """Tables of one session."""
    from teletwin.report.table import report_tables
    from teletwin.report.text_table import show_table

    for table in report_tables({"results": results}):
        show_table(table)
    _write(options, "three_hosts", results)
    return 0


def _show_sweep(options: ThreeHostsOptions, points: list[dict[str, Any]]) -> None:
    """Table and figure of the sweep."""
    from teletwin.report.latency_sweep import draw_latency_sweep, sweep_table
    from teletwin.report.text_table import show_table

    show_table(sweep_table(points))
    where = "virtual clock" if options.virtual else "live, three network namespaces"
    found = {mode: saturation_ms(points, mode) for mode in options.modes}
    saturations_ms = {mode: delay_ms for mode, delay_ms in found.items() if delay_ms is not None}
    for mode, delay_ms in saturations_ms.items():
        _say(f"{mode}: the total horizon comes to its end at {delay_ms:.0f} ms each way and hop")
    if options.figure:
        note = f"{where}, {options.seconds:g} s each"
        draw_latency_sweep(options.figure, points, saturations_ms=saturations_ms, note=note)
    _write(options, "latency_sweep", {"points": points, "saturation_delay_ms": saturations_ms})


def _write(options: ThreeHostsOptions, kind: str, results: dict[str, Any]) -> None:
    """The JSON report, where asked for."""
    if options.report:
        from teletwin.report.document import build_report, write_report

        utc = utc_text()
        document = build_report(kind, results=results, configuration=options, seed=options.seed, created_utc=utc)
        write_report(document, options.report)


def _say(text: str) -> None:
    """One line for the person at the terminal."""
    print(f"teletwin: {text}", flush=True)


def run(arguments: Sequence[str]) -> int:
    """`main` with its errors in one line."""
    try:
        return main(arguments)
    except SaidError:
        return REFUSED
    except TeletwinError as error:
        print(f"teletwin three hosts: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    status = run(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # native threads must not delay the end
