"""The study's figures with their bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from teletwin.bench.limits_study.measures import ACCELERATION_RAD_S2
from teletwin.bench.limits_study.study import Tally
from teletwin.report.bench_rows import BenchRow


def study_rows(title: str, tallies: Mapping[str, Tally]) -> Iterator[BenchRow]:
    """One group of runs: contacts and violations, all and by kind; smallest clearance; largest measures."""
    every = list(tallies.values())
    runs = sum(tally.runs for tally in every)
    without = sum(tally.runs_without for tally in every)
    beside = {f"same hands, bodies not kept clear, of {without}": float(sum(t.contacts_without for t in every))}
    yield BenchRow(
        name=f"{title}: runs with a contact",
        unit=f"of {runs}",
        value=float(sum(tally.contacts for tally in every)),
        bar=0.0,
        beside=beside if without else {},
        note="exact meshes",
    )
    for name in dict.fromkeys(name for tally in every for name in tally.violations):
        value = float(sum(tally.violations.get(name, 0) for tally in every))
        yield BenchRow(name=f"{title}: runs that break {name}", unit=f"of {runs}", value=value, bar=0.0)
    nearest = min(every, key=lambda tally: tally.smallest_m)
    yield BenchRow(
        name=f"{title}: smallest clearance of the meshes",
        unit="mm",
        value=1e3 * nearest.smallest_m,
        larger_is_better=True,
        note=nearest.smallest_pair,
    )
    for label, name, unit, bar in (
        ("peak acceleration", "acceleration", "rad/s^2", ACCELERATION_RAD_S2),
        ("peak jerk", "jerk", "of the limit", None),
        ("fastest body", "body_speed", "of its cap", None),
        ("reversals of a joint", "reversals", "a second", None),
    ):
        value = max(tally.most[name] for tally in every)
        yield BenchRow(name=f"{title}: {label}", unit=unit, value=value, bar=bar)


def kind_rows(title: str, tallies: Mapping[str, Tally]) -> Iterator[BenchRow]:
    """Each kind's contacts, and how near it came."""
    for name, tally in tallies.items():
        if tally.runs:
            yield BenchRow(
                name=f"{title}, {name}: contacts and violations",
                unit=f"of {tally.runs}",
                value=float(tally.contacts + sum(tally.violations.values())),
                bar=0.0,
                beside={"smallest clearance [mm]": 1e3 * tally.smallest_m, "limited [share]": tally.limited_share},
                note=tally.smallest_pair,
            )
