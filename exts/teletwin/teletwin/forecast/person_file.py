"""A person's habits in one small file: numpy's .npz without pickles, so that one from elsewhere runs nothing."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np

from teletwin.bounded import parse_json, read_bytes
from teletwin.errors import ConfigError, TooLargeError
from teletwin.forecast.habits import PersonHabits
from teletwin.geometry import Array

FORMAT = "teletwin-person"
VERSION = 1
"""Raised whenever a row changes its meaning."""
LARGEST_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ARRAYS = ("weights", "checks", "counts")


def person_path(name: str) -> Path:
    """Where a person's file lies: $XDG_DATA_HOME/teletwin/persons, else below ~/.local/share.

    Raises:
        ConfigError: The name could lead elsewhere.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "this cannot be a person's name",
            given=repr(name[:80]),
            allowed="1 ... 64 letters, digits, '.', '_', '-', the first a letter or digit",
        )
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "teletwin" / "persons" / f"{name}.npz"


def save_person(name: str, habits: PersonHabits) -> Path:
    """Write a person's file whole or not at all.

    Raises:
        ConfigError: The name or the folder cannot be used.
    """
    path = person_path(name)
    meta = np.frombuffer(json.dumps({"format": FORMAT, "version": VERSION}).encode(), dtype=np.uint8)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with partial.open("wb") as stream:
            np.savez_compressed(
                stream, allow_pickle=False, meta=meta, **{each: getattr(habits, each) for each in _ARRAYS}
            )
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise ConfigError("the person's file cannot be written", given=f"{path} ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return path


def load_person(name: str) -> PersonHabits | None:
    """What is kept of a person; None where there is no file yet. Nothing in the file is run.

    Raises:
        ConfigError: The name cannot be used, or the file is no person's or one of another version.
    """
    path = person_path(name)
    if not path.exists():
        return None
    try:
        arrays = _arrays(path)
        meta = parse_json(arrays["meta"].tobytes(), source=path)
        if not isinstance(meta, dict) or meta.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        if meta.get("version") != VERSION:
            raise ValueError(f"version {meta.get('version')}, not {VERSION}")
        return PersonHabits(**{each: arrays[each] for each in _ARRAYS})
    except Exception as error:
        # On damaged bytes numpy's and zipfile's parsers raise whatever they stumble over.
        why = " ".join(str(error).split())[:120]
        raise ConfigError(
            "not a person's file", given=f"{path} ({why})", mend="remove it, and the person starts anew"
        ) from None


def known_person(name: str) -> PersonHabits:
    """What is kept of a person.

    Raises:
        ConfigError: Nothing is, or not what can be used.
    """
    person = load_person(name)
    if person is None:
        raise ConfigError("nothing is kept of this person", given=name, mend="a session with --person makes the file")
    return person


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file, no larger than a person's ever is."""
    if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
        raise TooLargeError("no file, or too large", given=path, allowed=f"{LARGEST_BYTES} bytes")
    data = read_bytes(path)
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(each.file_size for each in packed.infolist()) > LARGEST_BYTES:
            raise TooLargeError("too large unpacked", given=path, allowed=f"{LARGEST_BYTES} bytes")
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}
