"""Who gets how much of link and compute: allocators, one class and one name each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol, cast

from teletwin.errors import ConfigError
from teletwin.geometry import Array


class Allocator(Protocol):
    """Divides link and compute between requests and updates, once a tick."""

    @property
    def fallback_count(self) -> int:
        """Decisions in which something was not finite and a safe share took its place."""
        ...

    def allocate(self, seen: Array) -> Array:
        """Shares of requests.

        Args:
            seen: Features (..., 16), columns as in `features.Feature`; one tick, or one for each of many cells.

        Returns:
            Shares (..., 2) of link and compute, finite and in [0, 1], in an array of their own; updates get the rest.
        """
        ...

    def reset(self) -> None:
        """Forget earlier ticks."""
        ...


class AllocationSettings(Protocol):
    """What a configuration says about allocation."""

    @property
    def allocator(self) -> str:
        """Name of the allocator."""
        ...

    @property
    def allocator_file(self) -> str:
        """File of the allocator 'ppo'; empty takes the shipped one."""
        ...

    @property
    def link_share(self) -> float:
        """Share of the link that 'static' gives to requests."""
        ...

    @property
    def compute_share_requests(self) -> float:
        """Share of the compute that 'static' gives to requests."""
        ...


Builder = Callable[[AllocationSettings], Allocator]

ALLOCATORS: dict[str, str] = {
    "equal": "teletwin.allocation.equal:from_settings",
    "proportional": "teletwin.allocation.proportional:from_settings",
    "static": "teletwin.allocation.fixed:from_settings",
    "backlog": "teletwin.allocation.backlog:from_settings",
    "ppo": "teletwin.allocation.learned:from_settings",
}
"""Name on the command line -> the function that builds it; imported when it is built."""


def build_allocator(settings: AllocationSettings) -> Allocator:
    """Build the allocator that the settings name.

    Raises:
        ConfigError: No allocator has this name, a share is out of range, or a policy file cannot be used.
    """
    if settings.allocator not in ALLOCATORS:
        raise ConfigError("no allocator has this name", given=settings.allocator, allowed=", ".join(ALLOCATORS))
    module, _, function = ALLOCATORS[settings.allocator].partition(":")
    return cast(Builder, getattr(import_module(module), function))(settings)


def check_allocator(settings: AllocationSettings) -> None:
    """Read the file of a learned allocator, before anything starts.

    Raises:
        ConfigError: It cannot be used.
    """
    if settings.allocator:
        build_allocator(settings)


def available_allocators(allocator_file: str = "") -> list[str]:
    """Names that can be chosen here: 'ppo' only where its file is known.

    Args:
        allocator_file: The file that was given; empty looks for the shipped one.
    """
    from teletwin.allocation.learned import policy_path

    try:
        is_known = policy_path(allocator_file).is_file()
    except ConfigError:
        is_known = False
    return [name for name in ALLOCATORS if name != "ppo" or is_known]
