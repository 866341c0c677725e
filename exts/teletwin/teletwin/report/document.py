"""The JSON report: what was measured, with all that is needed to measure it again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.jsonable import to_jsonable
from teletwin.report.provenance import git_revision, package_versions, platform_facts

FORMAT = "teletwin-report"
FORMAT_VERSION = 1
SECTIONS = {
    "format": str,
    "format_version": int,
    "kind": str,
    "seed": int | None,
    "created_utc": str | None,
    "configuration": dict,
    "versions": dict,
    "git": dict | None,
    "platform": dict,
    "results": dict,
}
"""Top-level keys and their types."""
_UNIT = re.compile(
    r"(^|_)(ns|us|ms|s|m|mm|rad|deg|m_s|m_s2|mm_s|rad_s|rad_s2|rad_s3|hz|bps|kbps|mbps|bytes|kb|mb|px|db|percent"
    r"|counts?|counters|ratio|share|seed|port|version|id|index|slot)$"
)
"""Endings of a key that say in what it is measured; those of the second line have no unit."""


def build_report(
    kind: str, *, results: Mapping[str, Any], configuration: object, seed: int | None, created_utc: str | None = None
) -> dict[str, Any]:
    """Put together the report of a run.

    Args:
        kind: Which command measured, for example 'demo'.
        results: What was measured; the unit stands in each key or in one above it ('mtp_ms': {'p50': 31.0}).
        configuration: The resolved settings, a dataclass or a mapping.
        seed: Seed of every random draw; None where nothing was drawn.
        created_utc: Wall-clock time as ISO 8601 text, from the process entry point.
    """
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "seed": seed,
        "created_utc": created_utc,
        "configuration": to_jsonable(configuration),
        "versions": package_versions(),
        "git": git_revision(),
        "platform": platform_facts(),
        "results": to_jsonable(results),
    }


def report_faults(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a report, in words: sections missing, or numbers whose unit nobody can tell."""
    faults = [f"section {name!r} is missing" for name in SECTIONS if name not in document]
    for name, kind in SECTIONS.items():
        if name in document and not isinstance(document[name], kind):
            faults.append(f"section {name!r} is a {type(document[name]).__name__}")
    if document.get("format") != FORMAT:
        faults.append(f"format is {document.get('format')!r}, not {FORMAT!r}")
    results = document.get("results")
    if isinstance(results, Mapping):
        faults += [f"results.{'.'.join(path)} has no unit in its name" for path in _numbers_without_unit(results)]
    return faults


def _numbers_without_unit(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(values, Mapping):
        for key, item in values.items():
            yield from _numbers_without_unit(item, (*path, str(key)))
    elif isinstance(values, list):
        for item in values[:1]:
            yield from _numbers_without_unit(item, path)
    elif isinstance(values, int | float) and not isinstance(values, bool) and not any(map(_has_unit, path)):
        yield path


def _has_unit(key: str) -> bool:
    return _UNIT.search(key) is not None


def write_report(document: Mapping[str, Any], path: str | Path) -> Path:
    """Write the report whole or not at all; folders above it are made.

    Raises:
        ConfigError: It cannot be written there.
    """
    path = Path(path)
    text = json.dumps(to_jsonable(document), indent=2, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace_with(path, text)
    except OSError as error:
        raise ConfigError(
            "the report cannot be written",
            given=path,
            allowed="a file in a folder that can be written",
            mend=error.strerror or str(error),
        ) from error
    return path


def _replace_with(path: Path, text: str) -> None:
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def read_report(path: str | Path) -> dict[str, Any]:
    """Read a report.

    Raises:
        ConfigError: There is none, or it is something else.
    """
    path = Path(path)
    try:
        document = read_json(path)
    except (OSError, ValueError) as error:
        raise ConfigError("the report cannot be read", given=path, mend=str(error)) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConfigError("this file is not a report", given=path, allowed="what --report wrote")
    return document
