from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.messages import LinkSettings
from teletwin.report import (
    BenchRow,
    build_report,
    git_revision,
    package_versions,
    read_report,
    report_faults,
    write_report,
)
from teletwin.report.bench_rows import figure
from teletwin.report.figures import save_figures
from teletwin.report.table import bench_table, report_tables
from teletwin.report.text_table import TextTable, show_table

RESULTS = {
    "mtp_ms": {"p50": 31.25, "p95": 44.0, "p99": float("nan"), "max": 61.0},
    "control": {"rmse_m": np.float64(0.0041), "rmse_rad": 0.02, "shadow_rmse_m": 0.0123},
    "counters": {"stale": 3, "late": 0},
    "frame_rate_hz": 29.9,
    "browser": None,
    "is_paper_mode": False,
    "series": {
        "t_s": [0.0, 1.0, 2.0],
        "control_error_mm": [4.0, None, 3.0],
        "control_error_shadow_mm": [12.0, 13.0, 11.0],
        "horizon_control_ms": [80.0, 90.0, 85.0],
    },
    "paths_ms": {"control": {"sense": 10.0, "uplink": 60.0}, "display": {"sense": 10.0, "draw": None}},
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    link: LinkSettings
    path: Path


def example() -> dict[str, object]:
    configuration = Settings(link=LinkSettings(delay_ms=60.0), path=Path("a.tum"))
    return build_report("demo", results=RESULTS, configuration=configuration, seed=7)


def test_a_report_says_how_to_measure_it_again() -> None:
    report = example()
    assert report_faults(report) == []
    assert report["seed"] == 7
    assert report["configuration"] == {
        "link": {
            "delay_ms": 60.0,
            "jitter_ms": 0.0,
            "loss": 0.0,
            "duplication": 0.0,
            "reordering": 0.0,
            "rate_mbps": 0.0,
            "burst_ms": 0.0,
        },
        "path": "a.tum",
    }
    assert report["versions"]["numpy"] == np.__version__  # type: ignore[index]
    assert report["platform"]["core_count"]  # type: ignore[index]


def test_a_written_report_comes_back_and_has_null_for_what_is_not_a_number(tmp_path: Path) -> None:
    path = write_report(example(), tmp_path / "deep" / "out.json")
    assert read_report(path)["results"]["mtp_ms"]["p99"] is None
    assert "NaN" not in path.read_text()
    assert [each.name for each in path.parent.iterdir()] == ["out.json"]  # nothing temporary stays


def test_a_number_without_a_unit_in_its_name_is_named() -> None:
    report = build_report("demo", results={"speed": 3.0, "good_ms": 1, "a": {"b": 2}}, configuration={}, seed=None)
    assert report_faults(report) == ["results.speed has no unit in its name", "results.a.b has no unit in its name"]


def test_missing_sections_are_named() -> None:
    assert report_faults({"format": "x", "results": 3})[0] == "section 'format_version' is missing"


@pytest.mark.parametrize("target", ["file/out.json", "folder"])
def test_a_place_that_cannot_be_written_gives_one_clear_line(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=r"report cannot be written; given: .*; allowed: a file in a folder"):
        write_report(example(), tmp_path / target)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"results": {}}))
    with pytest.raises(ConfigError, match="not a report"):
        read_report(tmp_path / "a.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_report(tmp_path / "none.json")


def test_versions_name_what_is_not_installed_with_null() -> None:
    versions = package_versions()
    assert versions["python"]
    assert set(versions) > {"teletwin", "mujoco", "pin-pink"}


def test_outside_a_checkout_there_is_no_revision(tmp_path: Path) -> None:
    assert git_revision(tmp_path) is None


def test_tables_show_every_figure_once() -> None:
    text = shown(*report_tables(example()), width=120)
    assert text.count("mtp_ms") == 1
    assert "31.2" in text
    assert "control.rmse_m" in text
    assert "series" not in text
    assert "stale 3" in text
    assert "late" not in text  # it stayed at zero


def test_a_bench_row_knows_whether_it_meets_its_bar() -> None:
    row = BenchRow(name="step", unit="µs", value=8.0, bar=10.0, beside={"mink": 190.0, "pink": None})
    assert row.passed
    assert not BenchRow(name="step", unit="µs", value=12.0, bar=10.0).passed
    assert BenchRow(name="rate", unit="Hz", value=30.0, bar=29.0, larger_is_better=True).passed
    assert BenchRow(name="step", unit="µs", value=None, bar=10.0).passed is None
    assert "| step | 8 µs | ≤ 10 µs | met | mink 190, pink – |  |" in bench_table([row]).markdown()
    assert "not met" not in shown(bench_table([row]), width=120)


@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
def test_a_table_loses_nothing_in_a_terminal_of_any_width(width):
    headings = ("method", "over best static", "late [ms]", "note")
    name = "control_rmse_feed_forward_only.position_m"
    rows = [[name[:18], "+154 ± 19 (+5.2 %)", "4.4", "kept [bold] as it is"], ["rule", "–", "12", ""]]
    text = "".join(shown(TextTable(title="study", headings=headings, rows=rows), width=width).split())
    for told in (*headings[1:], *rows[0], *rows[1][:3]):
        assert all(word in text for word in told.split()), told
    text = shown(TextTable(headings=["", ""], rows=[[name, "1, 2, 3, 4, 5"]]), width=80)
    assert name in text
    assert "…" not in text


def shown(*tables: TextTable, width: int) -> str:
    """What stands in a terminal."""
    from rich.console import Console

    console = Console(width=width, record=True, file=io.StringIO())
    for table in tables:
        show_table(table, console)
    return console.export_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (31.25, "31.2"),
        (123456.0, "123456"),
        (None, "–"),
        (math.inf, "–"),
        (2e-9, "2.00e-09"),
    ],
)
def test_figures_read_with_three_significant_digits(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_the_figures_of_a_report_are_drawn_without_a_screen(tmp_path: Path) -> None:
    paths = save_figures(example(), tmp_path / "figures")
    assert [each.name for each in paths] == ["control_error.png", "horizons.png", "latency.png"]
    assert all(each.read_bytes().startswith(b"\x89PNG") for each in paths)


def test_a_report_without_series_draws_nothing(tmp_path: Path) -> None:
    assert save_figures(build_report("x", results={}, configuration={}, seed=None), tmp_path) == []
