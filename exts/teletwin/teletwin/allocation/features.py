"""What an allocator sees of a tick, the same numbers live and in training.

Requests are what the operator waits for: frames, or the jobs of user devices. Updates keep the twin true: states of
the arm and the scene, or the jobs of sensors. A tick is the time from one allocation to the next.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array

OBSERVATION_VERSION = 1
"""Raised whenever a feature, or how it is compressed, changes its meaning: policies of another version are refused."""


class Feature(IntEnum):
    """Columns of an observation (..., 16); none is negative."""

    REQUEST_QUEUE = 0
    """Requests that wait to be processed [count], summed over base stations."""
    UPDATE_QUEUE = 1
    """Updates that wait to be processed [count]."""
    LINK_REQUESTS = 2
    """What waits to be sent [ticks of the whole link], mean over base stations of the sum over devices."""
    LINK_UPDATES = 3
    LINK_WORST_REQUESTS = 4
    """Time until the last device of the class is empty if all share equally [ticks of the whole link]."""
    LINK_WORST_UPDATES = 5
    COMPUTE_REQUESTS = 6
    """What waits to be processed [ticks of the whole compute], mean over base stations."""
    COMPUTE_UPDATES = 7
    LINK_LOAD_REQUESTS = 8
    """New work to expect in a tick [ticks of the whole link]."""
    LINK_LOAD_UPDATES = 9
    COMPUTE_LOAD_REQUESTS = 10
    """New work to expect in a tick [ticks of the whole compute]."""
    COMPUTE_LOAD_UPDATES = 11
    REQUEST_AGE = 12
    """Age of the oldest unfinished request [deadlines of a request]."""
    UPDATE_AGE = 13
    """Age of the newest applied update, of the device where it is oldest [deadlines of an update]."""
    LINK_SHARE = 14
    """Share of requests that is in force."""
    COMPUTE_SHARE = 15


OBSERVATIONS: dict[str, tuple[Feature, ...]] = {
    "queues": (Feature.REQUEST_QUEUE, Feature.UPDATE_QUEUE),
    "full": tuple(Feature),
}
"""Kind of observation -> the columns it takes; 'queues' is all that MetaLore (arXiv 2510.25705) observes."""

_INDICES = {kind: np.array(columns, dtype=np.intp) for kind, columns in OBSERVATIONS.items()}
_COMPRESSED = {
    kind: np.array([column not in (Feature.LINK_SHARE, Feature.COMPUTE_SHARE) for column in columns])
    for kind, columns in OBSERVATIONS.items()
}


def observation_names(kind: str) -> tuple[str, ...]:
    """Names of an observation's numbers, in their order.

    Raises:
        ConfigError: No observation has this name.
    """
    if kind not in OBSERVATIONS:
        raise ConfigError("no observation has this name", given=kind, allowed=", ".join(OBSERVATIONS))
    return tuple(column.name.lower() for column in OBSERVATIONS[kind])


def observed(seen: Array, kind: str) -> Array:
    """The columns (..., n) that a kind of observation takes, as they are."""
    return seen[..., _INDICES[kind]]


def compressed(seen: Array, kind: str) -> Array:
    """The same columns as a network takes them: backlogs, loads and ages as log(1 + x), shares as they are."""
    columns = observed(seen, kind)
    return np.where(_COMPRESSED[kind], np.log1p(np.maximum(columns, 0.0)), columns)


def backlogs(seen: Array) -> Array:
    """View (..., 2, 2) of what waits [ticks]: link and compute, each of requests and of updates."""
    pairs = seen[..., Feature.LINK_REQUESTS : Feature.LINK_LOAD_REQUESTS]
    return pairs.reshape(*pairs.shape[:-1], 3, 2)[..., ::2, :]


def worst_links(seen: Array) -> Array:
    """View (..., 2) of the ticks until the last device is empty: requests and updates."""
    return seen[..., Feature.LINK_WORST_REQUESTS : Feature.COMPUTE_REQUESTS]


def loads(seen: Array) -> Array:
    """View (..., 2, 2) of the new work to expect [ticks]: link and compute, each of requests and of updates."""
    pairs = seen[..., Feature.LINK_LOAD_REQUESTS : Feature.REQUEST_AGE]
    return pairs.reshape(*pairs.shape[:-1], 2, 2)


def ages(seen: Array) -> Array:
    """View (..., 2) of the ages [deadlines]: requests and updates."""
    return seen[..., Feature.REQUEST_AGE : Feature.LINK_SHARE]
