"""Weights fitted beforehand, kept as a small JSON file that cannot run anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS

GROUPS: dict[str, slice] = {"position": slice(0, 3), "orientation": slice(3, 7)}
"""Channels of a pose that share weights."""
FORMAT = "teletwin-pooled-1"
WEIGHT_MAX = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledModel:
    """One set of weights for every hand; groups are position and orientation."""

    fir: Array
    """(2, CURVE_KNOTS - 1, taps): displacement to a knot from the last increments, the newest first."""
    ar: Array
    """(2, order): the next increment from the last ones, the newest first."""
    names: tuple[str, ...] = ()
    """Tracks it was fitted on."""
    pose_count: int = 0
    data_sha256: str = ""
    """Of the poses it was fitted on."""

    def __post_init__(self) -> None:
        for name, shape in (("fir", (2, CURVE_KNOTS - 1, None)), ("ar", (2, None))):
            values = np.array(getattr(self, name), dtype=np.float64)
            fits = values.ndim == len(shape) and all(
                size in (None, given) for size, given in zip(shape, values.shape, strict=True)
            )
            if not fits or not 1 <= values.shape[-1] <= 40 or not (np.abs(values) <= WEIGHT_MAX).all():
                raise ConfigError(f"the pooled weights '{name}' cannot be used", given=values.shape, allowed=shape)
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    def save(self, path: str | Path) -> None:
        """Write the model as JSON."""
        content = {
            "format": FORMAT,
            "names": list(self.names),
            "pose_count": self.pose_count,
            "data_sha256": self.data_sha256,
            "ar": _rounded(self.ar),
            "fir": _rounded(self.fir),
        }
        Path(path).write_text(json.dumps(content) + "\n", encoding="utf-8")

    @staticmethod
    def load(path: str | Path) -> PooledModel:
        """Read a model.

        Raises:
            ConfigError: The file is not such a model.
        """
        path = Path(path)
        try:
            content = read_json(path)
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ValueError(f"its format is not {FORMAT}")
            return PooledModel(
                fir=np.array(content["fir"], dtype=np.float64),
                ar=np.array(content["ar"], dtype=np.float64),
                names=tuple(str(name) for name in content["names"]),
                pose_count=int(content["pose_count"]),
                data_sha256=str(content["data_sha256"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                "not a pooled model", given=f"{path}: {error}", mend="make one with: teletwin forecast fit"
            ) from error


def per_channel(weights: Array) -> Array:
    """Spread weights (2, ...) of the groups over the seven channels: (..., 7)."""
    return np.stack([weights[0]] * 3 + [weights[1]] * 4, axis=-1)


def _rounded(weights: Array) -> list[object]:
    return np.round(weights, 8).tolist()
