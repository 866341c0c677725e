"""The file of a network: numpy's .npz without pickles, so that one from elsewhere can be opened without running it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bounded import parse_json
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.network.layers import ACTIVATION, Layers

LARGEST_BYTES = 8 * 1024 * 1024
"""No file is larger; a network of 64 and 64 takes 60 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFormat:
    """What tells the files of one room from those of another."""

    name: str
    """As it stands in the file."""
    version: int
    """Raised whenever an entry changes its meaning."""
    spoken: str
    """What a person calls it, for example "horizon policy"."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkEntries:
    """What stands in a file; nothing but the format's name and version is checked."""

    meta: dict[str, Any]
    arrays: dict[str, Array]

    def layers(self) -> Layers:
        """Weights and biases, as many as the file says.

        Raises:
            KeyError: One of them is missing.
            TypeError: Their count is no number.
        """
        count = self.meta["layers"]
        return tuple((self.arrays[f"weights_{i}"], self.arrays[f"biases_{i}"]) for i in range(count))


def write_network(
    path: str | Path,
    kind: NetworkFormat,
    meta: Mapping[str, object],
    *,
    mean: Array,
    scale: Array,
    layers: Layers,
    note: Mapping[str, object],
) -> Path:
    """Write a network whole or not at all: under another name first, then renamed.

    Args:
        path: Where to.
        kind: The format.
        meta: What the file says of itself, JSON-ready.
        mean: Typical input (n,).
        scale: Spread of the inputs (n,).
        layers: Weights and biases.
        note: Where the network comes from, JSON-ready.

    Raises:
        ConfigError: The file cannot be written there.
    """
    described = {"format": kind.name, "version": kind.version, **meta}
    described |= {"activation": ACTIVATION, "layers": len(layers), "note": note}
    arrays = {"meta": np.frombuffer(json.dumps(described).encode(), dtype=np.uint8), "mean": mean, "scale": scale}
    for i, (weights, biases) in enumerate(layers):
        arrays[f"weights_{i}"], arrays[f"biases_{i}"] = weights, biases
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise ConfigError("the policy cannot be written", given=f"{path} ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return path


def read_network(path: Path, kind: NetworkFormat) -> NetworkEntries:
    """Read a network; nothing in the file is run.

    Raises:
        ConfigError: The file is not there or too large, or is none of this format and version.
    """
    arrays = _arrays(path, kind)
    meta = _meta(arrays, path, kind)
    if meta.get("version") != kind.version:
        raise ConfigError(
            "the policy's file format has another version",
            given=f"{meta.get('version')} in {path}",
            allowed=kind.version,
            mend="train it again, or use the version of teletwin that wrote it",
        )
    return NetworkEntries(meta=meta, arrays=arrays)


def check_features(meta: Mapping[str, Any], path: Path, *, names: Sequence[str], version: int) -> None:
    """Refuse a network that sees other features than this version of teletwin makes.

    Raises:
        ConfigError: Its features have other names or another version.
    """
    given = meta.get("observation_version"), meta.get("observation_names")
    if given != (version, list(names)):
        raise ConfigError(
            "the policy sees other features",
            given=f"version {given[0]} in {path}",
            allowed=f"version {version}, {len(names)} features {names[0]} ... {names[-1]}",
            mend="train it again, or use the version of teletwin that wrote it",
        )


@contextlib.contextmanager
def understood(path: Path, kind: NetworkFormat) -> Iterator[None]:
    """Turn whatever goes wrong while entries are made sense of into one line that names the file.

    Raises:
        ConfigError: Something went wrong.
    """
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{path} cannot be used: {error}") from None
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise _no_network(path, kind, f"{type(error).__name__}: {error}") from None


def _arrays(path: Path, kind: NetworkFormat) -> dict[str, Array]:
    """The arrays of the file by name."""
    if not path.is_file():
        raise ConfigError("the policy is not there", given=path, allowed="a file that training wrote")
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise _too_large(path, size)
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > LARGEST_BYTES:
            raise _too_large(path, unpacked)
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except OSError as error:
        raise ConfigError("the policy cannot be read", given=f"{path} ({error.strerror or error})") from None
    except ConfigError:
        raise
    except Exception as error:
        # On damaged bytes numpy's and zipfile's parsers raise whatever they stumble over.
        raise _no_network(path, kind, str(error)) from None


def _meta(arrays: dict[str, Array], path: Path, kind: NetworkFormat) -> dict[str, Any]:
    """What the file says of itself."""
    try:
        meta = parse_json(arrays["meta"].tobytes())
    except (KeyError, ValueError):
        raise _no_network(path, kind, "without a description of itself") from None
    if not isinstance(meta, dict) or meta.get("format") != kind.name:
        raise _no_network(path, kind, "of another format")
    return meta


def _too_large(path: Path, size: int) -> ConfigError:
    return ConfigError(
        "the policy is too large",
        given=f"{path} with {size / 2**20:.1f} MiB",
        allowed=f"{LARGEST_BYTES // 2**20} MiB, packed or unpacked",
    )


def _no_network(path: Path, kind: NetworkFormat, why: str) -> ConfigError:
    why = " ".join(why.split())[:120]
    return ConfigError(
        f"the file is no {kind.spoken}", given=f"{path} ({why})", allowed="an .npz file that training wrote"
    )
