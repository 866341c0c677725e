"""Coverage-guided inputs by atheris (the extra `[fuzz]`): each reader in a process of its own.

`python -m teletwin.bench.faults.fuzz.guided JSON` is that process; it feeds one reader as a `Guidance` says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import json
import logging
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teletwin.clock import NS_PER_S, SystemClock
from teletwin.errors import ConfigError, MissingPartError, TeletwinError

_WRITTEN_EVERY, _WRITTEN_EVERY_S = 1000, 1.0
_MEMORY_BYTES = 6 << 30
_HANG_S = 30
"""One input that takes a reader longer than this [s] counts as a crash."""
_GRACE_S = 120.0
"""A process that goes on for so long [s] after its time is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What the process of one reader is told."""

    reader: str
    out: str
    """File for its counts (JSON)."""
    runs: int = 0
    """Inputs; 0 for as many as the time allows."""
    seconds: int = 0
    """Time [s]; 0 for as long as the inputs take."""
    seed: int = 0
    corpus: str
    """Folder of inputs that reached something new; read at the start, added to."""
    crashes: str
    """Folder of inputs that crashed the reader; read at the start, so that a mended crash is tried again."""


def guide_all(count: int, *, seed: int = 0, tell: Callable[[int], None] = lambda _: None) -> dict[str, dict[str, Any]]:
    """Divide `count` inputs among all readers; what came of them, by reader. No input is kept.

    Raises:
        MissingPartError: atheris is not installed.
        TeletwinError: A reader's process ended without its counts.
    """
    _atheris()
    shares = _shares()
    results: dict[str, dict[str, Any]] = {}
    fed = 0
    for name, share in shares.items():
        part = max(round(count * share / sum(shares.values())), 10)
        with tempfile.TemporaryDirectory(prefix="teletwin-guided-") as folder:
            results[name] = _guide(_guidance(name, Path(folder), Path(folder), runs=part, seed=seed))
        fed += part
        tell(fed)
    return results


def guide_for(
    seconds: float,
    *,
    corpus: Path,
    crashes: Path,
    only: Sequence[str] = (),
    seed: int = 0,
    tell: Callable[[int], None] = lambda _: None,
) -> dict[str, dict[str, Any]]:
    """Feed every reader, or those named, for an equal part of so many seconds; inputs are kept in the two folders.

    `tell` is told how much is done [%].

    Raises:
        MissingPartError: atheris is not installed.
        ConfigError: There is no such reader, or no folder can be made.
        TeletwinError: A reader's process ended without its counts.
    """
    _atheris()
    names = [name for name in _shares() if not only or name in only]
    if len(names) < len(only):
        raise ConfigError("unknown reader", given=", ".join(only), allowed=", ".join(_shares()))
    part_s = max(round(seconds / len(names)), 1)
    results: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(names, 1):
        results[name] = _guide(_guidance(name, corpus, crashes, seconds=part_s, seed=seed))
        tell(round(100 * number / len(names)))
    return results


def _shares() -> dict[str, float]:
    from teletwin.bench.faults.fuzz.count import all_targets

    with contextlib.ExitStack() as stack:
        return {target.name: target.share for target in all_targets(stack)}


def _guidance(name: str, corpus: Path, crashes: Path, *, runs: int = 0, seconds: int = 0, seed: int = 0) -> Guidance:
    """With folders of the reader's own, made if they are not there."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)
    folders = {"corpus": corpus.resolve() / plain / "corpus", "crashes": crashes.resolve() / plain / "crashes"}
    for folder in folders.values():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError("a folder for inputs cannot be made", given=folder, mend=str(error)) from error
    told = {key: str(folder) for key, folder in folders.items()}
    return Guidance(reader=name, out="", runs=runs, seconds=seconds, seed=seed, **told)


def _atheris() -> Any:
    try:
        return importlib.import_module("atheris")
    except ImportError as error:
        raise MissingPartError("atheris is not installed", mend="pip install 'teletwin[fuzz]'") from error


def _guide(guidance: Guidance) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="teletwin-guided-") as folder:
        out = Path(folder) / "counts.json"
        told = json.dumps(dataclasses.asdict(guidance) | {"out": str(out)})
        command = [sys.executable, "-m", "teletwin.bench.faults.fuzz.guided", told]
        limit_s = guidance.seconds + _GRACE_S if guidance.seconds else None
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, timeout=limit_s)
            status, told = done.returncode, done.stderr
        except subprocess.TimeoutExpired:
            status, told = 1, "it did not end in its time"
        if not out.exists():
            raise TeletwinError(f"the fuzzing of '{guidance.reader}' ended at once", given=told[-300:])
        counts: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        if counts["inputs"] < guidance.runs or (guidance.seconds and status):
            counts["crashes"] += 1  # the process itself broke: a crash that no Python code could catch
            counts["crash_kinds"][f"exit status {status}"] = 1
            counts["traces"].append(told[-1000:])
        return counts


def main(arguments: list[str]) -> None:
    """Fuzz one reader; does not return."""
    guidance = Guidance(**json.loads(arguments[0]))
    atheris = _atheris()
    with atheris.instrument_imports(include=["teletwin", "mcap", "json"]):
        from teletwin.bench.faults.fuzz.count import Counts, all_targets
    logging.getLogger("teletwin").setLevel(logging.ERROR)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    stack = contextlib.ExitStack()
    with atheris.instrument_imports(include=["teletwin", "mcap"]):
        target = next(each for each in all_targets(stack) if each.name == guidance.reader)
    seeds = Path("seeds")
    seeds.mkdir()
    for k, good in enumerate(target.corpus[:200]):
        (seeds / str(k)).write_bytes(good)
    counts, clock = Counts(target), SystemClock()
    written_ns = 0

    def one(data: bytes) -> None:
        nonlocal written_ns
        is_new_crash = counts.feed(data)
        if is_new_crash:
            (Path(guidance.crashes) / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        late = clock.now_ns() - written_ns > _WRITTEN_EVERY_S * NS_PER_S
        if is_new_crash or late or counts.fed % _WRITTEN_EVERY == 0 or counts.fed == guidance.runs:
            written_ns = clock.now_ns()
            Path(guidance.out).write_text(json.dumps(counts.result()), encoding="utf-8")

    atheris.Setup(["teletwin", *_options(guidance), guidance.corpus, str(seeds.resolve()), guidance.crashes], one)
    atheris.Fuzz()


def _options(guidance: Guidance) -> list[str]:
    """Options of libFuzzer."""
    common = [f"-seed={guidance.seed + 1}", "-max_len=65536", "-verbosity=0", "-rss_limit_mb=0"]
    until = [f"-runs={guidance.runs}"] if guidance.runs else [f"-max_total_time={guidance.seconds}"]
    return [*common, *until, f"-timeout={_HANG_S}", f"-artifact_prefix={guidance.crashes}/"]


if __name__ == "__main__":
    main(sys.argv[1:])
