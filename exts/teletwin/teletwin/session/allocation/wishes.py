"""What a person asks of the allocation while it runs: another allocator, a narrower link, a slower machine."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Protocol

from teletwin.allocation import ALLOCATORS, Allocator, build_allocator
from teletwin.errors import ConfigError, TeletwinError
from teletwin.messages import Note, ViewSettings
from teletwin.session.allocation.ladder import MeasuredCosts
from teletwin.session.allocation.loop import LiveAllocation
from teletwin.session.config import AllocationCfg

OFF = "off"
"""In place of an allocator's name: pictures stay as they were asked for."""


class Allocated(Protocol):
    """What is allocated for: the renderer's loop."""

    @property
    def allocation(self) -> LiveAllocation | None:
        """What divides link and compute; None when nothing does."""
        ...

    @allocation.setter
    def allocation(self, allocation: LiveAllocation | None) -> None: ...

    @property
    def asked(self) -> ViewSettings:
        """The picture that the operator asked for."""
        ...


class Slowable(Protocol):
    """A picture that can take longer than it must."""

    compute_share: float

    @property
    def costs(self) -> MeasuredCosts | None:
        """What pictures took when they were tried; None where none was."""
        ...


class Narrowable(Protocol):
    """A link whose way in can be narrowed."""

    def set_shared(self, rate_mbps: float) -> None:
        """Let pictures and updates together take so much from now on [Mb/s]; 0 is unlimited."""
        ...


def build_live(cfg: AllocationCfg, asked: ViewSettings, costs: MeasuredCosts | None = None) -> LiveAllocation | None:
    """The allocation that the settings name, for pictures of these costs; None when they name none.

    Raises:
        ConfigError: The allocator's file cannot be used.
    """
    if not cfg.allocator:
        return None
    return LiveAllocation(build_allocator(cfg), name=cfg.allocator, asked=asked, costs=costs)


def _read_ahead(cfg: AllocationCfg) -> dict[str, Allocator]:
    """What a disk would have to be read for in the middle of a loop: the learned allocator, where there is one."""
    try:
        return {"ppo": build_allocator(dataclasses.replace(cfg, allocator="ppo"))}
    except ConfigError:  # said when somebody asks for it
        return {}


class AllocationWishes:
    """Carries out notes 'allocator' and 'squeeze' in the renderer's process; what cannot be done changes nothing.

    Args:
        loop: Whose allocation changes.
        picture: What draws, slower when asked to.
        cfg: Settings of the session's allocation.
        warn: Told in words what could not be done.
    """

    def __init__(self, loop: Allocated, picture: Slowable, cfg: AllocationCfg, *, warn: Callable[[str], None]) -> None:
        self._loop, self._picture, self._cfg, self._warn = loop, picture, cfg, warn
        self._picture.compute_share = cfg.compute_share
        self._ready = _read_ahead(cfg)

    def obey(self, note: Note) -> bool:
        """Carry a note out; False when it concerns something else."""
        if note.kind not in ("allocator", "squeeze"):
            return False
        try:
            if note.kind == "allocator":
                self._use(note.values.get("name"))
            else:
                share = squeeze_value(note, "compute_share")
                self._picture.compute_share = self._picture.compute_share if share is None else share
        except TeletwinError as error:
            self._warn(str(error))
        return True

    def _use(self, name: object) -> None:
        if name == OFF:
            self._loop.allocation = None
            return
        if not isinstance(name, str) or name not in ALLOCATORS:
            raise ConfigError("no allocator has this name", given=name, allowed=", ".join((*ALLOCATORS, OFF)))
        allocator = self._ready.get(name) or build_allocator(dataclasses.replace(self._cfg, allocator=name))
        loop = self._loop
        if loop.allocation is None:
            loop.allocation = LiveAllocation(allocator, name=name, asked=loop.asked, costs=self._picture.costs)
        else:
            loop.allocation.use(allocator, name)


def narrow(link: Narrowable, note: Note) -> None:
    """Let a note 'squeeze' narrow the way into this role.

    Raises:
        ConfigError: That is no bandwidth.
    """
    rate_mbps = squeeze_value(note, "bandwidth_mbps")
    if rate_mbps is not None:
        link.set_shared(rate_mbps)


def squeeze_value(note: Note, name: str) -> float | None:
    """A number of a note 'squeeze' that can be; None when it is not named.

    Raises:
        ConfigError: It is no number, or out of range.
    """
    value = note.values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{name} is no number", given=value)
    number = float(value)
    # Refuses what is out of range.
    _ = AllocationCfg(bandwidth_mbps=number) if name == "bandwidth_mbps" else AllocationCfg(compute_share=number)
    return number
