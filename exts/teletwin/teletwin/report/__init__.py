"""Numbers and plots of a session: the JSON report, tables for the terminal, figures as files."""

from __future__ import annotations

from teletwin.report.bench_rows import BenchRow
from teletwin.report.document import build_report, read_report, report_faults, write_report
from teletwin.report.provenance import git_revision, package_versions, platform_facts

__all__ = [
    "BenchRow",
    "build_report",
    "git_revision",
    "package_versions",
    "platform_facts",
    "read_report",
    "report_faults",
    "write_report",
]
