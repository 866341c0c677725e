"""Write the bill of materials of a release: what each lock holds, as CycloneDX JSON, one file for each lock.

Made by cyclonedx-py (the package cyclonedx-bom, extra `dev`) from the locks and the recorded hashes alone; nothing is
asked of an index.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from bootstrap import LOCKS, ROOT
from hashes import hashed_lines, pinned_lines, recorded_hashes

SPEC_VERSION = "1.6"
"""Of CycloneDX."""


class SbomError(Exception):
    """One clear line for the person at the terminal."""


def main() -> None:
    """Write every bill, say where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the files (default: dist)")
    try:
        for path in write_bills(parser.parse_args().out):
            print(path)
    except SbomError as error:
        sys.exit(f"sbom: {error}")


def write_bills(out: Path) -> list[Path]:
    """One file for each lock; their paths.

    Raises:
        SbomError: The tool is missing or failed, a file cannot be written, or a bill lacks a locked package.
    """
    version = project_version()
    try:
        out.mkdir(parents=True, exist_ok=True)
        return [_write_bill(lock, out / f"teletwin-{version}-{name}.cdx.json", version) for name, lock in LOCKS.items()]
    except OSError as error:
        raise SbomError(f"{out} cannot be written: {error.strerror or error}") from error


def project_version() -> str:
    """The version, from its home."""
    extension = tomllib.loads((ROOT / "exts/teletwin/config/extension.toml").read_text(encoding="utf-8"))
    return str(extension["package"]["version"])


def _write_bill(lock: Path, path: Path, version: str) -> Path:
    bill = _bill(lock)
    bill["metadata"]["component"]["version"] = version  # its home is not pyproject.toml, where the tool looks
    pins = pinned_lines(lock)
    listed = {f"{each['name']}=={each['version']}" for each in bill["components"]}
    missing = [pin for pin in pins if pin not in listed]
    if missing:
        raise SbomError(f"the bill of {lock.name} lacks {', '.join(missing[:5])}")
    path.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _bill(lock: Path) -> dict[str, Any]:
    """The tool's own bill; it validates what it writes."""
    if importlib.util.find_spec("cyclonedx_py") is None:
        raise SbomError("cyclonedx-bom is not installed; run: pip install 'teletwin[dev]'")
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "--validate", "-o", "-"]
    command += ["--output-reproducible", "--sv", SPEC_VERSION, "--pyproject", str(ROOT / "pyproject.toml"), "-"]
    recorded = recorded_hashes()
    lines = hashed_lines({pin: recorded.get(pin, []) for pin in pinned_lines(lock)})
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SbomError(f"cyclonedx-py failed on {lock.name}: {reason}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
