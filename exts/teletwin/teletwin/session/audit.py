"""A role's audit log: where it is written, and what its first line says.

Loops take `audit: Audit` and call it at what a person would ask about after an incident: who engaged, held, stopped,
took or gave control, which limits were asked for and refused, outages, faults. It never waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from teletwin.clock import Clock, boot_id, utc_text
from teletwin.jsonable import to_jsonable
from teletwin.recording.audit_log import AuditLog, open_audit_log
from teletwin.report.provenance import git_revision, package_versions
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.trail import Audit, no_audit

FOLDER = Path("runs/audit")
"""Where `teletwin run` writes audit logs when no file is named."""


def audit_path(chosen: str, role: str) -> str:
    """The file that an option's text stands for: a new one in runs/audit for 'auto', none (empty) for 'off'."""
    if chosen != "auto":
        return "" if chosen == "off" else chosen
    stamp = utc_text()[:19].replace("-", "").replace(":", "") + "Z"
    names = [FOLDER / f"{stamp}.jsonl", *(FOLDER / f"{stamp}-{k}.jsonl" for k in range(2, 1000))]
    return str(next((path for path in names if not role_file(path, role).exists()), names[0]))


def role_file(path: str | Path, role: str) -> Path:
    """The role's own file beside those of others: session.jsonl becomes session.operator.jsonl."""
    return Path(path).with_name(f"{Path(path).stem}.{role}{Path(path).suffix}")


def settings_digest(settings: object) -> str:
    """SHA-256 (hex) of settings, the same for the same values; tells whether two roles ran with one configuration."""
    return hashlib.sha256(json.dumps(to_jsonable(settings), sort_keys=True).encode()).hexdigest()


def audit_facts(cfg: RoleCfg) -> dict[str, object]:
    """What the first line says. The session's own settings hold no secrets; the role's do and stay out."""
    return {
        "role": cfg.role,
        "session": f"{cfg.session_id:014x}",
        "boot": boot_id(),
        "versions": package_versions(),
        "git": git_revision(),
        "settings": cfg.session,
        "settings_digest": settings_digest(cfg.session),
    }


@contextlib.contextmanager
def role_audit(cfg: RoleCfg, clock: Clock, *, tell: Callable[[str], object] = sys.stderr.write) -> Iterator[Audit]:
    """What the role notes by, until the end of the block; its last hash is told then. `no_audit` when it is off.

    Enter it before all else, so that it outlives what notes its end.

    Raises:
        RecordingError: The file is there already, or cannot be written.
    """
    if not cfg.audit_log:
        yield no_audit
        return
    path = role_file(cfg.audit_log, cfg.role)
    log = open_audit_log(path, facts=audit_facts(cfg), clock=clock)
    try:
        with log:
            yield log.add
    finally:
        tell(f"teletwin {cfg.role}: {closing_words(log, path)}\n")


def closing_words(log: AuditLog, path: Path) -> str:
    """What a role says at its end, so that the anchor can be noted where nobody who writes the file writes too."""
    lost = f", {log.lost_count} entries lost" if log.lost_count else ""
    return f"audit log {path}: {log.line_count} lines{lost}, anchor {log.head}"
