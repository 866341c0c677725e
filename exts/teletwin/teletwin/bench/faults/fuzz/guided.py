"""Coverage-guided inputs by atheris (the extra `[fuzz]`): each reader in a process of its own.

`python -m teletwin.bench.faults.fuzz.guided READER RUNS SEED FILE` is that process; it writes its counts to FILE.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from teletwin.errors import MissingPartError, TeletwinError

_WRITTEN_EVERY = 1000
_MEMORY_BYTES = 6 << 30


def guide_all(count: int, *, seed: int = 0, tell: Callable[[int], None] = lambda _: None) -> dict[str, dict[str, Any]]:
    """Divide `count` inputs among all readers; what came of them, by reader.

    Raises:
        MissingPartError: atheris is not installed.
        TeletwinError: A reader's process ended without its counts.
    """
    _atheris()
    from teletwin.bench.faults.fuzz.count import all_targets

    with contextlib.ExitStack() as stack:
        shares = {target.name: target.share for target in all_targets(stack)}
    results: dict[str, dict[str, Any]] = {}
    fed = 0
    for name, share in shares.items():
        part = max(round(count * share / sum(shares.values())), 10)
        results[name] = _guide(name, part, seed)
        fed += part
        tell(fed)
    return results


def _atheris() -> Any:
    try:
        return importlib.import_module("atheris")
    except ImportError as error:
        raise MissingPartError("atheris is not installed", mend="pip install 'teletwin[fuzz]'") from error


def _guide(name: str, runs: int, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="teletwin-guided-") as folder:
        out = Path(folder) / "counts.json"
        command = [sys.executable, "-m", "teletwin.bench.faults.fuzz.guided", name, str(runs), str(seed), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        if not out.exists():
            raise TeletwinError(f"the fuzzing of '{name}' ended at once", given=done.stderr[-300:])
        counts: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        if counts["inputs"] < runs:  # the process itself broke: a crash that no Python code could catch
            counts["crashes"] += 1
            counts["crash_kinds"][f"exit status {done.returncode}"] = 1
            counts["traces"].append(done.stderr[-1000:])
        return counts


def main(arguments: list[str]) -> None:
    """Fuzz one reader; does not return."""
    name, runs, seed, out = arguments[0], int(arguments[1]), int(arguments[2]), Path(arguments[3])
    atheris = _atheris()
    with atheris.instrument_imports(include=["teletwin", "mcap", "json"]):
        from teletwin.bench.faults.fuzz.count import Counts, all_targets
    logging.getLogger("teletwin").setLevel(logging.ERROR)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    stack = contextlib.ExitStack()
    with atheris.instrument_imports(include=["teletwin", "mcap"]):
        target = next(each for each in all_targets(stack) if each.name == name)
    corpus = Path(out.parent / "corpus")
    corpus.mkdir()
    for k, good in enumerate(target.corpus[:200]):
        (corpus / str(k)).write_bytes(good)
    counts = Counts(target)

    def one(data: bytes) -> None:
        counts.feed(data)
        if counts.fed % _WRITTEN_EVERY == 0 or counts.fed >= runs:
            out.write_text(json.dumps(counts.result()), encoding="utf-8")

    options = [f"-runs={runs}", f"-seed={seed + 1}", "-max_len=65536", "-verbosity=0", "-rss_limit_mb=0"]
    atheris.Setup(["teletwin", *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
