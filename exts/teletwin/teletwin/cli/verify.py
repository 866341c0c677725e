"""`teletwin verify`: whether an audit log is what its role wrote.

The chain of hashes shows lines that were changed, removed, inserted, reordered or cut off. It has no key: a whole log
that was written anew is found only by its anchor, the hash that the role printed at its end, if it was noted elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError
from teletwin.recording.audit_check import check_audit_log


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """Options of `teletwin verify`."""

    log: tyro.conf.Positional[str]
    """An audit log (.jsonl)."""
    anchor: str = ""
    """The hash that the role printed at its end, or that of any earlier line, as it was noted elsewhere."""
    report: str = ""
    """Write what was found to this JSON file."""

    def __post_init__(self) -> None:
        """Refuse an anchor that is no hash."""
        if self.anchor and not re.fullmatch(r"[0-9a-fA-F]{64}", self.anchor):
            raise ConfigError("the anchor is no hash", given=self.anchor, allowed="64 hexadecimal digits")


def main(arguments: list[str]) -> int:
    """Print one line; 0 when the log is sound, 1 when it is not."""
    options = read_options(VerifyOptions, arguments, command="verify", description=__doc__ or "")
    verdict = check_audit_log(Path(options.log), anchor=options.anchor.lower())
    print(f"{options.log}: {verdict.text}")
    if options.report:
        from teletwin.report import build_report, write_report

        results = asdict(verdict)
        document = build_report("verify", results=results, configuration=options, seed=None, created_utc=utc_text())
        write_report(document, options.report)
    return 0 if verdict.is_sound else 1
